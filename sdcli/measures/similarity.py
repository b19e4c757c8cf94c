"""How alike two pictures are: the largest difference, PSNR, SSIM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatPixels = NDArray[np.float64]

# Wang, Bovik, Sheikh, Simoncelli 2004: an 11 x 11 Gaussian window of 1.5 pixels, K1, K2.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
K1, K2 = 0.01, 0.03
WHITE = 255.0


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any channel of any pixel, 0 to 255; 0 means the same picture."""
    return int(np.abs(_read_pixels(one) - _read_pixels(other)).max())


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal to noise in decibels over all channels; infinite for equal pictures."""
    error = float(np.mean((_read_pixels(one) - _read_pixels(other)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(WHITE**2 / error)


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity, the mean over pixels and channels; 1 for equal pictures."""
    a, b = _read_pixels(one), _read_pixels(other)
    side = min(SSIM_WINDOW, (min(a.shape[:2]) - 1) // 2 * 2 + 1)
    kernel = _gaussian(side)
    mean_a, mean_b = _blur(a, kernel), _blur(b, kernel)
    across = _blur(a * b, kernel) - mean_a * mean_b
    spread_a = _blur(a * a, kernel) - mean_a**2
    spread_b = _blur(b * b, kernel) - mean_b**2
    c1, c2 = (K1 * WHITE) ** 2, (K2 * WHITE) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * across + c2)
    apart = (mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)
    return float(np.mean(alike / apart))


def _read_pixels(image: Image.Image) -> FloatPixels:
    return np.asarray(image.convert("RGB"), dtype=np.float64)


def _gaussian(side: int) -> FloatPixels:
    at = np.arange(side) - side // 2
    weights = np.exp(-(at**2) / (2 * SSIM_SIGMA**2))
    return weights / weights.sum()


def _blur(pixels: FloatPixels, kernel: FloatPixels) -> FloatPixels:
    """Weighted means over the window, where it lies wholly inside the picture."""
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(pixels, len(kernel), axis=axis)
        pixels = windows @ kernel
    return pixels
