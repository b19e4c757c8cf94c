"""Schedulers measured: one model, one prompt, the same noise; how far each ends from the limit.

The limit is what the deterministic solvers agree on when their steps are many: the solution of the
one differential equation that they all follow. It is drawn once for each seed, and kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sdcli import folders
from sdcli.engine.decode import decode_image
from sdcli.engine.session import DrawnLatents, Session, sampling_for_plan
from sdcli.events import Listener, Listeners
from sdcli.measures.convergence import Reference
from sdcli.measures.latent_distance import latent_distance
from sdcli.measures.measure import Latents
from sdcli.metadata import codec
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.request import Output

# The most exact of the multistep solvers, and a one-step solver of another kind as its witness.
SOLVER, WITNESS = "unipc-karras", "heun-karras"
STEPS = (100, 200, 400)  # tried until the two agree
AGREED = 0.002  # a fifth of the strictest distance that a verdict speaks of
EDITION = "1"  # another way of finding the limit takes another name in the cache


@dataclass(frozen=True)
class ConvergedLatents:
    """The converged picture of one seed."""

    latents: Latents
    image: Image.Image
    plan: Plan  # what draws it
    about: Reference


@dataclass(frozen=True)
class BenchmarkDrawing:
    """One picture of the comparison, and what is to be measured of it."""

    picture: Picture
    latents: Latents
    evaluations: int
    denoising: float  # seconds of the steps alone
    rest: float  # the noise level where the solver stops; 0 for most


class Benchmark:
    """A model with one prompt, loaded and encoded once, on which schedulers are tried."""

    def __init__(self, plan: Plan, listener: Listener) -> None:
        self._listener = _Titled(listener)
        self._session = Session()
        self._loaded = self._session.load(plan, self._listener)
        self._inputs = self._session.prepare(plan, self._loaded, self._listener)

    def find_limit(self, plan: Plan) -> ConvergedLatents:
        """The converged picture of the plan's seed: kept from before, or drawn until it is."""
        file = self._kept_at(plan)
        found = _read_cached(file)
        if found is None:
            found = self._converged(plan)
            _write_cached(file, *found)
        latents, about = found
        self._listener.title = "decoding the converged picture"
        image = self._decode(latents)
        return ConvergedLatents(
            latents, image, _reference_plan(plan, about.scheduler, about.steps), about
        )

    def evaluations_to_find_limit(self, plan: Plan) -> int:
        """How often the model must be asked for the converged picture of the plan's seed, at least;
        0 where it was kept."""
        if self._kept_at(plan).is_file():
            return 0
        plans = [_reference_plan(plan, name, STEPS[0]) for name in (SOLVER, WITNESS)]
        return sum(sampling_for_plan(one).evaluations for one in plans)

    def warm_up(self, plan: Plan, steps: int) -> None:
        """Draw some steps for nothing, so that the first that is measured is not the slowest."""
        self._drawn(replace(plan, steps=steps), "warming up")

    def draw(self, plan: Plan, title: str) -> BenchmarkDrawing:
        """The plan's picture, bit for bit what it is alone."""
        drawing = self._drawn(plan, title)
        sampling = sampling_for_plan(plan)
        return BenchmarkDrawing(
            drawing.picture,
            _as_numpy(drawing.latents),
            sampling.evaluations,
            drawing.denoising,
            sampling.levels[-1],
        )

    def _drawn(self, plan: Plan, title: str) -> DrawnLatents:
        inputs = self._inputs
        if inputs.stages:  # after a share of the steps, so that each number of steps has its own
            inputs = self._session.prepare(plan, self._loaded, self._listener)
        self._listener.title = title
        return self._session.draw_one(plan, self._loaded, inputs, self._listener)

    def _decode(self, latents: Latents) -> Image.Image:
        tensor = torch.from_numpy(latents).to(self._loaded.machine.device)
        return decode_image(self._loaded, tensor, self._listener)

    def _converged(self, plan: Plan) -> tuple[Latents, Reference]:
        def solve(scheduler: str, steps: int) -> Latents:
            title = f"the converged picture of seed {plan.seed}: {scheduler}, {steps} steps"
            return _as_numpy(self._drawn(_reference_plan(plan, scheduler, steps), title).latents)

        return find_converged(solve)

    def _kept_at(self, plan: Plan) -> Path:
        """Where the limit of this plan's seed is kept: all that decides it is in the name."""
        decides = _reference_plan(plan, SOLVER, 1)
        machine = self._loaded.machine
        facts = [EDITION, machine.device.type, machine.dtype_name, codec.to_data(decides)]
        digest = hashlib.sha256(codec.to_json(facts).encode()).hexdigest()[:32]
        return folders.cache() / "converged" / f"{digest}.safetensors"


def find_converged(solve: Callable[[str, int], Latents]) -> tuple[Latents, Reference]:
    """Where a scheduler ends when its steps are many: more and more of them, until two solvers of
    different kinds end in the same place, or as many as are worth their time."""
    latents, about = np.empty(0, np.float32), Reference(SOLVER, 0, WITNESS, 0, math.inf)
    for steps in STEPS:
        latents = solve(SOLVER, steps)
        about = Reference(
            SOLVER, steps, WITNESS, steps, latent_distance(solve(WITNESS, steps), latents)
        )
        if about.apart <= AGREED:
            break
    return latents, about


class _Titled(Listeners):
    """Tells a listener everything, each stage under the title of the drawing it belongs to."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.title = ""

    def on_stage(self, text: str) -> None:
        """A new stage begins."""
        super().on_stage(self.title or text)


def _as_numpy(latents: torch.Tensor) -> Latents:
    return latents.float().cpu().numpy()


def _reference_plan(plan: Plan, scheduler: str, steps: int) -> Plan:
    """The plan under a deterministic solver, and nothing in it that decides no picture."""
    return replace(plan, scheduler=scheduler, steps=steps, eta=0.0, count=1, output=Output())


def _read_cached(file: Path) -> tuple[Latents, Reference] | None:
    try:
        with safe_open(file, framework="np") as opened:
            data: dict[str, str] = opened.metadata()
            about = Reference(
                data["scheduler"],
                int(data["steps"]),
                data["witness"],
                int(data["witness_steps"]),
                float(data["apart"]),
                cached=True,
            )
            return opened.get_tensor("latents"), about
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None  # not there, or damaged: drawn anew either way


def _write_cached(file: Path, latents: Latents, about: Reference) -> None:
    facts = {
        "scheduler": about.scheduler,
        "steps": str(about.steps),
        "witness": about.witness,
        "witness_steps": str(about.witness_steps),
        "apart": repr(about.apart),
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        save_file({"latents": np.ascontiguousarray(latents)}, partial, facts)
        partial.replace(file)
    except (OSError, SafetensorError):
        return  # a cache that cannot be written costs time, not the comparison
