"""What a solver is given, and the arithmetic they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sdcli.schedulers.noise_levels import NoiseSchedule

X = Any  # a tensor, or a number when a run is walked dry

SolverSteps = Generator[tuple[X, float], tuple[X, X], X]


@dataclass(frozen=True)
class SolverRun:
    """The noise levels to walk down, the last one included, and where fresh noise comes from."""

    sigmas: Sequence[float]
    schedule: NoiseSchedule
    eta: float
    noise: Callable[[], X]  # each time other
    brownian: Callable[[float, float], X]  # of one Brownian motion, between two levels; variance 1

    @property
    def steps(self) -> list[tuple[float, float]]:
        """The steps: from which noise level to which."""
        return list(zip(self.sigmas, self.sigmas[1:], strict=False))


class SolverFunction(Protocol):
    """A way from noise to a picture."""

    def __call__(self, x: X, run: SolverRun) -> SolverSteps:
        """Walk down the run's noise levels, asking for the picture seen in x at each."""
        ...


def blend_toward(x: X, x0: X, ratio: float) -> X:
    """The point where this share of x's noise is left over x0: 1 is x, 0 is x0."""
    return x0 + (x - x0) * ratio if ratio else x0


def ancestral_step(now: float, then: float, eta: float) -> tuple[float, float]:
    """The level to go down to, and the fresh noise on top of it that makes `then` of it."""
    up = min(then, eta * math.sqrt(then**2 * (now**2 - then**2) / now**2))
    return math.sqrt(then**2 - up**2), up


@cache
def gauss_legendre() -> list[tuple[float, float]]:
    """Sixteen nodes and weights of Gauss and Legendre on [-1, 1].

    They are exact for polynomials up to degree 31, and to the last bits for what solvers need.
    """
    from numpy.polynomial.legendre import leggauss  # 0.1 s that a help text need not pay

    nodes, weights = leggauss(16)
    return [(float(x), float(weight)) for x, weight in zip(nodes[::-1], weights[::-1], strict=True)]


def lagrange_integrals(
    nodes: Sequence[float], start: float, end: float, density: Callable[[float], float]
) -> list[float]:
    """How much each node counts: the integral of its Lagrange polynomial times the density."""
    middle, half = (start + end) / 2, (end - start) / 2
    places = [(middle + half * x, half * weight) for x, weight in gauss_legendre()]
    return [
        sum(weight * density(at) * _lagrange(nodes, j, at) for at, weight in places)
        for j in range(len(nodes))
    ]


def _lagrange(nodes: Sequence[float], j: int, at: float) -> float:
    others = (other for k, other in enumerate(nodes) if k != j)
    return math.prod((at - other) / (nodes[j] - other) for other in others)
