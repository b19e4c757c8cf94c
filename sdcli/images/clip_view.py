"""What a CLIP sees of a picture: its middle, square and small, as CLIP's authors prepared it.

Pillow's bicubic filter is part of the measure: torch's own gives other pixels, and scores that
differ in the third digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MEAN = (0.48145466, 0.4578275, 0.40821073)  # of the pictures that OpenAI's CLIP learnt from
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


def clip_view(image: Image.Image, size: int, *, whole: bool = False) -> Image.Image:
    """The picture with its shorter side at `size`, and the middle square of that; or the `whole` of
    it, its longer side at `size`, between black bars."""
    if whole:
        return _between_bars(image, size)
    width, height = image.size
    shorter = min(width, height)
    # Whole numbers, so that no rounding of floats decides over a column.
    scaled = (size * width // shorter, size * height // shorter)
    small = image.convert("RGB").resize(scaled, Image.Resampling.BICUBIC)
    left, top = (small.width - size) // 2, (small.height - size) // 2
    return small.crop((left, top, left + size, top + size))


def _between_bars(image: Image.Image, size: int) -> Image.Image:
    longer = max(image.size)
    scaled = (round(image.width * size / longer), round(image.height * size / longer))
    small = image.convert("RGB").resize(scaled, Image.Resampling.BICUBIC)
    view = Image.new("RGB", (size, size))
    view.paste(small, ((size - small.width) // 2, (size - small.height) // 2))
    return view


def loses_sides(image: Image.Image) -> bool:
    """Whether a CLIP sees only the middle of it."""
    return image.width != image.height


def as_clip_input(view: Image.Image) -> NDArray[np.float32]:
    """A view as the numbers that a vision tower reads, [3, size, size]."""
    pixels = np.asarray(view, dtype=np.float64) * (1 / 255)
    scaled = pixels.astype(np.float32)
    centred = (scaled - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return np.ascontiguousarray(centred.transpose(2, 0, 1))
