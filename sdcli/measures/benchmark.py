"""What a benchmark of schedulers is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image

from sdcli.measures.convergence import Reference
from sdcli.measures.measure import Latents
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.request import Output


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


class BenchmarkLike(Protocol):
    """A model with one prompt on which schedulers are tried: in this process, or in any other."""

    def find_limit(self, plan: Plan) -> ConvergedLatents:
        """The converged picture of the plan's seed: kept from before, or drawn until it is."""
        ...

    def evaluations_to_find_limit(self, plan: Plan) -> int:
        """About how often the model must be asked for that; 0 where it was kept."""
        ...

    def warm_up(self, plan: Plan, steps: int) -> None:
        """Draw some steps for nothing, so that the first that is measured is not the slowest."""
        ...

    def draw(self, plan: Plan, title: str) -> BenchmarkDrawing:
        """The plan's picture, bit for bit what it is alone."""
        ...


def reference_plan(plan: Plan, scheduler: str, steps: int) -> Plan:
    """The plan under a deterministic solver, and nothing in it that decides no picture."""
    return replace(plan, scheduler=scheduler, steps=steps, eta=0.0, count=1, output=Output())
