"""Noise by seed: the same numbers on every machine, and those that other programs draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sdcli.errors import BadRequest
from sdcli.options.parse import split_size
from sdcli.plan import Plan

SEEDS = 2**64


class Noise(Protocol):
    """Noise, draw after draw: of one picture, or of several that are denoised together."""

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw: standard normal numbers, float32."""
        ...


class SeededNoise(Noise, Protocol):
    """One picture's noise: all of it follows from a seed."""

    seed: int

    def with_seed(self, seed: int) -> SeededNoise:
        """The same kind of noise, by another seed."""
        ...


def make_noise(seed: int, rng: str = "cpu", device: str = "cpu", *, ensd: int = 0) -> SeededNoise:
    """The noise of one seed, as a CPU draws it, an NVIDIA card (`nv`), or this machine's (`gpu`).

    `ensd` is A1111's "eta noise seed delta": all draws but the first come from another seed.
    """
    if not 0 <= seed < SEEDS:
        raise BadRequest(
            f"a seed is a number from 0 to 2^64 - 1, and {seed} is not", hint="choose another seed"
        )
    makers: dict[str, Callable[[int], SeededNoise]] = {
        "cpu": lambda seed: TorchNoise(seed, "cpu"),
        "nv": PhiloxNoise,
        "gpu": lambda seed: TorchNoise(seed, device),
    }
    if rng not in makers:
        raise BadRequest(f"no noise is called `{rng}`", hint=f"there is {', '.join(makers)}")
    first = makers[rng](seed)
    return SplitNoise(first, makers[rng]((seed + ensd) % SEEDS)) if ensd else first


def noise_of_plan(plan: Plan, device: str) -> SeededNoise:
    """The noise of the plan's picture, on a device if it is to be that one's own."""
    own = make_noise(plan.seed, plan.rng, device, ensd=plan.ensd)
    if not plan.variation_strength and not plan.seed_resize:
        return own
    variation = own.with_seed(plan.variation_seed) if plan.variation_strength else None
    return VariedNoise(own, variation, plan.variation_strength, plan.seed_resize)


class TorchNoise:
    """Torch's own generator, on the CPU or on a device."""

    def __init__(self, seed: int, device: str) -> None:
        self.seed, self.device = seed, device
        self.dice = torch.Generator(device).manual_seed(seed)

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw, on the generator's device."""
        return torch.randn(tuple(shape), generator=self.dice, device=self.dice.device)

    def with_seed(self, seed: int) -> TorchNoise:
        """The same generator, by another seed."""
        return TorchNoise(seed, self.device)


class SplitNoise:
    """The first draw from one generator, all others from another."""

    def __init__(self, first: SeededNoise, others: SeededNoise) -> None:
        self.seed, self.with_seed = first.seed, first.with_seed
        self.first: Noise | None = first
        self.others = others

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw."""
        noise, self.first = self.first or self.others, None
        return noise.randn(shape)


class VariedNoise:
    """The first draw mixed with another seed's, and laid out as at another size; the rest is the
    picture's own, all of it as in A1111."""

    def __init__(
        self, own: SeededNoise, variation: Noise | None, strength: float, resized: str
    ) -> None:
        self.seed, self.with_seed = own.seed, own.with_seed
        self.own, self.variation, self.strength = own, variation, strength
        self.resized = split_size(resized) if resized else None
        self.is_first = True

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw; the first one is of latents, of one picture."""
        own = self.own.randn(shape)
        if not self.is_first:
            return own
        self.is_first = False
        *rows, height, width = shape
        laid = (height, width) if self.resized is None else _cells(self.resized)
        as_laid = (
            own if laid == (height, width) else self.with_seed(self.seed).randn((*rows, *laid))
        )
        if self.variation is not None:
            other = self.variation.randn((*rows, *laid))
            as_laid = mix_noise(as_laid[0], other[0], self.strength)[None]
        return paste_in_middle(own, as_laid)


def _cells(size: tuple[int, int]) -> tuple[int, int]:
    return size[1] // 8, size[0] // 8


def mix_noise(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    """Two pictures' noise ([4, h, w]) mixed as A1111 mixes it: turned from one to the other, each
    column of each channel by itself; what is nearly the same is weighed the other way round."""
    unit, other_unit = (each / torch.norm(each, dim=1, keepdim=True) for each in (one, other))
    likeness = (unit * other_unit).sum(1)
    if likeness.mean() > 0.9995:
        return one * share + other * (1 - share)
    angle = torch.acos(likeness)
    whole = torch.sin(angle)
    kept = (torch.sin((1.0 - share) * angle) / whole).unsqueeze(1)
    mixed_in = (torch.sin(share * angle) / whole).unsqueeze(1)
    return kept * one + mixed_in * other


def paste_in_middle(under: torch.Tensor, over: torch.Tensor) -> torch.Tensor:
    """`over` laid on the middle of `under`, cut where it is the larger one, as A1111 rounds that."""
    pasted = under.clone()
    into: list[slice] = []
    of: list[slice] = []
    for there, given in zip(under.shape[-2:], over.shape[-2:], strict=True):
        before = (there - given) // 2
        length = given if before >= 0 else given + 2 * before
        into.append(slice(max(before, 0), max(before, 0) + length))
        of.append(slice(max(-before, 0), max(-before, 0) + length))
    pasted[..., into[0], into[1]] = over[..., of[0], of[1]]
    return pasted


class StackedNoise:
    """The noise of several pictures, a row for each, drawn from its own generator.

    A picture gets the same noise here as alone, however many others are drawn beside it.
    """

    def __init__(self, pictures: Sequence[SeededNoise]) -> None:
        self.pictures = tuple(pictures)

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw of every picture; the first side of the shape is how many there are."""
        if shape[0] != len(self.pictures):
            raise ValueError(f"noise of {len(self.pictures)} pictures has no shape {tuple(shape)}")
        return torch.cat([noise.randn((1, *shape[1:])) for noise in self.pictures])


class PhiloxNoise:
    """What `torch.randn` draws on an NVIDIA card, computed here: Philox 4x32-10, Box and Muller.

    A card gives every number its own subsequence, and every draw the next counter. That holds for
    draws that fit on the card at once, as A1111 assumes too: latents of any usual picture do.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.key = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint64)
        self.draws = 0

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw, on the CPU."""
        count = int(np.prod(shape, dtype=np.int64))
        counter = np.zeros((4, count), np.uint64)
        counter[0] = self.draws
        counter[2] = np.arange(count)
        self.draws += 1
        bits = philox(counter, self.key)
        uniform, turn = ((bits[:2] + 0.5) * 2.0**-32).astype(np.float64)
        drawn = np.sqrt(-2 * np.log(uniform)) * np.sin(2 * np.pi * turn)
        return torch.from_numpy(drawn.astype(np.float32)).reshape(tuple(shape))

    def with_seed(self, seed: int) -> PhiloxNoise:
        """The same generator, by another seed."""
        return PhiloxNoise(seed)


def philox(counter: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Ten rounds of Philox 4x32 (Salmon et al. 2011) on columns of four 32-bit words."""
    a, b, c, d = counter
    low, high = key
    word, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b = (second >> half) ^ b ^ low, second & word
        c, d = (first >> half) ^ d ^ high, first & word
        low, high = (low + np.uint64(0x9E3779B9)) & word, (high + np.uint64(0xBB67AE85)) & word
    return np.stack([a, b, c, d])
