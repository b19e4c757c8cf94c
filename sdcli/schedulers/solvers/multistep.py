"""Deterministic methods that remember the slopes of the steps before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sdcli.schedulers.solvers.base import (
    SolverRun,
    SolverSteps,
    X,
    blend_toward,
    lagrange_integrals,
)

# Adams and Bashforth's weights for equal steps, newest slope first.
ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def weighted_sum(weights: Sequence[float], slopes: Sequence[X]) -> X:
    """The sum of the slopes, each as much as its weight says."""
    total = slopes[0] * weights[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        total = total + slope * weight
    return total


def lms(x: X, run: SolverRun) -> SolverSteps:
    """The linear multistep method of order 4 over sigma, whatever the steps (Katherine Crowson)."""
    slopes: list[X] = []
    for i, (now, then) in enumerate(run.steps):
        x, x0 = yield x, now
        slopes = [(x - x0) / now, *slopes[:3]]
        nodes = [run.sigmas[i - j] for j in range(len(slopes))]
        x = x + weighted_sum(lagrange_integrals(nodes, now, then, lambda _: 1.0), slopes)
    return x


def deis(x: X, run: SolverRun) -> SolverSteps:
    """DEIS of order 2 (Zhang and Chen 2022): the noise a line over log sigma, integrated."""
    slopes: list[X] = []
    for i, (now, then) in enumerate(run.steps):
        x, x0 = yield x, now
        if i == len(run.steps) - 1:  # of order 1, as in the reference; mostly straight to zero
            return blend_toward(x, x0, then / now)
        slopes = [(x - x0) / now, *slopes[:1]]
        nodes = [math.log(run.sigmas[i - j]) for j in range(len(slopes))]
        x = x + weighted_sum(
            lagrange_integrals(nodes, math.log(now), math.log(then), math.exp), slopes
        )
    return x


def ipndm(x: X, run: SolverRun) -> SolverSteps:
    """Adams and Bashforth's method of order 4, rising to it from Euler (Zhang and Chen's iPNDM).

    Its weights are those of equal steps whatever the steps, as everywhere it is offered.
    """
    slopes: list[X] = []
    for now, then in run.steps:
        x, x0 = yield x, now
        slopes = [(x - x0) / now, *slopes[:3]]
        x = x + weighted_sum(ADAMS_BASHFORTH[len(slopes) - 1], slopes) * (then - now)
    return x


def pndm(x: X, run: SolverRun) -> SolverSteps:
    """PLMS (Liu et al. 2022): as iPNDM, but its first step is Heun's, of two evaluations."""
    slopes: list[X] = []
    for now, then in run.steps:
        x, x0 = yield x, now
        slopes = [(x - x0) / now, *slopes[:3]]
        slope = weighted_sum(ADAMS_BASHFORTH[len(slopes) - 1], slopes)
        if len(slopes) == 1 and then:
            end, end0 = yield x + slope * (then - now), then
            slope = (slope + (end - end0) / then) / 2
        x = x + slope * (then - now)
    return x
