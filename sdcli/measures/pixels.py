"""A picture as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatPixels = NDArray[np.float64]
WHITE = 255.0


def read_pixels(image: Image.Image) -> FloatPixels:
    """The red, green and blue of every pixel, 0 to 255."""
    return np.asarray(image.convert("RGB"), dtype=np.float64)
