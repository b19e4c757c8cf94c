"""The solvers against an exact solution: each has its order, and all end at the same place."""

import math
from functools import cache

import pytest
import torch

from sdcli.engine.brownian_noise import BrownianMotion
from sdcli.engine.noise import make_noise
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.schedulers.solvers.base import SolverRun, gauss_legendre
from sdcli.schedulers.table import SOLVERS

pytestmark = pytest.mark.slow

MEANS = torch.tensor([-1.5, 0.4, 2.0], dtype=torch.float64)
SPREAD = 0.3
START = torch.linspace(-2.5, 2.5, 41, dtype=torch.float64) * 8

# By the error of the whole way, whose first and last steps some take with a lower order.
ORDERS = {
    "euler": 1,
    "heun": 2,
    "dpm2": 2,
    "dpm++2s": 2,
    "dpm++sde": 2,
    "dpm++2m": 2,
    "dpm++3m": 2,
    "lms": 2,
    "ipndm": 2,
    "pndm": 2,
    "deis": 2,
    "unipc": 2,
    "sa-solver": 2,
}


def seen(x, sigma):
    """What a perfect model sees in x, where pictures are a mixture of three Gaussians."""
    spread = SPREAD**2 + sigma**2
    weights = torch.softmax(-((x[..., None] - MEANS) ** 2) / (2 * spread), -1)
    means = (x[..., None] * SPREAD**2 + MEANS * sigma**2) / spread
    return (weights * means).sum(-1)


def levels(steps, high=8.0, low=0.2):
    """Equal steps of log sigma that stop before zero, so that no step is cut short."""
    return [high * (low / high) ** (i / steps) for i in range(steps + 1)]


def solved(method, steps, x=START, *, eta=0.0, noise=None, motion=None, down=levels):
    solving = SOLVERS[method].function(
        x, SolverRun(down(steps), make_noise_schedule(), eta, noise, motion)
    )
    x, sigma = next(solving)
    while True:
        try:
            x, sigma = solving.send((x, seen(x, sigma)))
        except StopIteration as end:
            return end.value


@cache
def exact():
    return solved("heun", 5000)


@pytest.mark.parametrize("method", ORDERS)
def test_a_solver_has_its_order(method):
    far, near = (float((solved(method, n) - exact()).abs().max()) for n in (80, 160))
    assert near < 0.03
    assert math.log2(far / near) > ORDERS[method] - 0.1


def test_every_solver_without_noise_is_held_to_an_order():
    held = {SOLVERS[name].function for name in ORDERS}
    rest = {row.function for row in SOLVERS.values()} - held
    assert rest == {SOLVERS["lcm"].function, SOLVERS["tcd"].function}


def test_gauss_integrates_polynomials_exactly():
    for power in range(32):
        found = sum(weight * x**power for x, weight in gauss_legendre())
        assert found == pytest.approx((1 + (-1) ** power) / (power + 1), abs=1e-14)


@pytest.mark.parametrize("method", ["euler", "dpm2", "dpm++2s", "dpm++sde", "dpm++2m", "dpm++3m"])
def test_fresh_noise_keeps_the_distribution(method):
    """However much noise is swapped on the way, what comes out are the same pictures."""
    dice = torch.Generator().manual_seed(5)
    count = 5000
    start = torch.randn(count, dtype=torch.float64, generator=dice) * 30

    def noise():
        return torch.randn(count, dtype=torch.float64, generator=dice)

    def down(steps):
        return [*levels(steps, 30.0, 0.02), 0.0]

    motion = BrownianMotion(make_noise(6), (count,), 0.02, 30.0)
    for eta in (0.5, 1.0):
        found = solved(method, 120, start, eta=eta, noise=noise, motion=motion, down=down)
        assert float(found.mean()) == pytest.approx(float(MEANS.mean()), abs=0.1)
        wanted = float(MEANS.var(correction=0)) + SPREAD**2
        assert float(found.var()) == pytest.approx(wanted, rel=0.07)
