"""What a measure is: one number for a picture, by itself or held against another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Latents = NDArray[np.float32]
Vector = NDArray[np.float32]  # [width]
Vectors = NDArray[np.float32]  # [n, width]

# What a measure is held against. `reference`: the converged picture of the same seed. `set`: every
# other picture of the same settings, pair by pair. `sets`: another set. `prompt`: nothing but the
# picture's own prompt. `picture`: not even that.
Need = Literal["reference", "set", "sets", "prompt", "picture"]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Seen:
    """What a CLIP made of a picture, and of its words: vectors as long as they came."""

    picture: Vector
    words: Vector | None = None  # None: there were none, or it cannot read
    scale: float = 100.0  # what cosines were multiplied by in its training
    rating: float | None = None  # of a head that was put on it


@dataclass(frozen=True)
class Sample:
    """A finished picture, with everything that a measure may look at."""

    image: Image.Image
    latents: Latents = field(default_factory=lambda: np.zeros(0, np.float32))  # as decoded
    prompt: str = ""
    seen: Mapping[str, Seen] = field(default_factory=dict[str, Seen])  # by the judges' names


@dataclass(frozen=True)
class MeasureRow:
    """How a number is called and written, what it needs, and which way is better."""

    name: str  # the key in results.json
    title: str  # the heading of a column
    short: str  # the same in a terminal
    unit: str
    better: Better
    needs: Need
    form: str  # as in `format`

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


@dataclass(frozen=True)
class Measure(MeasureRow):
    """One row: a number of a picture.

    `function` is given the picture and what it is held against: one other picture, or None where
    `needs` is "prompt" or "picture". Numbers of several seeds become one through `mean`.
    """

    function: Callable[[Sample, Sample | None], float]
    mean: Callable[[Iterable[float]], float] = fmean
    judge: str = ""  # whose eyes it needs: clip, hpsv2, pickscore, aesthetic; none: nobody's


@dataclass(frozen=True)
class SetMeasure(MeasureRow):
    """One row: a number of a set of pictures, held against another set where `needs` is "sets".

    `function` is given what a CLIP sees of each picture, [n, width] and [m, width]; where one set is
    enough, both are that one.
    """

    function: Callable[[Vectors, Vectors], float]
    judge: str = "clip"


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


def by_judge(
    judge: str, function: Callable[[Seen], float]
) -> Callable[[Sample, Sample | None], float]:
    """What follows from a judge's view of a picture, as the function of a measure."""

    def measured(sample: Sample, _other: Sample | None) -> float:
        return function(sample.seen[judge])

    return measured


def cosine(seen: Seen) -> float:
    """How far what is seen points where the words point: 1 in the same direction."""
    assert seen.words is not None
    picture, words = seen.picture.astype(np.float64), seen.words.astype(np.float64)
    return float(picture @ words / (np.linalg.norm(picture) * np.linalg.norm(words)))


def unit_vectors(vectors: Vectors) -> NDArray[np.float64]:
    """The same vectors, each of length 1."""
    doubles = vectors.astype(np.float64)
    return doubles / np.linalg.norm(doubles, axis=1, keepdims=True)
