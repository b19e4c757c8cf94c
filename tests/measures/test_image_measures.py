"""The measures of likeness against what can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from sdcli.measures.psnr import psnr
from sdcli.measures.ssim import ssim


def noise(seed: int, side: int = 32) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(levels)


def shifted(image: Image.Image, by: int) -> Image.Image:
    return Image.fromarray((np.asarray(image).astype(int) // 2 + by).astype(np.uint8))


def test_a_picture_is_like_itself():
    image = noise(1)
    assert psnr(image, image) == math.inf
    assert ssim(image, image) == pytest.approx(1)


def test_a_step_of_ten_levels_everywhere():
    one, other = shifted(noise(2), 0), shifted(noise(2), 10)
    assert psnr(one, other) == pytest.approx(20 * math.log10(255 / 10))


def test_ssim_of_two_flat_pictures_is_the_term_of_their_means():
    one, other = Image.new("RGB", (40, 40), (100,) * 3), Image.new("RGB", (40, 40), (150,) * 3)
    c1 = (0.01 * 255) ** 2
    assert ssim(one, other) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1))


def test_unrelated_noise_is_not_alike_and_tiny_pictures_are_measured_too():
    assert abs(ssim(noise(3), noise(4))) < 0.1
    assert ssim(noise(3, 8), noise(3, 8)) == pytest.approx(1)
