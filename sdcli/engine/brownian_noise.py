"""A Brownian motion over the noise levels, the same one however it is cut into steps.

A1111 and ComfyUI take the noise of the SDE solvers from torchsde's `BrownianTree`. This is that tree:
halves of halves, each with a seed of its own that is drawn from the picture's, so that the motion at
any level is found by going down to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch

from sdcli.engine.noise import Noise, SeededNoise, StackedNoise

DIGITS = 6  # of a level; halving ends there
POOL = 24  # torchsde's pool of entropy


class BrownianMotion:
    """The motion between two levels, for one picture."""

    def __init__(self, noise: SeededNoise, shape: Sequence[int], low: float, high: float) -> None:
        self.noise, self.shape = noise, tuple(shape)
        self.low, self.high = _level(low), _level(high)
        first = self._randn(np.random.SeedSequence(noise.seed, pool_size=POOL))
        self.whole = first * math.sqrt(float(np.float32(high)) - float(np.float32(low)))
        self.known: dict[float, torch.Tensor] = {}

    def __call__(self, now: float, then: float) -> torch.Tensor:
        """The motion from a level down to another, over the root of their distance: variance 1."""
        distance = float(np.float32(now)) - float(np.float32(then))
        return (self._at(_level(then)) - self._at(_level(now))) / math.sqrt(distance)

    def _at(self, level: float) -> torch.Tensor:
        """The motion from the lowest level up to this one."""
        if level not in self.known:
            while (
                len(self.known) > 3
            ):  # a step asks for three levels at most, the next for one more
                del self.known[next(iter(self.known))]
            self.known[level] = self._found(level)
        return self.known[level]

    def _found(self, level: float) -> torch.Tensor:
        start, end, motion = self.low, self.high, self.whole
        below = torch.zeros_like(motion)
        key = depth = 0
        while start < level < end:
            middle = round(0.5 * (start + end), DIGITS)
            left, right = middle - start, end - middle
            seeds = np.random.SeedSequence(self.noise.seed, spawn_key=(key, depth), pool_size=POOL)
            bridge = self._randn(seeds) * math.sqrt(left * right / (end - start))
            half = motion * (left / (end - start)) + bridge
            if level < middle:
                end, motion, key = middle, half, 2 * key
            else:
                start, motion, below, key = middle, motion - half, below + half, 2 * key + 1
            depth += 1
        return below if level <= start else below + motion

    def _randn(self, seeds: np.random.SeedSequence) -> torch.Tensor:
        return self.noise.with_seed(int(seeds.generate_state(4)[0])).randn(self.shape)


def brownian_motion(
    noise: Noise, shape: Sequence[int], low: float, high: float
) -> Callable[[float, float], torch.Tensor]:
    """The motion between two levels for every picture of a batch: each has one of its own."""
    if isinstance(noise, StackedNoise):
        motions = [BrownianMotion(each, (1, *shape[1:]), low, high) for each in noise.pictures]
        return lambda now, then: torch.cat([motion(now, then) for motion in motions])
    return BrownianMotion(cast("SeededNoise", noise), shape, low, high)


def _level(sigma: float) -> float:
    """A level as the tree knows it: from float32, as every other program has it."""
    return round(float(np.float32(sigma)), DIGITS)
