"""What stands behind the things: plain colours, and twelve places by day, at sunset and at night.

A place is painted in layers from far to near on a `Stage`, which knows how cut paper casts
shadows. Whatever the caption leaves open (hills, clouds, the moon, windows) is rolled anew.
"""

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
    share = min(0.9, far * (1.0 if land.weather != "fog" else 1.7) + (0.16 if land.weather == "fog" else 0))
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
            tone = mix(stops[min(int(t), len(stops) - 2)], stops[min(int(t) + 1, len(stops) - 1)], t - min(int(t), len(stops) - 2))
            arc = [(x / 16, y + 0.03 * math.sin(x / 2.4 + 1.9 * k)) for x in range(17)]
            self.layer([*arc, (1, 1), (0, 1)], tone)

    def layer(self, points: list[Point], fill: RGB, low: RGB | None = None, lift: float = 1.0) -> None:
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

    def shadow(self, there: list[Point], lift: float = 1.0, mask: Image.Image | None = None) -> None:
        """The soft shadow of a shape that lies on the layers behind it."""
        small = self.size // 8
        soft = Image.new("L", (small, small), 0)
        if mask is None:
            ImageDraw.Draw(soft).polygon([(x / 8, y / 8) for x, y in there], fill=150)
        else:
            soft.paste(150, mask=mask.resize((small, small), Image.Resampling.BILINEAR))
        drop = lift * small * 0.012
        soft = soft.transform(soft.size, Image.Transform.AFFINE, (1, 0, -drop, 0, 1, -1.6 * drop), Image.Resampling.BILINEAR)
        soft = soft.filter(ImageFilter.GaussianBlur(small * 0.011 * lift))
        self.picture.paste((18, 16, 40), mask=soft.resize(self.picture.size, Image.Resampling.BILINEAR))

    def disc(self, x: float, y: float, r: float, fill: RGB, ry: float = 0.0) -> None:
        """An ellipse."""
        ry = ry or r
        if self.paper and r > 0.03:
            self.layer([(x + r * math.cos(a / 8), y + ry * math.sin(a / 8)) for a in range(51)], fill)
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


# --- the sky


def _ridge(dice: random.Random, y: float, swing: float, n: int = 5) -> list[Point]:
    """A line of hills across the picture."""
    return [((k - 0.5) / (n - 2), y + dice.uniform(-swing, swing)) for k in range(n)]


def paint_sky(stage: Stage, land: Land, dice: random.Random) -> None:
    """Sky, sun or moon, stars, clouds, rainbow."""
    stops = dice.choice(SKIES[land.time])
    grey = {"fog": 0.85, "rain": 0.62, "snowfall": 0.45}.get(land.weather, 0.0)
    dull = mix(VEIL[land.time], (70, 78, 98), 0.35 if land.weather == "rain" and land.time == "day" else 0.0)
    stops = tuple(mix(stop, dull, grey) for stop in stops)
    stage.sky(stops, land.horizon + 0.08)
    x, y = land.sun
    clear = land.weather in ("", "rainbow")
    if land.time == "night":
        if clear or land.weather == "snowfall":
            for _ in range(dice.randint(14, 34)):
                stage.disc(dice.random(), dice.uniform(0, land.horizon), dice.choice((0.004, 0.005, 0.009)), (240, 238, 222))
        if clear:
            _moon(stage, x, y, stops, dice)
    elif clear:
        r = dice.uniform(0.06, 0.1) * (1.4 if land.time == "sunset" else 1.0)
        stage.glow(x, y, 3.2 * r, (255, 240, 190), 150)
        stage.disc(x, y, r, (255, 232, 140) if land.time == "day" else (255, 226, 138))
    if land.weather == "rainbow":
        _rainbow(stage, dice, land)
    if land.weather != "fog":
        many = dice.randint(4, 6) if land.weather in ("rain", "snowfall") else dice.choice((0, 1, 2, 2, 3, 4))
        tone = {"day": (250, 252, 255), "sunset": (255, 190, 160), "night": (66, 74, 122)}[land.time]
        tone = mix(tone, (110, 116, 132), 0.62 if land.weather == "rain" and land.time != "night" else 0.0)
        for _ in range(many):
            _cloud(stage, dice.random(), dice.uniform(0.04, land.horizon * 0.62), dice.uniform(0.05, 0.12), tone, stops[1], dice)


