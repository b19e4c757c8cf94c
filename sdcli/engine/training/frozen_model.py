"""The model that something is learnt beside: loaded, on its device, and none of it ever changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sdcli.engine import build
from sdcli.engine.device import choose_machine
from sdcli.engine.pipeline import Pipeline
from sdcli.events import Listener
from sdcli.library.hashes import watch_files
from sdcli.plan import Plan
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint


@dataclass(frozen=True)
class FrozenModel:
    """A model in memory: its VAE in fp32, whatever the rest is in."""

    model: Checkpoint
    pipe: Pipeline
    vae: Any
    device: torch.device
    dtype: torch.dtype


def load_frozen_model(drawing: Plan, listener: Listener) -> FrozenModel:
    """The model of a plan, where it computes."""
    machine = choose_machine(drawing.device, drawing.dtype)
    dtype = machine.dtype
    if drawing.dtype == "auto" and dtype is torch.float16 and machine.device.type == "cuda":
        # bf16 has fp32's range, so that no gradient overflows.
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    for text in machine.notes:
        listener.on_note(text)
    listener.on_stage(f"loading {drawing.model.path.name}")
    model = identify_checkpoint(drawing.model.path)
    other_vae = None if drawing.vae == drawing.model else drawing.vae.path
    with watch_files((drawing.model, drawing.vae)):
        modules = build.build_modules(model, other_vae, dtype=dtype, device=machine.device)
        vae: Any = modules.vae
        if dtype is not torch.float32:
            vae = build.build_vae(model, other_vae, device=machine.device)
    pipe = Pipeline(modules.unet, vae, modules.text_encoder, modules.text_encoder_2)
    return FrozenModel(model, pipe, vae, machine.device, dtype)


def free_memory(device: torch.device) -> int:
    """The bytes that could be taken now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    table = Path("/proc/meminfo")
    for line in table.read_text().splitlines() if os.access(table, os.R_OK) else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
