"""What a measure is: one number for a picture, by itself or held against another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Latents = NDArray[np.float32]

# What a measure is held against. `reference`: the converged picture of the same seed. `set`: every
# other picture of the same settings, pair by pair. `prompt`: nothing but the picture's own prompt.
Need = Literal["reference", "set", "prompt"]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Sample:
    """A finished picture, with everything that a measure may look at."""

    image: Image.Image
    latents: Latents  # as they were decoded
    prompt: str


@dataclass(frozen=True)
class Measure:
    """One row: how the number is called and written, what it needs, and how it is found.

    `function` is given the picture and what it is held against: one other picture, or None where
    `needs` is "prompt". Numbers of several seeds become one through `mean`.
    """

    name: str  # the key in results.json
    title: str  # the heading of a column
    short: str  # the same in a terminal
    unit: str
    better: Better
    needs: Need
    form: str  # as in `format`
    function: Callable[[Sample, Sample | None], float]
    mean: Callable[[Iterable[float]], float] = fmean

    @property
    def heading(self) -> str:
        """The title with its unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def short_heading(self) -> str:
        """The short title with its unit where that says something: a share."""
        return f"{self.short} %" if self.unit == "%" else self.short

    def shown(self, value: float | None) -> float | None:
        """The number in its unit: shares are kept as shares and shown as per cent."""
        return 100 * value if value is not None and self.unit == "%" else value


def root_mean(values: Iterable[float]) -> float:
    """The root of the mean of the squares: how distances are averaged."""
    return math.sqrt(fmean(value * value for value in values))


def against_image(
    compare: Callable[[Image.Image, Image.Image], float],
) -> Callable[[Sample, Sample | None], float]:
    """A comparison of two images as the function of a measure."""

    def function(sample: Sample, other: Sample | None) -> float:
        assert other is not None
        return compare(sample.image, other.image)

    return function


def against_latents(
    compare: Callable[[Latents, Latents], float],
) -> Callable[[Sample, Sample | None], float]:
    """A comparison of two latents as the function of a measure."""

    def function(sample: Sample, other: Sample | None) -> float:
        assert other is not None
        return compare(sample.latents, other.latents)

    return function
