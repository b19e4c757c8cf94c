"""Predictor and corrector: each look also mends the step that led to it, at no evaluation more."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sdcli.schedulers.solvers.base import (
    SolverRun,
    SolverSteps,
    X,
    blend_toward,
    lagrange_integrals,
)
from sdcli.schedulers.solvers.multistep import weighted_sum


@dataclass(frozen=True)
class TakenStep:
    """A step that was taken: from which x at which level, what was seen there and before."""

    x: X
    level: float
    seen: tuple[X, ...]  # newest first
    levels: tuple[float, ...]  # where each was seen
    tau: float = 0.0
    noise: X = 0.0


def unipc(x: X, run: SolverRun) -> SolverSteps:
    """UniPC of order 2 with B(h) = exp(h) - 1, "bh2" (Zhao et al. 2023), predicting the picture."""
    taken: TakenStep | None = None
    for i, (now, then) in enumerate(run.steps):
        x, x0 = yield x, now
        seen, levels = (x0,), (now,)
        if taken:
            x = _correct_step(taken, x0, now)
            seen, levels = (x0, taken.seen[0]), (now, taken.level)
        if i == len(run.steps) - 1:  # of order 1, as in the reference; mostly straight to zero
            return blend_toward(x, x0, then / now)
        taken = TakenStep(x, now, seen, levels)
        x = blend_toward(x, x0 + _slope(taken) * (math.log(now / then) / 2), then / now)
    return x


def _slope(step: TakenStep) -> X:
    """How the picture seen changed up to a step, by log sigma; nothing where it is the first."""
    if len(step.seen) == 1:
        return 0.0
    return (step.seen[0] - step.seen[1]) / math.log(step.levels[1] / step.levels[0])


def _correct_step(step: TakenStep, x0: X, now: float) -> X:
    """The end of a step taken again, knowing what is seen there (the paper's UniC)."""
    h = math.log(step.level / now)
    change = x0 - step.seen[0]
    if len(step.seen) == 1:
        return blend_toward(step.x, step.seen[0] + change * 0.5, now / step.level)
    whole = math.expm1(-h)
    second = whole / -h - 1
    third = second / -h - 0.5
    older = (second - 2 * third) / whole / (1 + math.log(step.levels[1] / step.levels[0]) / h)
    bend = _slope(step) * (older * h) + change * (second / whole - older)
    return blend_toward(step.x, step.seen[0] + bend, now / step.level)


def sa_solver(x: X, run: SolverRun) -> SolverSteps:
    """SA-Solver, predictor and corrector of order 2 (Xue et al. 2023), predicting the picture.

    Eta is the paper's tau, felt between timesteps 200 and 800 as its authors set it.
    """
    taken: TakenStep | None = None
    for i, (now, then) in enumerate(run.steps):
        x, x0 = yield x, now
        if taken:
            x = _adams_step(taken, (x0, taken.seen[0]), (now, taken.level), now)
        if then == 0:
            return x0
        tau = run.eta if 200 <= run.schedule.timestep(now) <= 800 else 0.0
        noise = run.noise() if run.eta else 0.0  # felt or not, as the reference rolls it
        seen, levels = (x0,), (now,)
        if taken and i < len(run.steps) - 1:
            seen, levels = (x0, taken.seen[0]), (now, taken.level)
        taken = TakenStep(x, now, seen, levels, tau, noise)
        x = _adams_step(taken, seen, levels, then)
    return x


def _adams_step(step: TakenStep, seen: tuple[X, ...], levels: tuple[float, ...], then: float) -> X:
    """One step of a stochastic Adams method, from pictures seen at these levels."""
    start, end = -math.log(step.level), -math.log(then)
    a, h = 1 + step.tau**2, end - start
    nodes = [-math.log(level) for level in levels]
    weights = lagrange_integrals(nodes, start, end, lambda at: a * math.exp(a * (at - end)))
    if len(seen) == 2:
        # The authors' small change for few steps: it is of order h^3, like the error.
        change = a * (h * h / 2 - (h * a - 1 + math.exp(-a * h)) / a**2) / (nodes[0] - nodes[1])
        weights = [weights[0] + change, weights[1] - change]
    x = step.x * math.exp(-a * h) + weighted_sum(weights, seen)
    return x + step.noise * (then * math.sqrt(-math.expm1(-2 * step.tau**2 * h)))