def _moon(stage: Stage, x: float, y: float, stops: tuple[RGB, ...], dice: random.Random) -> None:
    r = dice.uniform(0.05, 0.1)
    stage.glow(x, y, 2.8 * r, (200, 206, 240), 90)
    stage.disc(x, y, r, (246, 240, 212))
    phase = dice.choice(("full", "crescent", "full", "half"))
    if phase == "full":
        for dx, dy, s in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.16), (0.3, -0.3, 0.12)):
            stage.pen.ellipse(tuple(v * stage.size for v in (x + (dx - s) * r, y + (dy - s) * r, x + (dx + s) * r, y + (dy + s) * r)), fill=(226, 218, 190))
    else:
        dx = 0.55 if phase == "crescent" else 0.95
        tone = mix(stops[0], stops[1], min(1.0, y / 0.35))
        stage.disc(x + dx * r * dice.choice((-1, 1)), y - 0.15 * r, r * 0.93, tone)


def _cloud(stage: Stage, x: float, y: float, r: float, tone: RGB, sky: RGB, dice: random.Random) -> None:
    tone = mix(tone, sky, dice.uniform(0.0, 0.3))
    flat = 0.8 * r
    puffs = [(dx * r, dice.uniform(-0.25, 0.1) * r, dice.uniform(0.55, 1.0) * r) for dx in (-1.3, -0.6, 0.2, 0.9, 1.5)]
    if stage.paper:
        stage.layer([(x - 2 * r, y + 0.5 * flat), (x - 1.6 * r, y - 0.1 * r), (x - r, y - 0.2 * r), (x - 0.4 * r, y - 0.8 * r),
                     (x + 0.6 * r, y - 0.7 * r), (x + 1.1 * r, y - 0.1 * r), (x + 1.9 * r, y), (x + 2.1 * r, y + 0.5 * flat)], tone)  # fmt: skip
        return
    for dx, dy, s in puffs:
        stage.disc(x + dx, y + dy, s, tone, s * 0.72)
    stage.disc(x, y + 0.42 * r, 1.9 * r, tone, 0.34 * r)


def _rainbow(stage: Stage, dice: random.Random, land: Land) -> None:
    x, y, r = dice.uniform(0.3, 0.7), land.horizon + dice.uniform(0.05, 0.15), dice.uniform(0.5, 0.62)
    bands = ((232, 84, 80), (246, 156, 70), (250, 222, 96), (108, 194, 112), (86, 146, 232), (150, 104, 208))
    for k, band in enumerate(bands):
        s, q = stage.size, r - 0.026 * k
        box = ((x - q) * s, (y - q) * s, (x + q) * s, (y + q) * s)
        stage.pen.arc(box, 180, 360, fill=mix(band, SKIES[land.time][0][1], 0.2), width=round(0.03 * s))


# --- places


def paint_plain(stage: Stage, base: RGB, dice: random.Random) -> None:
    """One colour, in some light."""
    light, deep = mix(base, WHITE, dice.uniform(0.04, 0.14)), mix(base, (10, 8, 30), dice.uniform(0.02, 0.1))
    stops = (light, base, deep) if dice.random() < 0.8 else (deep, base, light)
    stage.sky(stops if not stage.paper else (base, base), 1.0)
    if dice.random() < 0.5:
        stage.glow(dice.random(), dice.random(), dice.uniform(0.4, 0.7), light, 130)


def paint_place(stage: Stage, land: Land, dice: random.Random) -> None:
    """A place, with its sky."""
    if land.place not in ("room", *TIMELESS):
        paint_sky(stage, land, dice)
    _PLACES[land.place](stage, land, dice)


