"""Who takes the steps: AdamW, its 8-bit form or Prodigy, whichever is asked for and there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from sdcli.errors import BadRequest
from sdcli.training.settings import TrainingSettings

EIGHT_BIT, PRODIGY = "bitsandbytes", "prodigyopt"  # packages
WANTED = {EIGHT_BIT: EIGHT_BIT, PRODIGY: '"sdcli[train]"'}  # what to install for them


def choose_optimizer(settings: TrainingSettings, device: torch.device) -> str:
    """The optimizer by its name, where that is left to the machine."""
    if settings.optimizer != "auto":
        return settings.optimizer
    return "adamw8bit" if device.type == "cuda" and find_spec(EIGHT_BIT) else "adamw"


def make_optimizer(
    name: str, groups: list[tuple[float, list[nn.Parameter]]], settings: TrainingSettings
) -> torch.optim.Optimizer:
    """The optimizer of groups of parameters, each with a rate of its own."""
    rows: list[dict[str, Any]] = [
        {"params": parameters, "lr": rate, "full_rate": rate} for rate, parameters in groups
    ]
    common: dict[str, Any] = {"weight_decay": settings.weight_decay, "betas": (0.9, 0.999)}
    if name == "adamw8bit":
        return _imported(EIGHT_BIT, "optim").AdamW8bit(rows, **common)
    if name == "prodigy":
        more = {"safeguard_warmup": True, "use_bias_correction": True, "decouple": True}
        return _imported(PRODIGY).Prodigy(rows, **common, **more)
    return torch.optim.AdamW(rows, **common, eps=1e-8, fused=True)


def _imported(package: str, inside: str = "") -> Any:
    try:
        return import_module(f"{package}.{inside}" if inside else package)
    except ImportError:
        raise BadRequest(
            f"this optimizer needs the package `{package}`, which is not installed",
            hint=f"`pip install {WANTED[package]}`, or `--optimizer adamw`",
        ) from None


def set_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Each group at this share of its own rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * share
