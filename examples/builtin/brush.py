"""A brush that draws one thing: smooth shapes in a unit square, then light, pattern and material.

A painter of a thing draws in shares of the thing's side, from its top left corner, with its foot
at 1. The brush mirrors, tilts and stretches what it is told, and remembers where the thing shows
its own colour (`body`): patterns go there, and a judge looks there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

RGB = tuple[int, int, int]
Point = tuple[float, float]
Points = str | Sequence[Point]
Box = tuple[float, float, float, float]

CREAM: RGB = (252, 244, 222)
WOOD: RGB = (122, 80, 50)
INK: RGB = (38, 36, 46)
LEAF: RGB = (70, 146, 78)
PANE: RGB = (200, 230, 246)
LAMP: RGB = (255, 222, 116)
SKIN: RGB = (246, 206, 172)
STEEL: RGB = (186, 192, 202)
BLUSH: RGB = (240, 150, 150)
MARGIN = 0.14
FINE, DOT, THIN = 0.012, 0.02, 0.03
"""A cell of a latent is a fifteenth of a thing: finer lines and smaller dots than these are not drawn,
and what is thinner than the last is drawn as wide as that.
"""


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """`share` of the way from one colour to another."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def brightness(colour: RGB) -> float:
    """How light a colour looks, 0 to 255."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


@lru_cache(maxsize=512)
def smooth(points: tuple[Point, ...], steps: int = 7) -> tuple[Point, ...]:
    """A closed, smooth curve through points (Catmull-Rom)."""
    n, curve = len(points), []
    for k in range(n):
        p, q, r, s = (points[(k + d) % n] for d in (-1, 0, 1, 2))
        for j in range(steps):
            t = j / steps
            weights = (
                -0.5 * t + t * t - 0.5 * t**3,
                1 - 2.5 * t * t + 1.5 * t**3,
                0.5 * t + 2 * t * t - 1.5 * t**3,
                -0.5 * t * t + 0.5 * t**3,
            )
            curve.append(
                tuple(
                    sum(w * v[i] for w, v in zip(weights, (p, q, r, s), strict=True))
                    for i in (0, 1)
                )
            )
    return tuple(curve)


@lru_cache(maxsize=2048)
def path(said: str) -> tuple[Point, ...]:
    """Points from words: `"50,6 62,28"` are two, in hundredths of the side."""
    pairs = (pair.split(",") for pair in said.split())
    return tuple((float(x) / 100, float(y) / 100) for x, y in pairs)


@lru_cache(maxsize=64)
def _circle(n: int, start: float, end: float) -> tuple[Point, ...]:
    turns = [math.radians(start + (end - start) * k / n) for k in range(n + 1)]
    return tuple((math.cos(t), math.sin(t)) for t in turns)


class Brush:
    """Draws a thing of `side` pixels in its colour; `picture` gives what was drawn."""

    def __init__(
        self,
        side: float,
        colour: RGB,
        *,
        flip: bool = False,
        tilt: float = 0.0,
        stretch: float = 1.0,
        night: bool = False,
    ) -> None:
        self.side, self.night = side, night
        self.extent = round(side * (1 + 2 * MARGIN))
        self.layer = Image.new("RGBA", (self.extent, self.extent), (*colour, 0))
        self.body = Image.new("L", (self.extent, self.extent), 0)
        self.pen, self.body_pen = ImageDraw.Draw(self.layer), ImageDraw.Draw(self.body)
        self.c = colour
        bright = brightness(colour)
        self.dark = (
            mix(colour, (20, 16, 40), 0.30) if bright > 50 else mix(colour, (255, 255, 255), 0.20)
        )
        self.deep = (
            mix(colour, (20, 16, 40), 0.52) if bright > 50 else mix(colour, (255, 255, 255), 0.34)
        )
        self.light = mix(colour, (255, 255, 255), 0.42 if bright > 50 else 0.26)
        self.trim: RGB = CREAM if bright < 190 else (98, 104, 134)
        self.line: RGB = INK if bright > 75 else (226, 222, 214)
        self.pane: RGB = LAMP if night else PANE
        sx = -stretch if flip else stretch
        turn = math.radians(tilt)
        cos, sin = math.cos(turn) * side, math.sin(turn) * side
        tall = 1 / stretch if stretch > 1 else 1.0
        middle = side * (0.5 + MARGIN)
        self._matrix = (sx * cos, -sin * tall, middle, sx * sin, cos * tall, middle, tall)

    def at(self, points: Points) -> list[Point]:
        """Points of the unit square as pixels of the layer."""
        points = path(points) if isinstance(points, str) else points
        a, b, c, d, e, f, tall = self._matrix
        low = (1 - tall) / (2 * tall)  # the foot stays where it is
        return [
            (a * (x - 0.5) + b * (y - 0.5 + low) + c, d * (x - 0.5) + e * (y - 0.5 + low) + f)
            for x, y in points
        ]

    def shape(self, points: Points, fill: RGB | None = None) -> None:
        """A polygon; without a fill it is the thing's own colour."""
        there = self.at(points)
        self.pen.polygon(there, fill=(*(fill or self.c), 255))
        self.body_pen.polygon(there, fill=0 if fill else 255)

    def blob(self, points: Points, fill: RGB | None = None) -> None:
        """A smooth shape through points."""
        self.shape(smooth(path(points) if isinstance(points, str) else tuple(points)), fill)

    def disc(self, x: float, y: float, rx: float, ry: float = 0.0, fill: RGB | None = None) -> None:
        """An ellipse."""
        if max(rx, ry) <= DOT:
            return
        rx, ry = max(rx, THIN), max(ry or rx, THIN)
        self.shape([(x + rx * c, y + ry * s) for c, s in _circle(40, 0, 360)], fill)

    def slice(
        self, x: float, y: float, rx: float, ry: float, ends: Point, fill: RGB | None = None
    ) -> None:
        """What of an ellipse lies between two angles, cut straight; 0 is right, 90 is down."""
        self.shape([(x + rx * c, y + ry * s) for c, s in _circle(30, *ends)], fill)

    def block(self, box: Box, fill: RGB | None = None, radius: float = 0.0) -> None:
        """A rectangle with round corners."""
        left, top, right, bottom = box
        r = min(radius, (right - left) / 2, (bottom - top) / 2)
        if r <= 0:
            self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], fill)
            return
        corners = ((right - r, bottom - r, 0), (left + r, bottom - r, 90), (left + r, top + r, 180),
                   (right - r, top + r, 270))  # fmt: skip
        self.shape(
            [(x + r * c, y + r * s) for x, y, a in corners for c, s in _circle(8, a, a + 90)], fill
        )

    def stroke(self, points: Points, width: float, fill: RGB | None = None) -> None:
        """A line with round ends."""
        if width < FINE:
            return
        there, wide = self.at(points), max(2, round(max(width, THIN) * self.side))
        for pen, paint in (
            (self.pen, (*(fill or self.c), 255)),
            (self.body_pen, 0 if fill else 255),
        ):
            pen.line(there, fill=paint, width=wide, joint="curve")
            for x, y in (there[0], there[-1]):
                pen.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=paint)

    def curve(self, points: Points, width: float, fill: RGB | None = None) -> None:
        """A smooth line through points."""
        points = path(points) if isinstance(points, str) else points
        ends = (points[0], *points, points[-1])
        bent = smooth(tuple(ends))
        self.stroke(bent[7 : 7 * (len(points)) + 1], width, fill)

    def ring(
        self, x: float, y: float, rx: float, ry: float, width: float, fill: RGB | None = None
    ) -> None:
        """An ellipse's outline."""
        self.stroke([(x + rx * c, y + ry * s) for c, s in _circle(40, 0, 360)], width, fill)

    def eye(self, x: float, y: float, r: float = 0.03) -> None:
        """An eye."""
        r = max(r, 0.036)
        self.disc(x, y, r, r * 1.2, INK if brightness(self.c) > 75 else CREAM)
        if brightness(self.c) <= 75:
            self.disc(x, y, r * 0.6, r * 0.75, INK)

    def picture(
        self, treat: Callable[[Brush], None] | None, left_lit: bool, *, shaded: bool = True
    ) -> tuple[Image.Image, Image.Image]:
        """What was drawn, treated as a pattern or material does it, in its light; and where it has
        its own colour.
        """
        if treat:
            treat(self)
        if shaded:
            self._shade(left_lit)
        return self.layer, self.body

    def _shade(self, left_lit: bool) -> None:
        """Darker towards the side that is turned away from the light, as round things are."""
        alpha = self.layer.getchannel("A")
        small = alpha.reduce(4)
        soft = small.filter(ImageFilter.GaussianBlur(small.width * 0.045))
        shift = round(small.width * 0.05)
        soft = ImageChops.offset(soft, shift if left_lit else -shift, round(shift * 1.2))
        soft = ImageChops.invert(soft).filter(ImageFilter.GaussianBlur(1))
        # what the light passes over is brighter; what lies away from it, darker
        lit = soft.point([round(46 * v / 255) for v in range(256)]).resize(
            alpha.size, Image.Resampling.BILINEAR
        )
        back = ImageChops.offset(small.filter(ImageFilter.GaussianBlur(small.width * 0.05)),
                                 -shift if left_lit else shift, -round(shift * 1.2))  # fmt: skip
        dim = back.point([round(196 + 59 * v / 255) for v in range(256)]).resize(
            alpha.size, Image.Resampling.BILINEAR
        )
        flat = self.layer.convert("RGB")
        flat = ImageChops.multiply(flat, Image.merge("RGB", (dim, dim, dim)))
        flat = ImageChops.screen(flat, Image.merge("RGB", (lit, lit, lit)))
        flat.putalpha(alpha)
        self.layer = flat

    def print(self, marks: Image.Image, fill: RGB) -> None:
        """Print a colour where marks are, on the thing's own colour only."""
        self.layer.paste((*fill, 255), mask=ImageChops.multiply(marks, self.body))

    def marks(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """An empty sheet of the layer's size, and a pen for it."""
        sheet = Image.new("L", self.body.size, 0)
        return sheet, ImageDraw.Draw(sheet)
