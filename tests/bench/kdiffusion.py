"""Our solvers beside k-diffusion's: `python -m tests.bench kdiffusion FOLDER`.

FOLDER holds a checkout of k-diffusion, whose `sampling.py` is read alone: what its package asks for
besides is large, and not needed here. The model is a perfect one for pictures of three Gaussians.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.schedulers.solvers.base import SolverRun
from sdcli.schedulers.table import SOLVERS, SPACINGS

STEPS = 10
MEANS, SPREAD = torch.tensor([-1.5, 0.4, 2.0], dtype=torch.float64), 0.3
# Our solver, theirs, eta.
PAIRS = [
    ("euler", "sample_euler", 0.0),
    ("euler", "sample_euler_ancestral", 1.0),
    ("euler", "sample_euler_ancestral", 0.5),
    ("heun", "sample_heun", 0.0),
    ("dpm2", "sample_dpm_2", 0.0),
    ("dpm2", "sample_dpm_2_ancestral", 1.0),
    ("lms", "sample_lms", 0.0),
    ("dpm++2s", "sample_dpmpp_2s_ancestral", 1.0),
    ("dpm++sde", "sample_dpmpp_sde", 1.0),
    ("dpm++2m", "sample_dpmpp_2m", 0.0),
    ("dpm++2m", "sample_dpmpp_2m_sde", 1.0),
    ("dpm++3m", "sample_dpmpp_3m_sde", 1.0),
    ("dpm++3m", "sample_dpmpp_3m_sde", 0.4),
]


def main(words: list[str]) -> None:
    """Print how far apart the two are, at most, for each pair and spacing."""
    theirs = read(Path(words[0]) / "k_diffusion")
    print("| spacing | theirs | eta | apart |\n|---|---|---|---|")
    for spacing in ("uniform", "karras", "simple"):
        levels = SPACINGS[spacing].levels(make_noise_schedule(), STEPS)
        dice = torch.Generator().manual_seed(0)
        x = torch.randn((1, 4, 8, 8), generator=dice, dtype=torch.float64) * levels[0]
        for method, name, eta in PAIRS:
            more: dict[str, Any] = {}
            if "ancestral" in name or "sde" in name:
                more = {"eta": eta, "noise_sampler": rolled()}
            sigmas = torch.tensor(levels, dtype=torch.float64)
            found = getattr(theirs, name)(model, x.clone(), sigmas, disable=True, **more)
            apart = (found - ours(method, x, levels, eta)).abs().max()
            print(f"| {spacing} | {name} | {eta} | {float(apart):.1e} |")


def read(package: Path) -> ModuleType:
    """Their solvers, without the packages that none of these solvers needs."""
    stubs = {name: ModuleType(name) for name in ("torchdiffeq", "k_diffusion", "k_diffusion.utils")}
    stubs["torchdiffeq"].__dict__["odeint"] = None
    stubs["k_diffusion"].__dict__["utils"] = stubs["k_diffusion.utils"]
    stubs["k_diffusion.utils"].__dict__["append_dims"] = lambda x, n: x[
        (..., *[None] * (n - x.ndim))
    ]
    sys.modules.update(stubs)
    spec = spec_from_file_location("k_diffusion.sampling", package / "sampling.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rolled() -> Callable[..., torch.Tensor]:
    """The same noise, draw by draw, for both."""
    dice = torch.Generator().manual_seed(5)
    return lambda *_: torch.randn((1, 4, 8, 8), generator=dice, dtype=torch.float64)


def model(x: torch.Tensor, sigma: torch.Tensor, **_: Any) -> torch.Tensor:
    """What is seen in x, as k-diffusion asks for it."""
    return seen(x, float(sigma[0]))


def seen(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The picture that a perfect model sees."""
    spread = SPREAD**2 + sigma**2
    weights = torch.softmax(-((x[..., None] - MEANS) ** 2) / (2 * spread), -1)
    return (weights * (x[..., None] * SPREAD**2 + MEANS * sigma**2) / spread).sum(-1)


def ours(method: str, x: torch.Tensor, levels: list[float], eta: float) -> torch.Tensor:
    """The end of our run over the same levels."""
    noise = rolled()
    solving = SOLVERS[method].function(
        x, SolverRun(levels, make_noise_schedule(), eta, noise, noise)
    )
    x, sigma = next(solving)
    while True:
        try:
            x, sigma = solving.send((x, seen(x, sigma)))
        except StopIteration as end:
            return end.value
