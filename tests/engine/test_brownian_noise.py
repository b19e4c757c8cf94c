"""The Brownian motion of the SDE solvers."""

import math

import pytest
import torch

from sdcli.engine.brownian_noise import BrownianMotion
from sdcli.engine.noise import make_noise

LEVELS = [14.614641, 8.3, 4.1, 2.0471, 0.9, 0.25, 0.0291672]
SHAPE = (1, 4, 8, 8)


def made(seed=7, shape=SHAPE, rng="cpu"):
    return BrownianMotion(make_noise(seed, rng), shape, LEVELS[-1], LEVELS[0])


def test_it_is_torchsdes_tree():
    torchsde = pytest.importorskip("torchsde")
    pytest.importorskip("trampoline")
    low, high = torch.tensor(LEVELS[-1]), torch.tensor(LEVELS[0])
    tree = torchsde.BrownianTree(low, torch.zeros(SHAPE), high, entropy=7)
    ours = made()
    for now, then in zip(LEVELS, LEVELS[1:], strict=False):
        for end in (math.sqrt(now * then), then):  # as DPM++ SDE asks
            a, b = torch.tensor(now), torch.tensor(end)
            theirs = -tree(b, a) / (a - b).sqrt()
            assert torch.allclose(ours(now, end), theirs, atol=1e-5)


def test_it_has_variance_1_and_its_parts_are_independent():
    motion = made(shape=(40000,))
    steps = [motion(now, then) for now, then in zip(LEVELS, LEVELS[1:], strict=False)]
    apart = torch.cov(torch.stack(steps))
    assert torch.allclose(apart, torch.eye(len(steps)), atol=0.03)


def test_a_step_is_the_sum_of_its_parts():
    motion = made()
    whole = motion(8.3, 2.0471) * math.sqrt(8.3 - 2.0471)
    parts = motion(8.3, 4.1) * math.sqrt(8.3 - 4.1) + motion(4.1, 2.0471) * math.sqrt(4.1 - 2.0471)
    assert torch.allclose(whole, parts, atol=1e-5)


def test_it_is_the_seeds_own_and_the_kinds_own():
    first = made()(8.3, 4.1)
    assert torch.equal(first, made()(8.3, 4.1))
    assert not torch.equal(first, made(8)(8.3, 4.1))
    assert not torch.equal(first, made(rng="nv")(8.3, 4.1))