def paint_weather(stage: Stage, land: Land, dice: random.Random) -> None:
    """What falls or hangs in front of everything."""
    if land.place in ("room", *TIMELESS):
        return
    s = stage.size
    if land.weather == "fog":
        veil = Image.new("L", (1, 64), 0)
        bands = [dice.uniform(0.15, 0.9) * land.horizon for _ in range(2)] + [land.horizon + 0.12]
        veil.putdata([round(min(120, sum(70 * math.exp(-(((y / 64 - band) / 0.07) ** 2)) for band in bands) + 24)) for y in range(64)])
        stage.picture.paste(VEIL[land.time], mask=veil.resize((s, s), Image.Resampling.BICUBIC))
    elif land.weather == "rain":
        slant = dice.uniform(0.1, 0.3)
        tone = mix(VEIL[land.time], WHITE, 0.4)
        for _ in range(dice.randint(55, 80)):
            x, y, long = dice.uniform(0, 1.2), dice.uniform(-0.05, 1), dice.uniform(0.035, 0.07)
            stage.pen.line((x * s, y * s, (x - slant * long) * s, (y + long) * s), fill=tone, width=max(1, s // 170))
    elif land.weather == "snowfall":
        for _ in range(dice.randint(45, 75)):
            stage.disc(dice.random(), dice.random(), dice.choice((0.006, 0.009, 0.012)), (250, 252, 255) if land.time != "night" else (222, 228, 244))


def _tufts(stage: Stage, land: Land, dice: random.Random, tone: RGB, bloom: bool) -> None:
    for _ in range(dice.randint(5, 11)):
        x, y = dice.random(), dice.uniform(land.horizon + 0.12, 0.98)
        if y < land.ground(x) + 0.08:
            continue
        if bloom and dice.random() < 0.5:
            paint = lit(dice.choice(((252, 250, 240), (250, 214, 90), (240, 130, 160))), land)
            for dx, dy in ((-0.008, 0), (0.008, 0), (0, -0.008), (0, 0.008)):
                stage.disc(x + dx, y + dy, 0.007, paint)
        else:
            for dx in (-0.014, 0, 0.014):
                stage.pen.polygon(stage.at([(x - 0.006, y), (x + dx, y - 0.035), (x + 0.006, y)]), fill=tone)


def _meadow(stage: Stage, land: Land, dice: random.Random) -> None:
    green = dice.choice(((112, 182, 84), (136, 190, 84), (92, 168, 92)))
    far = _ridge(dice, land.horizon - 0.07, 0.03)
    if dice.random() < 0.7:
        stage.wave(far, lit(mix(green, (80, 140, 120), 0.4), land, 0.3))
    stage.wave(_ridge(dice, land.horizon, 0.016), lit(green, land, 0.12), lit(mix(green, (40, 100, 60), 0.25), land))
    if dice.random() < 0.3:
        x = dice.uniform(0.2, 0.8)
        stage.layer([(x - 0.02, land.horizon + 0.02), (x + 0.02, land.horizon + 0.02), (x + 0.22, 1.0), (x - 0.22, 1.0)], lit((226, 200, 150), land), None)
    _tufts(stage, land, dice, lit(mix(green, (30, 90, 50), 0.4), land), bloom=True)


def _hill(stage: Stage, land: Land, dice: random.Random) -> None:
    green = dice.choice(((112, 182, 84), (150, 190, 84), (96, 168, 104)))
    stage.wave(_ridge(dice, 0.8, 0.05), lit(mix(green, (90, 140, 150), 0.4), land, 0.3))
    points = [(-0.1 + 0.06 * k, land.ground(-0.1 + 0.06 * k)) for k in range(21)]
    stage.layer([*points, (1.1, 1.1), (-0.1, 1.1)], lit(green, land), lit(mix(green, (40, 100, 60), 0.35), land))
    _tufts(stage, land, dice, lit(mix(green, (30, 90, 50), 0.4), land), bloom=True)


def _water(stage: Stage, land: Land, dice: random.Random, top: float, bottom: float) -> None:
    blue = dice.choice(((44, 128, 196), (56, 150, 200), (36, 108, 178)))
    stage.layer([(0, top), (1, top), (1, 1), (0, 1)], lit(blue, land, 0.22), lit(mix(blue, (14, 50, 120), 0.4), land))
    if land.weather in ("", "rainbow") and land.time != "day":
        x = land.sun[0]
        for k in range(6):
            y = top + 0.015 + (bottom - top) * k / 6.5
            wide = dice.uniform(0.02, 0.07)
            stage.disc(x + dice.uniform(-0.02, 0.02), y, wide, (255, 214, 150) if land.time == "sunset" else (196, 204, 232), 0.006)
    for _ in range(dice.randint(6, 12)):
        x, y, r = dice.random(), dice.uniform(top + 0.04, bottom), dice.uniform(0.03, 0.06)
        s = stage.size
        for side in (0, 1):
            box = ((x + (side - 1) * r) * s, (y - r / 3) * s, (x + side * r) * s, (y + r / 3) * s)
            stage.pen.arc(box, 20, 160, fill=lit((170, 214, 240), land, 0.1), width=max(1, s // 110))


def _sea(stage: Stage, land: Land, dice: random.Random) -> None:
    if dice.random() < 0.4:
        x = dice.random()
        stage.wave([(x - 0.4, land.horizon + 0.01), (x - 0.12, land.horizon - 0.05), (x + 0.1, land.horizon - 0.03), (x + 0.4, land.horizon + 0.01)], lit((96, 140, 130), land, 0.35))
    _water(stage, land, dice, land.horizon, 1.0)


def _beach(stage: Stage, land: Land, dice: random.Random) -> None:
    shore = land.horizon + 0.16
    _water(stage, land, dice, land.horizon, shore)
    sand = dice.choice(((238, 210, 150), (246, 224, 176), (228, 196, 138)))
    tilt = dice.uniform(-0.05, 0.05)
    line = [(k / 6, shore + tilt * (k / 3 - 1) + 0.014 * math.sin(2.1 * k + dice.random())) for k in range(7)]
    stage.wave([(x, y - 0.018) for x, y in line], lit((244, 250, 252), land))
    stage.wave(line, lit(sand, land), lit(mix(sand, (150, 100, 60), 0.2), land))
    for _ in range(dice.randint(3, 8)):
        x, y = dice.random(), dice.uniform(shore + 0.08, 0.98)
        stage.disc(x, y, 0.008, lit(dice.choice(((250, 236, 220), (216, 160, 130), (190, 150, 110))), land), 0.006)


def _forest(stage: Stage, land: Land, dice: random.Random) -> None:
    green = dice.choice(((58, 124, 78), (74, 132, 66), (48, 110, 90)))
    pines = dice.random() < 0.5
    for depth, base, n in ((0.42, -0.05, 12), (0.2, 0.0, 8), (0.02, 0.06, 6)):
        tone = lit(mix(green, (20, 60, 40), 0.3 * (0.45 - depth)), land, depth)
        stage.layer([(0, land.horizon + base), (1, land.horizon + base), (1, 1), (0, 1)], mix(tone, (20, 40, 30), 0.15))
        for k in range(n):
            x = (k + dice.uniform(0.1, 0.9)) / n
            tall, foot = dice.uniform(0.3, 0.48) * (1.25 - depth), land.horizon + base + 0.02
            if pines:
                for j in range(3):
                    top, half = foot - tall * (0.5 + 0.25 * j), tall * (0.24 - 0.05 * j)
                    stage.pen.polygon(stage.at([(x, top - tall * 0.14), (x + half, top + tall * 0.3), (x - half, top + tall * 0.3)]), fill=mix(tone, WHITE, 0.04 * j))
            else:
                stage.pen.rectangle(tuple(v * stage.size for v in (x - 0.014, foot - tall * 0.5, x + 0.014, foot)), fill=lit((92, 70, 56), land, depth))
                for dx, dy, r in ((-0.05, 0.62, 0.07), (0.05, 0.62, 0.07), (0, 0.82, 0.08)):
                    stage.disc(x + dx * 1.1, foot - tall * dy, r, tone)
    floor = mix(green, (120, 130, 60), 0.3)
    stage.wave(_ridge(dice, land.horizon + 0.06, 0.014), lit(floor, land, 0.05), lit(mix(floor, (40, 60, 30), 0.3), land))
    _tufts(stage, land, dice, lit(mix(green, (20, 60, 30), 0.4), land), bloom=False)


def _city(stage: Stage, land: Land, dice: random.Random) -> None:
    tones = ((150, 158, 182), (190, 150, 140), (206, 182, 150), (130, 150, 168), (168, 140, 160))
    glow = (255, 220, 130)
    for depth, low, high in ((0.4, 0.28, 0.46), (0.08, 0.12, 0.34)):
        x = dice.uniform(-0.1, 0.0)
        while x < 1:
            wide, tall = dice.uniform(0.11, 0.2), dice.uniform(low, high)
            tone = lit(dice.choice(tones), land, depth)
            top = land.horizon + 0.02 - tall
            stage.layer([(x, top), (x + wide, top), (x + wide, land.horizon + 0.03), (x, land.horizon + 0.03)], tone, lift=0.7)
            if dice.random() < 0.3:
                stage.layer([(x, top), (x + wide / 2, top - 0.05), (x + wide, top)], mix(tone, (30, 26, 50), 0.3))
            rows, columns = max(1, int(tall / 0.065)), max(2, int(wide / 0.05))
            for row in range(rows):
                for column in range(columns):
                    paint = glow if land.time != "day" and dice.random() < 0.6 else mix(tone, (40, 60, 100) if land.time == "day" else (20, 22, 50), 0.35)
                    left, y = x + wide * (column + 0.28) / columns, top + 0.02 + 0.065 * row
                    stage.pen.rectangle(tuple(v * stage.size for v in (left, y, left + wide * 0.44 / columns, y + 0.032)), fill=paint)
            x += wide + dice.choice((0.0, 0.01, 0.03))
    stage.layer([(0, land.horizon + 0.02), (1, land.horizon + 0.02), (1, 1), (0, 1)], lit((188, 184, 182), land))
    stage.layer([(0, land.horizon + 0.1), (1, land.horizon + 0.1), (1, 1), (0, 1)], lit((118, 120, 130), land), lit((92, 94, 106), land))
    shift = dice.uniform(0, 0.2)
    for k in range(6):
        stage.pen.rectangle(tuple(v * stage.size for v in (0.2 * k - shift, land.horizon + 0.22, 0.2 * k - shift + 0.1, land.horizon + 0.24)), fill=lit((238, 232, 210), land))


def _room(stage: Stage, land: Land, dice: random.Random) -> None:
    walls = ((238, 214, 188), (198, 218, 222), (226, 200, 206), (208, 220, 190), (232, 226, 206), (186, 190, 214))
    wall = dice.choice(walls)
    dim = {"day": 0.0, "sunset": 0.1, "night": 0.32}[land.time]
    wall = mix(wall, {"day": wall, "sunset": (230, 150, 110), "night": (60, 58, 100)}[land.time], 0.25 + dim)
    s, floor_at = stage.size, land.horizon
    stage.sky((mix(wall, WHITE, 0.06), wall, mix(wall, (40, 30, 40), 0.08)), floor_at)
    if dice.random() < 0.4:
        tone = mix(wall, WHITE, 0.2)
        for k in range(11):
            stage.pen.rectangle((k * s / 10, 0, (k + 0.4) * s / 10, floor_at * s), fill=tone)
    x, y, w, h = dice.uniform(0.06, 0.6), dice.uniform(0.06, 0.14), dice.uniform(0.26, 0.34), dice.uniform(0.26, 0.34)
    view = Stage(round(h * s * 1.3))
    paint_sky(view, Land("room", land.time, land.weather, 1.0, 0.5, (0.6, 0.4)), dice)
    if land.weather in ("rain", "snowfall"):
        paint_weather(view, Land("meadow", land.time, land.weather, 1.0, 0.5, (0.5, 0.3)), dice)
    frame = dice.choice(((250, 248, 240), (150, 104, 68)))
    stage.layer([(x - 0.02, y - 0.02), (x + w + 0.02, y - 0.02), (x + w + 0.02, y + h + 0.02), (x - 0.02, y + h + 0.02)], mix(frame, (40, 40, 80), dim * 0.6))
    stage.picture.paste(view.picture.resize((round(w * s), round(h * s))), (round(x * s), round(y * s)))
    bar = mix(frame, (40, 40, 80), dim * 0.6)
    stage.pen.rectangle(((x + w / 2 - 0.008) * s, y * s, (x + w / 2 + 0.008) * s, (y + h) * s), fill=bar)
    stage.pen.rectangle((x * s, (y + h / 2 - 0.008) * s, (x + w) * s, (y + h / 2 + 0.008) * s), fill=bar)
    px = x + w + 0.1 if x < 0.33 else x - 0.22
    if 0.02 < px < 0.86 and dice.random() < 0.7:
        tone = dice.choice(((120, 160, 170), (200, 140, 110), (150, 170, 120)))
        stage.layer([(px, 0.14), (px + 0.13, 0.14), (px + 0.13, 0.3), (px, 0.3)], mix((120, 84, 56), (40, 40, 80), dim))
        stage.pen.rectangle(((px + 0.015) * s, 0.155 * s, (px + 0.115) * s, 0.285 * s), fill=mix(tone, (40, 40, 80), dim))
    floor = mix(dice.choice(((196, 148, 100), (168, 122, 84), (214, 176, 128))), (40, 36, 70), dim)
    stage.layer([(0, floor_at), (1, floor_at), (1, 1), (0, 1)], floor, mix(floor, (60, 30, 20), 0.25))
    for k in range(-4, 15):
        stage.pen.line((k * s / 10, floor_at * s, (0.5 + (k / 10 - 0.5) * 1.9) * s, s), fill=mix(floor, (60, 30, 20), 0.3), width=max(1, s // 200))
    stage.pen.rectangle((0, (floor_at - 0.02) * s, s, (floor_at + 0.012) * s), fill=mix(wall, WHITE, 0.45 - dim))
    if dice.random() < 0.6:
        rug = mix(dice.choice(((186, 70, 76), (72, 110, 160), (90, 140, 110), (214, 170, 90))), (30, 30, 60), dim)
        cx = dice.uniform(0.35, 0.65)
        stage.disc(cx, floor_at + 0.24, 0.4, rug, 0.1)
        stage.disc(cx, floor_at + 0.24, 0.34, mix(rug, WHITE, 0.2), 0.075)


def _snow(stage: Stage, land: Land, dice: random.Random) -> None:
    far = (206, 220, 238)
    stage.wave(_ridge(dice, land.horizon - 0.05, 0.04), lit(far, land, 0.2))
    for _ in range(dice.randint(2, 6)):
        x, tall, foot = dice.random(), dice.uniform(0.12, 0.22), land.horizon + dice.uniform(0.0, 0.04)
        for j in range(3):
            top, half = foot - tall * (0.4 + 0.26 * j), tall * (0.32 - 0.07 * j)
            stage.pen.polygon(stage.at([(x, top - tall * 0.1), (x + half, top + tall * 0.32), (x - half, top + tall * 0.32)]), fill=lit((70, 120, 112), land, 0.12))
            stage.pen.polygon(stage.at([(x, top - tall * 0.1), (x + half * 0.5, top + tall * 0.12), (x, top + tall * 0.08), (x - half * 0.5, top + tall * 0.12)]), fill=lit((248, 251, 255), land))
    stage.wave(_ridge(dice, land.horizon + 0.02, 0.02), lit((246, 249, 254), land), lit((212, 226, 244), land))
    for _ in range(dice.randint(2, 5)):
        x, y = dice.random(), dice.uniform(land.horizon + 0.14, 0.96)
        stage.disc(x, y, dice.uniform(0.04, 0.1), lit((224, 234, 248), land), 0.014)


def _desert(stage: Stage, land: Land, dice: random.Random) -> None:
    sand = dice.choice(((232, 186, 116), (240, 204, 140), (222, 164, 104)))
    if dice.random() < 0.6:
        for _ in range(dice.randint(1, 3)):
            x, tall, half = dice.random(), dice.uniform(0.1, 0.2), dice.uniform(0.06, 0.14)
            y = land.horizon
            stage.layer([(x - half * 1.25, y + 0.05), (x - half, y - tall), (x + half * 0.9, y - tall), (x + half * 1.3, y + 0.05)], lit((190, 104, 78), land, 0.3))
    stage.wave(_ridge(dice, land.horizon - 0.01, 0.035), lit(mix(sand, (180, 110, 70), 0.25), land, 0.2))
    stage.wave(_ridge(dice, land.horizon + 0.05, 0.03), lit(sand, land, 0.06), lit(mix(sand, (170, 100, 60), 0.3), land))
    for _ in range(dice.randint(1, 3)):
        y, x = dice.uniform(land.horizon + 0.2, 0.95), dice.uniform(0, 0.6)
        curve = [(x + 0.12 * k, y + 0.012 * math.sin(2 * k)) for k in range(5)]
        stage.pen.line(stage.at(list(curve)), fill=lit(mix(sand, (150, 90, 50), 0.35), land), width=max(1, stage.size // 120), joint="curve")


def _mountains(stage: Stage, land: Land, dice: random.Random) -> None:
    rock = dice.choice(((112, 122, 158), (132, 118, 140), (104, 130, 146)))
    peaks = sorted((dice.uniform(0, 1), dice.uniform(0.16, 0.3)) for _ in range(dice.randint(2, 4)))
    for k, (x, top) in enumerate(peaks):
        half, low = dice.uniform(0.28, 0.4), land.horizon + 0.06
        tone, cap = lit(rock, land, 0.24 - 0.05 * k), dice.uniform(0.24, 0.36)
        stage.layer([(x - half, low), (x, top), (x + half, low)], tone)
        if not stage.paper:
            stage.pen.polygon(stage.at([(x, top), (x + half, low), (x + half * 0.25, low)]), fill=mix(tone, (30, 30, 60), 0.16))
        y = top + (low - top) * cap
        stage.pen.polygon(stage.at([(x, top), (x + half * cap, y), (x + half * cap * 0.4, y - 0.035), (x, y + 0.02), (x - half * cap * 0.45, y - 0.03), (x - half * cap, y)]), fill=lit((246, 248, 253), land, 0.05))
    green = dice.choice(((112, 172, 96), (136, 170, 96), (100, 150, 110)))
    stage.wave(_ridge(dice, land.horizon, 0.02), lit(green, land, 0.12), lit(mix(green, (40, 90, 60), 0.3), land))
    _tufts(stage, land, dice, lit(mix(green, (30, 80, 50), 0.4), land), bloom=True)


def _space(stage: Stage, land: Land, dice: random.Random) -> None:
    base = dice.choice((((16, 12, 44), (36, 22, 78), (70, 36, 104)), ((8, 14, 40), (16, 32, 74), (30, 64, 110))))
    stage.sky(base, 1.0)
    for _ in range(2):
        stage.glow(dice.random(), dice.random(), dice.uniform(0.25, 0.45), dice.choice(((150, 70, 170), (60, 110, 190), (190, 80, 120))), 90)
    for _ in range(dice.randint(35, 60)):
        stage.disc(dice.random(), dice.random(), dice.choice((0.004, 0.005, 0.008)), dice.choice(((250, 248, 230), (200, 220, 255), (255, 230, 190))))
    for _ in range(dice.randint(1, 2)):
        x, y, r = dice.uniform(0.1, 0.9), dice.uniform(0.08, 0.4), dice.uniform(0.05, 0.11)
        tone = dice.choice(((226, 142, 96), (120, 176, 200), (200, 120, 150), (222, 196, 130)))
        stage.disc(x, y, r, tone)
        stage.disc(x + 0.2 * r, y + 0.3 * r, 0.35 * r, mix(tone, (60, 30, 60), 0.2), 0.2 * r)
        if dice.random() < 0.5:
            s = stage.size
            stage.pen.arc(((x - 1.7 * r) * s, (y - 0.4 * r) * s, (x + 1.7 * r) * s, (y + 0.4 * r) * s), -20, 200, fill=mix(tone, WHITE, 0.5), width=max(2, round(0.2 * r * s)))
    ground = dice.choice(((168, 166, 178), (180, 132, 110), (140, 150, 176)))
    arc = [(-0.1 + 0.1 * k, land.horizon + 0.12 + 0.12 * (0.1 * k - 0.6) ** 2) for k in range(13)]
    stage.layer([*arc, (1.1, 1.1), (-0.1, 1.1)], ground, mix(ground, (40, 30, 60), 0.35))
    for _ in range(dice.randint(4, 7)):
        x, y, r = dice.random(), dice.uniform(land.horizon + 0.2, 0.98), dice.uniform(0.02, 0.06)
        stage.pen.ellipse(tuple(v * stage.size for v in (x - r, y - r * 0.4, x + r, y + r * 0.4)), fill=mix(ground, (40, 30, 60), 0.35))
        stage.pen.ellipse(tuple(v * stage.size for v in (x - r * 0.85, y - r * 0.2, x + r * 0.9, y + r * 0.4)), fill=mix(ground, WHITE, 0.1))


def _underwater(stage: Stage, land: Land, dice: random.Random) -> None:
    stops = dice.choice((((96, 200, 224), (40, 140, 196), (18, 82, 150)), ((110, 214, 206), (44, 156, 176), (20, 96, 132))))
    stage.sky(stops, 0.95)
    if not stage.paper:
        for _ in range(dice.randint(2, 4)):
            x, wide = dice.uniform(-0.1, 0.9), dice.uniform(0.05, 0.12)
            mask = Image.new("L", stage.picture.size, 0)
            ImageDraw.Draw(mask).polygon(stage.at([(x, 0), (x + wide, 0), (x + wide * 2.4 + 0.15, 0.85), (x + 0.15, 0.85)]), fill=34)
            stage.picture.paste(WHITE, mask=mask)
    sand = dice.choice(((226, 206, 150), (206, 192, 158)))
    sand = mix(sand, stops[2], 0.22)
    stage.wave(_ridge(dice, land.horizon + 0.14, 0.02), mix(sand, stops[1], 0.5))
    for _ in range(dice.randint(3, 7)):
        x, tall, bend = dice.random(), dice.uniform(0.14, 0.36), dice.uniform(-0.05, 0.05)
        tone = mix(dice.choice(((60, 150, 90), (90, 160, 70), (220, 110, 120), (170, 100, 170))), stops[1], 0.25)
        for dx in (-0.035, 0, 0.035):
            line = [(x + dx * (1 + j / 4) + bend * math.sin(j * 1.3), land.horizon + 0.24 - tall * j / 5 * (1 - abs(dx) * 6)) for j in range(6)]
            stage.pen.line(stage.at(line), fill=tone, width=max(2, stage.size // 60), joint="curve")
    stage.wave(_ridge(dice, land.horizon + 0.2, 0.02), sand, mix(sand, stops[2], 0.3))
    for _ in range(dice.randint(4, 10)):
        x, y, r = dice.random(), dice.uniform(0.05, 0.75), dice.choice((0.008, 0.012, 0.018))
        s = stage.size
        stage.pen.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), outline=mix(stops[0], WHITE, 0.6), width=max(2, s // 200))


_PLACES = {
    "meadow": _meadow, "hill": _hill, "beach": _beach, "sea": _sea, "forest": _forest, "city": _city,
    "room": _room, "snow": _snow, "desert": _desert, "mountains": _mountains, "space": _space,
    "underwater": _underwater,
}  # fmt: skip
