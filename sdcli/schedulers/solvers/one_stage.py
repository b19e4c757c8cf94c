"""One evaluation a step, with as much fresh noise as eta says: none where it is 0."""

from __future__ import annotations

import math

from sdcli.schedulers.solvers.base import SolverRun, SolverSteps, X, ancestral_step, blend_toward


def euler(x: X, run: SolverRun) -> SolverSteps:
    """Euler's method. With eta it is Euler a, and DDIM with eta; with eta 1 DDPM's posterior.

    They are one formula: DDIM's variance (Song et al. 2021, equation 16) over its signal is
    Karras' ancestral step, and the rest of its update Euler's straight line.
    """
    for now, then in run.steps:
        x, x0 = yield x, now
        down, up = ancestral_step(now, then, run.eta)
        x = blend_toward(x, x0, down / now)
        if up:
            x = x + run.noise() * up
    return x


def dpmpp_2m(x: X, run: SolverRun) -> SolverSteps:
    """DPM-Solver++ 2M (Lu et al. 2022), and its SDE kind where eta is not 0."""
    before: tuple[X, float] | None = None
    for now, then in run.steps:
        x, x0 = yield x, now
        if then == 0:
            return x0
        h = math.log(now / then)
        guess = x0
        if before:
            old, h_old = before
            guess = x0 + (x0 - old) * (h / (2 * h_old))
        x = _add_sde_noise(blend_toward(x, guess, math.exp(-(1 + run.eta) * h)), now, then, run)
        before = x0, h
    return x


def dpmpp_3m(x: X, run: SolverRun) -> SolverSteps:
    """DPM-Solver++ 3M SDE, as in k-diffusion: the third order in time, eta as above."""
    past: list[tuple[X, float]] = []  # what was seen, and the stride that followed, newest first
    for now, then in run.steps:
        x, x0 = yield x, now
        if then == 0:
            return x0
        h = math.log(now / then)
        full = h * (1 + run.eta)
        x = blend_toward(x, x0, math.exp(-full)) + _higher_orders(x0, past, h, full)
        x = _add_sde_noise(x, now, then, run)
        past = [(x0, h), *past[:1]]
    return x


def _higher_orders(x0: X, past: list[tuple[X, float]], h: float, full: float) -> X:
    """What the slope and the curvature of the pictures seen so far add to a step."""
    if not past:
        return 0.0
    second = math.expm1(-full) / full + 1
    (old, h_old) = past[0]
    slope = (x0 - old) * (h / h_old)
    if len(past) == 1:
        return slope * second
    older, h_older = past[1]
    change = slope - (old - older) * (h / h_older)
    r, rr = h_old / h, h_older / h
    third = second / full - 0.5
    return (slope + change * (r / (r + rr))) * second - change * (third / (r + rr))


def _add_sde_noise(x: X, now: float, then: float, run: SolverRun) -> X:
    """x with the noise that the SDE adds over a step."""
    if not run.eta:
        return x
    share = -math.expm1(-2 * run.eta * math.log(now / then))
    return x + run.brownian(now, then) * (then * math.sqrt(share))
