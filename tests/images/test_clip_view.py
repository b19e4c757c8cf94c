"""What a CLIP sees of a picture, to the bit of what Pillow makes of it by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sdcli.images.clip_view import DEVIATION, MEAN, as_clip_input, clip_view, loses_sides


@pytest.mark.parametrize(
    ("size", "scaled", "corner"),
    [((64, 64), (32, 32), (0, 0)), ((100, 50), (64, 32), (16, 0)), ((33, 99), (32, 96), (0, 32))],
)
def test_the_shorter_side_is_scaled_and_the_middle_is_kept(size, scaled, corner):
    levels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(levels)
    by_hand = picture.resize(scaled, Image.Resampling.BICUBIC)
    by_hand = by_hand.crop((*corner, corner[0] + 32, corner[1] + 32))
    assert clip_view(picture, 32).tobytes() == by_hand.tobytes()
    assert loses_sides(picture) == (size[0] != size[1])


def test_the_numbers_are_centred_by_channel():
    grey = as_clip_input(Image.new("RGB", (2, 2), (255, 0, 128)))
    assert grey.shape == (3, 2, 2) and grey.dtype == np.float32
    for channel, level in enumerate((1, 0, 128 / 255)):
        wanted = (level - MEAN[channel]) / DEVIATION[channel]
        assert grey[channel] == pytest.approx(wanted, abs=1e-6)
