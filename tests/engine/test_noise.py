"""Noise by seed, and NVIDIA's."""

import pytest
import torch

from sdcli.engine.noise import make_noise
from sdcli.errors import BadRequest

pytestmark = pytest.mark.slow

# What torch.manual_seed(0); torch.randn(12, device="cuda") prints, as published with A1111.
CUDA = [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284,
        -1.0745, -0.3631, -1.6711, 2.2655]  # fmt: skip
EDGES = (0, 1, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 1)


def test_nv_is_what_an_nvidia_card_draws():
    drawn = make_noise(0, "nv").randn((3, 4))
    assert drawn.flatten().tolist() == pytest.approx(CUDA, abs=5e-5)


def test_cpu_is_torch_and_goes_on():
    dice, ours = torch.Generator().manual_seed(7), make_noise(7)
    for shape in ((1, 4, 8, 8), (3,)):
        assert torch.equal(torch.randn(shape, generator=dice), ours.randn(shape))


@pytest.mark.parametrize("rng", ["cpu", "nv", "gpu"])
@pytest.mark.parametrize("seed", EDGES)
def test_every_seed_draws_standard_normal_numbers_twice_the_same(rng, seed):
    dice = make_noise(seed, rng)
    drawn = dice.randn((4, 64, 64))
    assert drawn.dtype == torch.float32
    assert abs(float(drawn.mean())) < 0.04
    assert float(drawn.std()) == pytest.approx(1, abs=0.03)
    assert torch.equal(drawn, make_noise(seed, rng).randn((4, 64, 64)))
    assert not torch.equal(drawn, dice.randn((4, 64, 64)))


def test_nv_keeps_seeds_apart_beyond_32_bits():
    drawn = {tuple(make_noise(seed, "nv").randn((4,)).tolist()) for seed in EDGES}
    assert len(drawn) == len(EDGES)


def test_a_delta_changes_all_draws_but_the_first():
    plain, moved, other = make_noise(3), make_noise(3, ensd=31337), make_noise(3 + 31337)
    assert torch.equal(plain.randn((9,)), moved.randn((9,)))
    assert torch.equal(other.randn((9,)), moved.randn((9,)))


def test_what_is_no_seed_and_no_noise_is_refused():
    for seed in (-1, 2**64):
        with pytest.raises(BadRequest, match="a seed is a number from 0"):
            make_noise(seed)
    with pytest.raises(BadRequest, match="no noise is called `cuda`"):
        make_noise(1, "cuda")
