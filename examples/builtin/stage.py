"""A place at a time in some weather, and the canvas that it is painted on."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from brush import RGB, Point, mix, smooth
from PIL import Image, ImageDraw, ImageFilter

PLACES = (
    "meadow", "hill", "beach", "sea", "forest", "city", "room", "snow", "desert", "mountains",
    "space", "underwater",
)  # fmt: skip
TIMES = ("day", "sunset", "night")
WEATHERS = ("", "fog", "rain", "snowfall", "rainbow")
TIMELESS = ("space", "underwater")

SKIES: dict[str, tuple[tuple[RGB, RGB, RGB], ...]] = {
    "day": (
        ((84, 164, 238), (140, 200, 248), (214, 238, 252)),
        ((120, 190, 244), (176, 220, 250), (236, 246, 252)),
    ),
    "sunset": (
        ((92, 60, 140), (228, 106, 102), (255, 200, 112)),
        ((150, 72, 128), (244, 138, 96), (255, 222, 140)),
    ),
    "night": (
        ((10, 14, 46), (24, 32, 84), (56, 66, 128)),
        ((14, 18, 40), (34, 38, 84), (80, 74, 124)),
    ),
}


TINTS = {"day": (1.0, 1.0, 1.0), "sunset": (0.97, 0.78, 0.70), "night": (0.42, 0.46, 0.66)}


VEIL: dict[str, RGB] = {"day": (214, 220, 226), "sunset": (236, 196, 178), "night": (92, 100, 128)}


WHITE: RGB = (255, 255, 255)


@dataclass(frozen=True)
class Plain:
    """A background of one colour."""

    colour: str


@dataclass(frozen=True)
class Land:
    """A place at a time in some weather. `horizon` is where the ground begins, `crest` where a
    hill is highest, `sun` where the sun or moon stands.
    """

    place: str
    time: str
    weather: str
    horizon: float
    crest: float
    sun: Point

    def ground(self, x: float) -> float:
        """How low the ground begins at x."""
        if self.place == "hill":
            return self.horizon + 0.95 * (x - self.crest) ** 2
        return self.horizon


def lit(colour: RGB, land: Land, far: float = 0.0) -> RGB:
    """A colour as it looks at that time, and from that far away."""
    tint = TINTS[land.time]
    if land.place == "snow" and land.time == "sunset":  # snow mirrors the sky above, not the sun
        tint = (0.93, 0.84, 0.92)
    seen: RGB = tuple(round(c * t) for c, t in zip(colour, tint, strict=True))  # type: ignore[assignment]
    haze = mix(SKIES[land.time][0][2], VEIL[land.time], 1.0 if land.weather == "fog" else 0.0)
    share = min(
        0.9, far * (1.0 if land.weather != "fog" else 1.7) + (0.16 if land.weather == "fog" else 0)
    )
    return mix(seen, haze, share)


class Stage:
    """A canvas of `size` pixels that is painted in shares of its side. On `paper`, every layer
    casts a shadow on those behind it.
    """

    def __init__(self, size: int, *, paper: bool = False) -> None:
        self.size, self.paper = size, paper
        self.picture = Image.new("RGB", (size, size))
        self.pen = ImageDraw.Draw(self.picture)

    def at(self, points: list[Point]) -> list[Point]:
        """Points as pixels."""
        return [(x * self.size, y * self.size) for x, y in points]

    def gradient(self, stops: tuple[RGB, ...], top: float, bottom: float) -> Image.Image:
        """A picture that fades through colours between two heights."""
        heights = np.linspace(0, 1, self.size)
        where = np.linspace(top, bottom, len(stops))
        column = np.stack([np.interp(heights, where, [s[c] for s in stops]) for c in range(3)], 1)
        strip = Image.fromarray(column.round().astype(np.uint8)[:, None, :])
        return strip.resize((self.size, self.size), Image.Resampling.NEAREST)

    def sky(self, stops: tuple[RGB, ...], low: float) -> None:
        """Fill everything; on paper in a few bent strips."""
        if not self.paper:
            self.picture.paste(self.gradient(stops, 0, low))
            return
        self.picture.paste(stops[0], (0, 0, self.size, self.size))
        for k in range(1, 5):
            y, t = low * k / 5, k / 4 * (len(stops) - 1)
            tone = mix(
                stops[min(int(t), len(stops) - 2)],
                stops[min(int(t) + 1, len(stops) - 1)],
                t - min(int(t), len(stops) - 2),
            )
            arc = [(x / 16, y + 0.03 * math.sin(x / 2.4 + 1.9 * k)) for x in range(17)]
            self.layer([*arc, (1, 1), (0, 1)], tone)

    def layer(
        self, points: list[Point], fill: RGB, low: RGB | None = None, lift: float = 1.0
    ) -> None:
        """A shape in one colour, or fading to `low` at its foot."""
        there = self.at(points)
        if self.paper:
            self.shadow(there, lift)
        if low is None or self.paper:
            self.pen.polygon(there, fill=fill)
            return
        top = max(0, int(min(y for _, y in there)))
        bottom = min(self.size, int(max(y for _, y in there)) + 1)
        mask = Image.new("L", (self.size, bottom - top), 0)
        ImageDraw.Draw(mask).polygon([(x, y - top) for x, y in there], fill=255)
        fade = self.gradient((fill, low), top / self.size, bottom / self.size)
        self.picture.paste(fade.crop((0, top, self.size, bottom)), (0, top), mask)

    def shadow(
        self, there: list[Point], lift: float = 1.0, mask: Image.Image | None = None
    ) -> None:
        """The soft shadow of a shape that lies on the layers behind it."""
        small = self.size // 8
        soft = Image.new("L", (small, small), 0)
        if mask is None:
            ImageDraw.Draw(soft).polygon([(x / 8, y / 8) for x, y in there], fill=150)
        else:
            soft.paste(150, mask=mask.resize((small, small), Image.Resampling.BILINEAR))
        drop = lift * small * 0.012
        soft = soft.transform(
            soft.size,
            Image.Transform.AFFINE,
            (1, 0, -drop, 0, 1, -1.6 * drop),
            Image.Resampling.BILINEAR,
        )
        soft = soft.filter(ImageFilter.GaussianBlur(small * 0.011 * lift))
        self.picture.paste(
            (18, 16, 40), mask=soft.resize(self.picture.size, Image.Resampling.BILINEAR)
        )

    def disc(self, x: float, y: float, r: float, fill: RGB, ry: float = 0.0) -> None:
        """An ellipse."""
        ry = ry or r
        if self.paper and r > 0.03:
            self.layer(
                [(x + r * math.cos(a / 8), y + ry * math.sin(a / 8)) for a in range(51)], fill
            )
            return
        s = self.size
        self.pen.ellipse(((x - r) * s, (y - ry) * s, (x + r) * s, (y + ry) * s), fill=fill)

    def glow(self, x: float, y: float, r: float, fill: RGB, strength: int = 120) -> None:
        """Light around a place."""
        if self.paper:
            return
        n = 48
        ys, xs = np.mgrid[0:n, 0:n]
        falls = np.clip(1 - np.hypot(xs - n / 2 + 0.5, ys - n / 2 + 0.5) / (n / 2), 0, 1) ** 2
        wide = max(2, round(2 * r * self.size))
        mask = Image.fromarray((falls * strength).astype(np.uint8)).resize((wide, wide))
        self.picture.paste(fill, (round((x - r) * self.size), round((y - r) * self.size)), mask)

    def wave(self, points: list[Point], fill: RGB, low: RGB | None = None) -> None:
        """Everything below a smooth line."""
        ends = [(-0.3, points[0][1]), *points, (1.3, points[-1][1])]
        bent = smooth((*ends, (1.3, 1.2), (-0.3, 1.2)))
        self.layer(list(bent), fill, low)


def ridge(dice: random.Random, y: float, swing: float, n: int = 5) -> list[Point]:
    """A line of hills across the picture."""
    return [((k - 0.5) / (n - 2), y + dice.uniform(-swing, swing)) for k in range(n)]
