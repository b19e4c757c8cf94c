"""How far two pictures are apart in grey levels: what a way to be faster promises to keep small."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdcli.measures.measure import Measure, against_image
from sdcli.measures.pixels import read_pixels


def grey_levels(one: Image.Image, other: Image.Image) -> float:
    """The mean difference over all pixels and channels, of 255."""
    return float(np.abs(read_pixels(one) - read_pixels(other)).mean())


GREY_LEVELS = Measure(
    name="grey_levels",
    title="apart",
    short="apart",
    unit="grey levels",
    better="lower",
    needs="reference",
    form=".2f",
    function=against_image(grey_levels),
)
