"""Two evaluations a step; the last step, straight to the picture, needs one."""

from __future__ import annotations

import math

from sdcli.schedulers.solvers.base import SolverRun, SolverSteps, X, ancestral_step, blend_toward


def heun(x: X, run: SolverRun) -> SolverSteps:
    """Heun's method: the mean of the slopes at both ends of the step."""
    for now, then in run.steps:
        x, x0 = yield x, now
        if then == 0:
            return x0
        slope = (x - x0) / now
        end, end0 = yield x + slope * (then - now), then
        x = x + (slope + (end - end0) / then) * ((then - now) / 2)
    return x


def dpm2(x: X, run: SolverRun) -> SolverSteps:
    """DPM-Solver 2 as in k-diffusion: the slope halfway, in the logarithm of sigma."""
    for now, then in run.steps:
        x, x0 = yield x, now
        down, up = ancestral_step(now, then, run.eta)
        if down == 0:
            return x0
        halfway = math.sqrt(now * down)
        mid, mid0 = yield blend_toward(x, x0, halfway / now), halfway
        x = x + (mid - mid0) * ((down - now) / halfway)
        if up:
            x = x + run.noise() * up
    return x


def dpmpp_2s(x: X, run: SolverRun) -> SolverSteps:
    """DPM-Solver++ 2S: the picture seen halfway, in the logarithm of sigma; "2S a" with eta."""
    for now, then in run.steps:
        x, x0 = yield x, now
        down, up = ancestral_step(now, then, run.eta)
        if down == 0:
            return x0
        halfway = math.sqrt(now * down)
        _, mid0 = yield blend_toward(x, x0, halfway / now), halfway
        x = blend_toward(x, mid0, down / now)
        if up:
            x = x + run.noise() * up
    return x


def dpmpp_sde(x: X, run: SolverRun) -> SolverSteps:
    """DPM-Solver++ SDE as in k-diffusion: both stages noised by one Brownian motion.

    The motion over the whole step is not apart from the motion over its first half.
    """
    for now, then in run.steps:
        x, x0 = yield x, now
        if then == 0:
            return x0
        halfway = math.sqrt(now * then)
        down, up = ancestral_step(now, halfway, run.eta)
        mid = blend_toward(x, x0, down / now)
        _, mid0 = yield mid + run.brownian(now, halfway) * up if up else mid, halfway
        down, up = ancestral_step(now, then, run.eta)
        x = blend_toward(x, mid0, down / now)
        if up:
            x = x + run.brownian(now, then) * up
    return x
