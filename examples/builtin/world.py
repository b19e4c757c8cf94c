"""What a scene is made of, in words a judge can check: things, colours, sizes, relations."""

from __future__ import annotations

from dataclasses import dataclass

from brush import RGB
from materials import MATERIALS
from stage import Land, Plain

COLOURS: dict[str, RGB] = {
    "red": (214, 42, 48), "orange": (243, 140, 34), "yellow": (250, 214, 60), "lime": (158, 212, 60),
    "green": (44, 146, 76), "turquoise": (56, 192, 186), "blue": (50, 104, 212), "navy": (32, 44, 108),
    "purple": (126, 66, 186), "magenta": (214, 48, 150), "pink": (248, 160, 196), "brown": (124, 80, 50),
    "beige": (226, 198, 154), "black": (38, 36, 46), "grey": (146, 150, 158), "white": (247, 246, 242),
}  # fmt: skip
"""Sixteen colours, as far apart as their names allow."""


CLOSE = (
    {"navy", "black"}, {"navy", "blue"}, {"pink", "magenta"}, {"beige", "white"}, {"lime", "yellow"},
    {"lime", "green"}, {"purple", "magenta"}, {"red", "magenta"}, {"beige", "yellow"}, {"red", "orange"},
    {"orange", "yellow"}, {"grey", "white"}, {"navy", "purple"}, {"brown", "black"}, {"pink", "white"},
    {"beige", "pink"}, {"brown", "red"},
)  # fmt: skip
"""Colours that are hard to tell side by side."""


SIZES = {"small": (0.36, 0.44), "": (0.56, 0.72), "big": (0.82, 0.93)}


LOOKS = tuple(MATERIALS)


RELATIONS = ("left", "right", "above", "below", "beside", "on", "front", "behind", "holding")


HOMES = {
    "fish": ("underwater", "sea"), "whale": ("sea", "underwater"), "boat": ("sea",),
    "duck": ("sea", "meadow"), "turtle": ("underwater", "beach"), "lighthouse": ("beach", "hill"),
    "igloo": ("snow",), "penguin": ("snow",), "cactus": ("desert",), "snowman": ("snow",),
    "rocket": ("space",), "robot": ("space", "city"), "bus": ("city",), "car": ("city",),
    "cake": ("room",), "cup": ("room",), "castle": ("hill",),
    "fox": ("forest",), "owl": ("forest",), "mushroom": ("forest",),
    "bear": ("forest",), "tent": ("forest", "mountains"),
}  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """Where one of a thing is: its middle and side in shares of the picture's, mirrored or not,
    tilted (in degrees), stretched (1 is as wide as it is).
    """

    x: float
    y: float
    side: float
    flip: bool = False
    tilt: float = 0.0
    stretch: float = 1.0


@dataclass(frozen=True)
class Thing:
    """What it is, which of its shapes, in which colour, pattern or material and size; one spot
    for each of it.
    """

    kind: str
    shape: int
    colour: str
    look: str
    size: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Scene:
    """What a picture shows. With two things, `relation` is what the first is to the second; with
    one, where it is (middle, left, right, top, bottom) or empty.
    """

    things: tuple[Thing, ...]
    backdrop: Plain | Land
    style: str
    relation: str
    seed: int
