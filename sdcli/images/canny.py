"""Canny's edges, to the pixel those of OpenCV's `Canny(picture, 100, 200)`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOW, HIGH = 100, 200
TAN_22 = 13573  # the tangent of 22.5 degrees, times 2 to the 15

Plane = NDArray[np.int32]


def find_edges(picture: Image.Image, low: int = LOW, high: int = HIGH) -> Image.Image:
    """White edges on black, at the size of the picture."""
    dx, dy = _gradient(np.asarray(picture.convert("RGB"), dtype=np.int32))
    steep = np.abs(dx) + np.abs(dy)
    ridge = (steep > low) & _crest(dx, dy, steep)
    lines = _grown(ridge & (steep > high), ridge)
    return Image.fromarray(np.where(lines, 255, 0).astype(np.uint8), "L").convert("RGB")


def _gradient(pixels: NDArray[Any]) -> tuple[Plane, Plane]:
    """Sobel's slopes, of whichever channel is steepest at each pixel."""
    wide = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    down = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    dx, dy = across[:, 2:] - across[:, :-2], down[2:] - down[:-2]
    channel = np.argmax(np.abs(dx) + np.abs(dy), axis=2)[..., None]
    return np.take_along_axis(dx, channel, 2)[..., 0], np.take_along_axis(dy, channel, 2)[..., 0]


def _crest(dx: Plane, dy: Plane, steep: Plane) -> NDArray[np.bool_]:
    """Where the slope is steeper than before and behind it, looking along the slope.

    In eight directions, by integers and with the same ties as OpenCV.
    """
    wide = np.pad(steep, 1)
    height, width = steep.shape

    def beside(y: int, x: int) -> Plane:
        return wide[1 + y : 1 + y + height, 1 + x : 1 + x + width]

    x, y = np.abs(dx).astype(np.int64), np.abs(dy).astype(np.int64) << 15
    flat, upright = y < x * TAN_22, y > x * TAN_22 + (x << 16)
    rising = (dx ^ dy) < 0
    across = (steep > beside(0, -1)) & (steep >= beside(0, 1))
    along = (steep > beside(-1, 0)) & (steep >= beside(1, 0))
    falling = (steep > beside(-1, -1)) & (steep > beside(1, 1))
    climbing = (steep > beside(-1, 1)) & (steep > beside(1, -1))
    slanted = np.where(rising, climbing, falling)
    return np.where(flat, across, np.where(upright, along, slanted))


def _grown(strong: NDArray[np.bool_], ridge: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The strong pixels, and every ridge that touches one, however far it runs."""
    width = ridge.shape[1] + 2
    left = bytearray(np.pad(ridge & ~strong, 1).astype(np.uint8).tobytes())
    kept = bytearray(np.pad(strong, 1).astype(np.uint8).tobytes())
    reach = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    todo: list[int] = np.flatnonzero(np.pad(strong, 1)).tolist()
    while todo:
        at = todo.pop()
        for step in reach:
            if left[at + step]:
                left[at + step] = 0
                kept[at + step] = 1
                todo.append(at + step)
    whole = np.frombuffer(bytes(kept), dtype=np.uint8).reshape(-1, width)
    return whole[1:-1, 1:-1].astype(np.bool_)
