"""The reference against exact solutions: what the solvers are said to tend to is what is true."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sdcli.engine.benchmark import AGREED, find_converged
from sdcli.engine.sampler import Sampling
from sdcli.measures.latent_distance import latent_distance

NOISE = torch.randn(64, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CENTRES = 0.8 * torch.randn(5, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
WIDTH = 0.25  # of each of the bells


def bell(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The best guess at the picture in x where pictures are one Gaussian."""
    left = WIDTH**2 / (WIDTH**2 + sigma**2)
    return CENTRES[0] + left * (x - CENTRES[0])


def mixture(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The best guess at the picture in x where pictures are a mixture of Gaussians."""
    variance = WIDTH**2 + sigma**2
    offsets = x[:, None] - CENTRES
    shares = (-offsets.square().sum(-1) / (2 * variance)).softmax(-1)
    return (shares[..., None] * (CENTRES + WIDTH**2 / variance * offsets)).sum(1)


def solve(model):
    """The sampling of the program over a model that is known."""

    def run(scheduler: str, steps: int) -> np.ndarray:
        sampling = Sampling(scheduler, steps)
        x = sampling.scale_noise(NOISE)
        for index in range(sampling.evaluations):
            seen = model(x.double(), sampling.sigmas[index])
            x = sampling.advance(seen.to(x.dtype), index, x, None)
        return x.double().numpy()

    return run


def exact(model, high: float, low: float, steps: int = 3000) -> torch.Tensor:
    """The equation dx/dsigma = (x - seen) / sigma from high to low by the classic Runge-Kutta, in
    the logarithm of sigma: nothing of it is shared with the solvers under test."""
    x, width = NOISE * high, math.log(low / high) / steps

    def slope(x: torch.Tensor, place: float) -> torch.Tensor:
        return x - model(x, math.exp(place))

    for i in range(steps):
        at = math.log(high) + i * width
        a = slope(x, at)
        b = slope(x + width / 2 * a, at + width / 2)
        c = slope(x + width / 2 * b, at + width / 2)
        d = slope(x + width * c, at + width)
        x = x + width / 6 * (a + 2 * b + 2 * c + d)
    return model(x, low)  # below its lowest noise level a model knows one step: to what it sees


@pytest.mark.parametrize("model", [bell, mixture])
def test_the_reference_is_the_exact_solution(model):
    levels = Sampling("euler", 2).schedule.sigmas
    found, about = find_converged(solve(model))
    assert about.apart <= AGREED and about.scheduler != about.witness
    assert latent_distance(found, exact(model, levels[-1], levels[0]).numpy()) < AGREED


def test_the_runge_kutta_of_this_test_is_right_where_the_solution_is_a_formula():
    high, low = 14.6, 0.03
    spread = math.sqrt((WIDTH**2 + low**2) / (WIDTH**2 + high**2))
    x = CENTRES[0] + (NOISE * high - CENTRES[0]) * spread
    assert torch.allclose(exact(bell, high, low), bell(x, low), atol=1e-8)


def test_solvers_that_disagree_are_not_called_converged():
    calls: list[tuple[str, int]] = []

    def stubborn(scheduler: str, steps: int) -> np.ndarray:
        calls.append((scheduler, steps))
        return np.ones(4) * (1 if scheduler.startswith("heun") else 2)

    _, about = find_converged(stubborn)
    assert about.apart == pytest.approx(0.5)
    assert [steps for _, steps in calls] == [100, 100, 200, 200, 400, 400]
