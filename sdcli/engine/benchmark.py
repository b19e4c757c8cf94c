"""Schedulers measured: one model, one prompt, the same noise; how far each ends from the limit.

The limit is what the deterministic solvers agree on when their steps are many: the solution of the
one differential equation that they all follow. It is drawn once for each seed, and kept.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from sdcli.engine.decode import decode_image
from sdcli.engine.hires import count_second_steps
from sdcli.engine.passes import DrawnLatents, sampling_for_plan
from sdcli.engine.session import Session
from sdcli.events import Listener, Listeners
from sdcli.library import cache
from sdcli.measures.benchmark import BenchmarkDrawing, ConvergedLatents, reference_plan
from sdcli.measures.convergence import Reference
from sdcli.measures.latent_distance import latent_distance
from sdcli.measures.measure import Latents
from sdcli.metadata import codec
from sdcli.plan import Plan

# The most exact of the multistep solvers, and a one-step solver of another kind as its witness.
SOLVER, WITNESS = "unipc-karras", "heun-karras"
STEPS = (100, 200, 400)  # tried until the two agree
AGREED = 0.002  # a fifth of the strictest distance that a verdict speaks of
KIND, ENOUGH = "converged", "steps to converge"  # in the cache: the pictures, and by model
MOST_LIMITS = 500  # remembered; of SDXL each takes a quarter of a megabyte
EDITION = "1"  # another way of finding the limit takes another name in the cache


class Benchmark:
    """A model with one prompt, loaded and encoded once, on which schedulers are tried."""

    def __init__(self, plan: Plan, listener: Listener, session: Session | None = None) -> None:
        self._listener = _Titled(listener)
        self._session = session or Session()
        self._loaded = self._session.load(plan, self._listener)
        self._inputs = self._session.prepare(plan, self._loaded, self._listener)

    def find_limit(self, plan: Plan) -> ConvergedLatents:
        """The converged picture of the plan's seed: kept from before, or drawn until it is."""
        key = self._cache_key(plan)
        found = _recall(key)
        if found is None:
            found = self._converged(plan)
            _remember(key, *found)
        latents, about = found
        self._listener.title = "decoding the converged picture"
        image = self._decode(latents)
        return ConvergedLatents(
            latents, image, reference_plan(plan, about.scheduler, about.steps), about
        )

    def evaluations_to_find_limit(self, plan: Plan) -> int:
        """About how often the model must be asked for the converged picture of the plan's seed, as
        for the last one of this model; 0 where it was kept."""
        if _recall(self._cache_key(plan)) is not None:
            return 0
        enough = cache.recall_value(ENOUGH, plan.model.sha256)
        last = enough if isinstance(enough, float) else STEPS[0]
        plans = [
            reference_plan(plan, name, steps)
            for name in (SOLVER, WITNESS)
            for steps in STEPS
            if steps <= last
        ]
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
            sampling.evaluations + count_second_steps(plan),
            drawing.denoising,
            sampling.levels[-1],
        )

    def _drawn(self, plan: Plan, title: str) -> DrawnLatents:
        inputs = self._inputs
        # Words that change after a share of the steps, each number of which has its own.
        if inputs.stages or inputs.second:
            inputs = self._session.prepare(plan, self._loaded, self._listener)
        self._listener.title = title
        return self._session.draw_one(plan, self._loaded, inputs, self._listener)

    def _decode(self, latents: Latents) -> Image.Image:
        tensor = torch.from_numpy(latents).to(self._loaded.machine.device)
        return decode_image(self._loaded, tensor, self._listener)

    def _converged(self, plan: Plan) -> tuple[Latents, Reference]:
        def solve(scheduler: str, steps: int) -> Latents:
            title = f"the converged picture of seed {plan.seed}: {scheduler}, {steps} steps"
            return _as_numpy(self._drawn(reference_plan(plan, scheduler, steps), title).latents)

        latents, about = find_converged(solve)
        cache.remember_value(ENOUGH, plan.model.sha256, float(about.steps), MOST_LIMITS)
        return latents, about

    def _cache_key(self, plan: Plan) -> str:
        """Under what the limit of this plan's seed is remembered: all that decides it."""
        decides = reference_plan(plan, SOLVER, 1)
        machine = self._loaded.machine
        facts = [EDITION, machine.device.type, machine.dtype_name, codec.to_data(decides)]
        return hashlib.sha256(codec.to_json(facts).encode()).hexdigest()


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


def _recall(key: str) -> tuple[Latents, Reference] | None:
    """A limit that was drawn before; None where none is remembered, or something damaged."""
    stored = cache.recall_value(KIND, key)
    if not isinstance(stored, bytes):
        return None
    head, _, latents = stored.partition(b"\n")
    try:
        facts = json.loads(head)
        about = Reference(
            str(facts["scheduler"]),
            int(facts["steps"]),
            str(facts["witness"]),
            int(facts["witness_steps"]),
            float(facts["apart"]),
            cached=True,
        )
        return np.frombuffer(latents, np.float32).reshape(facts["shape"]).copy(), about
    except (ValueError, KeyError, TypeError):
        return None


def _remember(key: str, latents: Latents, about: Reference) -> None:
    facts = {
        "scheduler": about.scheduler,
        "steps": about.steps,
        "witness": about.witness,
        "witness_steps": about.witness_steps,
        "apart": about.apart,
        "shape": latents.shape,
    }
    head = json.dumps(facts).encode()
    cache.remember_value(
        KIND, key, head + b"\n" + latents.astype(np.float32).tobytes(), MOST_LIMITS
    )
