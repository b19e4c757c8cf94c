"""Noise by seed, and NVIDIA's."""

import pytest
import torch

from sdcli.engine.noise import make_noise, mix_noise, noise_of_plan
from sdcli.errors import BadRequest
from tests.helpers.plans import a_plan

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


def a1111_slerp(val, low, high):
    low_norm = low / torch.norm(low, dim=1, keepdim=True)
    high_norm = high / torch.norm(high, dim=1, keepdim=True)
    omega = torch.acos((low_norm * high_norm).sum(1))
    so = torch.sin(omega)
    return (torch.sin((1.0 - val) * omega) / so).unsqueeze(1) * low + (
        torch.sin(val * omega) / so
    ).unsqueeze(1) * high


def torch_noise(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_variation_is_a1111s_to_the_bit():
    plan = a_plan(seed=3, variation_strength=0.3, variation_seed=8, ensd=31337)
    noise = noise_of_plan(plan, "cpu")
    wanted = a1111_slerp(0.3, torch_noise(3, 4, 8, 6), torch_noise(8, 4, 8, 6))
    assert torch.equal(noise.randn((1, 4, 8, 6))[0], wanted)
    assert torch.equal(noise.randn((1, 4, 8, 6))[0], torch_noise(3 + 31337, 4, 8, 6))
    assert noise.seed == 3


def test_nearly_the_same_noise_is_weighed_as_a1111_weighs_it():
    one = torch_noise(3, 4, 8, 6)
    assert torch.equal(mix_noise(one, one * 2, 0.25), one * 0.25 + one * 2 * 0.75)


@pytest.mark.parametrize(
    ("size", "into", "of"),
    [
        ("32x48", (slice(1, 7), slice(1, 5)), (slice(0, 6), slice(0, 4))),
        ("88x40", (slice(1, 6), slice(0, 5)), (slice(0, 5), slice(3, 8))),  # odd: one is lost
        ("16x96", (slice(0, 8), slice(2, 4)), (slice(2, 10), slice(0, 2))),
    ],
)
def test_a_resized_seed_lies_in_the_middle_as_in_a1111(size, into, of):
    drawn = noise_of_plan(a_plan(seed=3, seed_resize=size), "cpu").randn((1, 4, 8, 6))[0]
    width, height = (int(side) // 8 for side in size.split("x"))
    wanted, small = torch_noise(3, 4, 8, 6), torch_noise(3, 4, height, width)
    wanted[:, into[0], into[1]] = small[:, of[0], of[1]]
    assert torch.equal(drawn, wanted)


def test_a_variation_is_mixed_before_it_is_resized():
    changes = {"seed": 3, "variation_strength": 0.3, "variation_seed": 8, "seed_resize": "32x48"}
    drawn = noise_of_plan(a_plan(**changes), "cpu").randn((1, 4, 8, 6))[0]
    wanted = a1111_slerp(0.3, torch_noise(3, 4, 6, 4), torch_noise(8, 4, 6, 4))
    assert torch.equal(drawn[:, 1:7, 1:5], wanted)


def test_what_is_no_seed_and_no_noise_is_refused():
    for seed in (-1, 2**64):
        with pytest.raises(BadRequest, match="a seed is a number from 0"):
            make_noise(seed)
    with pytest.raises(BadRequest, match="no noise is called `cuda`"):
        make_noise(1, "cuda")
