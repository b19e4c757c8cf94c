"""Structural similarity: Wang, Bovik, Sheikh, Simoncelli 2004."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sdcli.measures.measure import Measure, against_image
from sdcli.measures.pixels import WHITE, FloatPixels, read_pixels

# The paper's: an 11 x 11 Gaussian window of 1.5 pixels, K1, K2.
WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity, the mean over pixels and channels; 1 for equal pictures."""
    a, b = read_pixels(one), read_pixels(other)
    side = min(WINDOW, (min(a.shape[:2]) - 1) // 2 * 2 + 1)
    kernel = _gaussian(side)
    mean_a, mean_b = _blur(a, kernel), _blur(b, kernel)
    across = _blur(a * b, kernel) - mean_a * mean_b
    spread_a = _blur(a * a, kernel) - mean_a**2
    spread_b = _blur(b * b, kernel) - mean_b**2
    c1, c2 = (K1 * WHITE) ** 2, (K2 * WHITE) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * across + c2)
    apart = (mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)
    return float(np.mean(alike / apart))


def _gaussian(side: int) -> FloatPixels:
    at = np.arange(side) - side // 2
    weights = np.exp(-(at**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def _blur(pixels: FloatPixels, kernel: FloatPixels) -> FloatPixels:
    """Weighted means over the window, where it lies wholly inside the picture."""
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(pixels, len(kernel), axis=axis)
        pixels = windows @ kernel
    return pixels


SSIM = Measure(
    name="ssim",
    title="SSIM",
    short="SSIM",
    unit="",
    better="higher",
    needs="reference",
    form=".4f",
    function=against_image(ssim),
)
