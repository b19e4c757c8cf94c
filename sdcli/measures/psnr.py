"""Peak signal to noise ratio."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sdcli.measures.measure import Measure, against_image
from sdcli.measures.pixels import WHITE, read_pixels


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal to noise in decibels over all channels; infinite for equal pictures."""
    error = float(np.mean((read_pixels(one) - read_pixels(other)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(WHITE**2 / error)


PSNR = Measure(
    name="psnr",
    title="PSNR",
    short="PSNR",
    unit="dB",
    better="higher",
    needs="reference",
    form=".1f",
    function=against_image(psnr),
)
