"""How much fine detail a picture has: the variance of its Laplacian, as OpenCV users reckon it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdcli.measures.measure import Measure, Sample


def sharpness(image: Image.Image) -> float:
    """The variance of the Laplacian of the luminance, in squared grey levels; noise counts too."""
    grey = np.asarray(image.convert("L"), dtype=np.float64)
    wide = np.pad(grey, 1, mode="reflect") if min(grey.shape) > 1 else np.pad(grey, 1, mode="edge")
    across = wide[1:-1, :-2] + wide[1:-1, 2:]
    return float(np.var(across + wide[:-2, 1:-1] + wide[2:, 1:-1] - 4 * grey))


def _of_sample(sample: Sample, _other: Sample | None) -> float:
    return sharpness(sample.image)


SHARPNESS = Measure(
    name="sharpness",
    title="sharpness",
    short="sharp",
    unit="",
    better="neither",
    needs="picture",
    form=".0f",
    function=_of_sample,
)
