"""A finished picture laid over the one it started from: outside the mask not a bit is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from sdcli.images.load import CELL, fit_picture
from sdcli.images.only_masked import CutOut

SoftenEdge = Callable[[Image.Image, Image.Image, Image.Image, int], Image.Image]


@dataclass(frozen=True)
class Overlay:
    """What a finished picture is laid over."""

    original: Image.Image  # at its own size
    mask: Image.Image | None = None  # at the size drawn: the new picture shows where it is white
    feather: int = 0  # pixels inside the mask within which its edge is softened
    rules: int = 2  # a row of EDGES
    cut_out: CutOut | None = None  # where the original is a part of a larger picture

    def lay_over(self, drawn: Image.Image) -> Image.Image:
        """The picture as it is handed out: the original where the mask is black, at its size."""
        whole = self._lay_over(drawn)
        return whole if self.cut_out is None else self.cut_out.lay_back(whole)

    def _lay_over(self, drawn: Image.Image) -> Image.Image:
        if self.mask is not None:
            old = fit_picture(self.original, *drawn.size)
            drawn = EDGES[self.rules](drawn, old, self.mask, self.feather)
        gaps = (a - b for a, b in zip(drawn.size, self.original.size, strict=True))
        if all(0 <= gap < CELL for gap in gaps):
            return drawn.crop((0, 0, *self.original.size))  # the edge that `fit` had repeated
        return drawn


def fade_over(new: Image.Image, old: Image.Image, mask: Image.Image, feather: int) -> Image.Image:
    """`new` inside the mask, faded into what `old` has there towards its edge; `old` outside."""
    return Image.composite(new, old, feathered(mask, feather))


def match_tones(new: Image.Image, old: Image.Image, mask: Image.Image, feather: int) -> Image.Image:
    """`new` inside the mask, its tones drawn towards those outside within `feather` pixels of the
    edge, so that no seam shows; `old` outside. Nothing of what `old` has under the mask is in it."""
    if feather == 0 or mask.getextrema() == (0, 0):
        return Image.composite(new, old, mask)
    outside = (np.asarray(mask, np.float64) < 128)[..., None].astype(np.float64)
    levels = np.asarray(new, np.float64)
    gap = (np.asarray(old, np.float64) - levels) * outside
    weight = _spread(outside, feather)
    gap_nearby = _spread(gap, feather) / np.maximum(weight, 1e-9)
    share = 1 - np.asarray(feathered(mask, feather), np.float64)[..., None] / 255
    toned = np.clip(np.rint(levels + share * gap_nearby), 0, 255).astype(np.uint8)
    return Image.composite(Image.fromarray(toned), old, mask)


FADED = 3  # the rules of an outpainting: there the old picture is what belongs under the soft edge
EDGES: Mapping[int, SoftenEdge] = {1: fade_over, 2: match_tones, FADED: fade_over}
"""How a mask's edge is softened, by the rules that a plan is drawn by."""


def feathered(mask: Image.Image, feather: int) -> Image.Image:
    """How far inside the mask a pixel is: 0 wherever the mask is black, rising to 255 within
    `feather` pixels inside the white."""
    if feather == 0:
        return mask
    # The mean of ever smaller masks is the distance to the edge, cut off at `feather`.
    layer = mean = _eroded(mask)
    for count in range(2, feather + 1):
        layer = _eroded(layer)
        mean = Image.blend(mean, layer, 1 / count)
    # A stroke thinner than the feather keeps some of the new picture, rather than none of it.
    thin = mask.point([level // (feather + 1) for level in range(256)])
    return ImageChops.lighter(mean, thin)


def _eroded(layer: Image.Image) -> Image.Image:
    """The mask one pixel smaller on every side. Beyond the picture counts as inside."""
    return layer.filter(ImageFilter.MinFilter(3))


def _spread(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Every value shared out among its neighbours up to `reach` away, the near ones getting more."""
    radius = -(-reach // 2)
    for _ in range(2):
        for axis in (0, 1):
            values = _sums(values, radius, axis)
    return values


def _sums(values: NDArray[np.float64], radius: int, axis: int) -> NDArray[np.float64]:
    """The sums of the values up to `radius` away along an axis; beyond the picture is nothing."""
    edges = [(radius + 1, radius) if each == axis else (0, 0) for each in range(values.ndim)]
    totals = np.cumsum(np.pad(values, edges), axis=axis)
    _, upper = np.split(totals, [2 * radius + 1], axis)
    lower, _ = np.split(totals, [values.shape[axis]], axis)
    return upper - lower
