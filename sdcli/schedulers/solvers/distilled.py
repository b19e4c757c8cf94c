"""For models that were taught to see the picture at once: each step a jump, then fresh noise."""

from __future__ import annotations

import math

from sdcli.schedulers.solvers.base import SolverRun, SolverSteps, X


def lcm(x: X, run: SolverRun) -> SolverSteps:
    """Latent consistency (Luo et al. 2023): the picture seen, noised afresh for the next look."""
    for now, then in run.steps:
        x, x0 = yield x, now
        x = x0 + run.noise() * then if then else x0
    return x


def tcd(x: X, run: SolverRun) -> SolverSteps:
    """Trajectory consistency (Zheng et al. 2024): a jump past the next level, and noise back up.

    Eta is the paper's gamma: 0 jumps just to the next level, 1 to the picture, which is `lcm`.
    """
    for now, then in run.steps:
        x, x0 = yield x, now
        timestep = math.floor((1 - run.eta) * round(run.schedule.timestep(then)))
        past = min(run.schedule.sigma(timestep), then)
        x = x0 + (x - x0) * (past / now)
        if then > past:
            x = x + run.noise() * math.sqrt(then**2 - past**2)
    return x
