"""What can be made of a picture before a ControlNet looks at it: one row a preprocessor.

A row gives its flag (`--control-canny`), the word in plans and pictures, and A1111's module of that
name. The functions import what they need when they run: options and plans know only the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Preprocessor:
    """A way to make a map of a picture."""

    name: str
    help: str  # what the ControlNet follows then
    make_map: Callable[[Image], Image]


def _keep_picture(picture: Image) -> Image:
    return picture


def _find_edges(picture: Image) -> Image:
    from sdcli.images.canny import find_edges

    return find_edges(picture)


def _invert(picture: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.invert(picture)


NONE = "none"
PREPROCESSORS: Mapping[str, Preprocessor] = {
    row.name: row
    for row in (
        Preprocessor(NONE, "Follow a ControlNet's map (repeat).", _keep_picture),
        Preprocessor(
            "canny", "Follow a ControlNet with the edges of a picture (repeat).", _find_edges
        ),
        Preprocessor(
            "invert", "Follow a ControlNet with a drawing of black lines on white.", _invert
        ),
    )
}
