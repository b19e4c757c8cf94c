"""A picture on a larger canvas: what is new filled from the picture, and the mask of what is drawn.

canvas = widen(picture, Borders(left=0, up=0, right=256, down=0), "mirror")
mask = new_part(canvas.size, borders, overlap=16)  # the new part, and a strip of the old one
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

# The names of the ways stand in the table of options, and a help text needs no numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


class Borders(NamedTuple):
    """Pixels that are added on each side."""

    left: int
    up: int
    right: int
    down: int

    def canvas(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size that a picture of this size comes to have."""
        return size[0] + self.left + self.right, size[1] + self.up + self.down


def widen(picture: Image.Image, borders: Borders, fill: str) -> Image.Image:
    """The picture with borders around it, filled by a way of `FILLS`."""
    import numpy as np

    pixels = np.asarray(picture.convert("RGB"))
    sides = ((borders.up, borders.down), (borders.left, borders.right), (0, 0))
    return Image.fromarray(FILLS[fill](pixels, sides))


def new_part(size: tuple[int, int], borders: Borders, overlap: int) -> Image.Image:
    """A mask of a canvas, white over the borders and `overlap` pixels of the picture beside each."""
    mask = Image.new("L", size, 255)
    reach = Borders(*(side and side + overlap for side in borders))
    kept = (reach.left, reach.up, size[0] - reach.right, size[1] - reach.down)
    if kept[0] < kept[2] and kept[1] < kept[3]:
        mask.paste(0, kept)
    return mask


def _edge(pixels: Pixels, sides: Any) -> Pixels:
    import numpy as np

    return np.pad(pixels, sides, mode="edge")


def _mirror(pixels: Pixels, sides: Any) -> Pixels:
    import numpy as np

    return np.pad(pixels, sides, mode="symmetric")


def _noise(pixels: Pixels, sides: Any) -> Pixels:
    """Pixels of the picture in no order, the same whenever it is the same picture."""
    import numpy as np

    height, width = (
        side + sum(more) for side, more in zip(pixels.shape[:2], sides[:2], strict=True)
    )
    places = np.frombuffer(random.Random(0).randbytes(4 * height * width), "<u4")
    flat = pixels.reshape(-1, 3)
    canvas = flat[places % len(flat)].reshape(height, width, 3)
    (up, _), (left, _) = sides[:2]
    canvas[up : up + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return canvas


FILLS: Mapping[str, Callable[[Pixels, Any], Pixels]] = {
    "edge": _edge,
    "mirror": _mirror,
    "noise": _noise,
}
"""What a new border is filled with before it is drawn over, by the names that users say."""
