"""The world the model knows: captioned storybook scenes, drawn by code from a seed.

A `Scene` is what a picture shows, in words a judge can check. `imagine` rolls one, `draw` paints
it, `describe` says it in one of many wordings. Everything is large and softly shaded: what a latent
of 16x16 cells cannot hold, a picture of this world does not have.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

RGB = tuple[int, int, int]
Box = tuple[float, float, float, float]

COLOURS: dict[str, RGB] = {
    "red": (212, 44, 46), "orange": (242, 138, 34), "yellow": (250, 214, 60), "green": (52, 152, 78),
    "blue": (46, 98, 206), "purple": (132, 72, 188), "pink": (246, 146, 186), "brown": (128, 82, 50),
    "black": (36, 34, 42), "white": (246, 244, 240), "grey": (146, 149, 156), "turquoise": (56, 190, 186),
}  # fmt: skip
"""Twelve colours, as far apart as their names allow."""

FLOATING = (
    "circle",
    "square",
    "triangle",
    "star",
    "heart",
    "balloon",
    "umbrella",
    "rocket",
    "butterfly",
)
STANDING = ("house", "tree", "boat", "car", "cat", "mushroom", "flower", "fish", "cup")
KINDS = FLOATING + STANDING
TIMES = ("day", "sunset", "night", "fog")
GROUNDS = ("grass", "sand", "snow", "sea")
STYLES = ("flat", "pixel art", "pencil", "watercolour")
SIZES = {"small": 0.38, "": 0.52, "big": 0.68}

SKIES: dict[str, tuple[RGB, RGB, RGB]] = {
    "day": ((92, 168, 238), (150, 204, 248), (214, 236, 252)),
    "sunset": ((98, 62, 140), (226, 104, 100), (255, 196, 104)),
    "night": ((10, 14, 46), (24, 32, 80), (52, 62, 122)),
    "fog": ((186, 193, 200), (204, 209, 214), (222, 225, 227)),
}
EARTH: dict[str, RGB] = {
    "grass": (110, 178, 80), "sand": (234, 204, 138), "snow": (240, 244, 250), "sea": (40, 122, 190),
}  # fmt: skip
TINTS: dict[str, tuple[float, float, float]] = {
    "day": (1, 1, 1), "sunset": (0.96, 0.74, 0.68), "night": (0.34, 0.38, 0.58), "fog": (0.94, 0.95, 0.96),
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """One object: what, in which colour, how large, and where its middle is (shares of the
    picture's side).
    """

    kind: str
    colour: str
    size: str
    x: float
    y: float
    side: float


@dataclass(frozen=True)
class Plain:
    """A background of one colour."""

    colour: str


@dataclass(frozen=True)
class Land:
    """A landscape: the time of day (or fog), what the ground is, and whether mountains stand
    behind.
    """

    time: str
    ground: str
    mountains: bool


@dataclass(frozen=True)
class Scene:
    """What a picture shows. `place` is where the first thing is: left, right, above, below, or
    middle when alone.
    """

    things: tuple[Thing, ...]
    backdrop: Plain | Land
    style: str
    place: str
    seed: int


# --- rolling a scene


def imagine(seed: int, *, style: str | None = None) -> Scene:
    """The scene of a seed. Equal seeds, equal scenes."""
    dice = random.Random(seed)
    plain = dice.random() < 0.42
    backdrop: Plain | Land
    if plain:
        backdrop = Plain(dice.choice(list(COLOURS)))
    else:
        backdrop = Land(dice.choice(TIMES), dice.choice(GROUNDS), dice.random() < 0.35)
    rolled = "flat" if dice.random() < 0.7 else dice.choice(STYLES[1:])
    count = 1 if dice.random() < 0.62 else 2
    kinds = dice.sample(KINDS, count)
    things = []
    if count == 1:
        place = dice.choices(("middle", "left", "right"), (0.7, 0.15, 0.15))[0]
        size = dice.choices(list(SIZES), (0.2, 0.6, 0.2))[0]
        if place != "middle" and size == "big":
            size = ""
        spots = [({"middle": 0.5, "left": 0.29, "right": 0.71}[place], 0.5)]
        side = SIZES[size] * (1.0 if place == "middle" else 0.9)
    else:
        place = dice.choice(("left", "right", "above", "below") if plain else ("left", "right"))
        size, side = "", 0.42
        first, second = (0.27, 0.73) if place in ("left", "above") else (0.73, 0.27)
        upright = place in ("above", "below")
        spots = [(0.5, first), (0.5, second)] if upright else [(first, 0.5), (second, 0.5)]
    taken: set[str] = {backdrop.colour} if isinstance(backdrop, Plain) else _lost_colours(backdrop)
    for kind, (x, y) in zip(kinds, spots, strict=True):
        colour = dice.choice([c for c in COLOURS if c not in taken])
        taken.add(colour)
        extent = side * dice.uniform(0.97, 1.03)
        if isinstance(backdrop, Land):
            y = _height(kind, backdrop, extent)
        things.append(
            Thing(
                kind,
                colour,
                size,
                x + dice.uniform(-0.02, 0.02),
                y + dice.uniform(-0.015, 0.015),
                extent,
            )
        )
    return Scene(tuple(things), backdrop, style or rolled, place, seed)


def _lost_colours(land: Land) -> set[str]:
    """Colours that nobody would see there."""
    lost: set[str] = set()
    if land.time == "night":
        lost.add("black")
    if land.time == "fog":
        lost |= {"white", "grey"}
    if land.ground == "snow":
        lost.add("white")
    return lost


def _height(kind: str, land: Land, extent: float) -> float:
    """The middle of a thing in a landscape: what stands has its foot on the ground, what floats
    is in the air.
    """
    if kind in FLOATING:
        return 0.44
    foot = 0.86 if not (land.ground == "sea" and kind in ("boat", "fish")) else 0.8
    return foot - extent / 2


# --- words

SYNONYMS: dict[str, tuple[str, ...]] = {
    "house": ("house", "house", "cottage", "home", "hut"), "tree": ("tree",),
    "boat": ("boat", "boat", "sailboat", "ship"), "car": ("car", "car", "automobile"),
    "cat": ("cat", "cat", "kitten", "kitty"), "mushroom": ("mushroom", "mushroom", "toadstool"),
    "circle": ("circle", "circle", "ball", "disc"), "square": ("square", "square", "box"),
    "flower": ("flower", "flower", "daisy", "blossom"), "balloon": ("balloon",),
    "cup": ("cup", "cup", "mug"),
    "rocket": ("rocket", "rocket", "spaceship"), "umbrella": ("umbrella", "parasol"),
    "grey": ("grey", "gray"), "purple": ("purple", "purple", "violet"),
    "turquoise": ("turquoise", "teal", "cyan"), "red": ("red", "red", "red", "crimson"),
    "small": ("small", "little", "tiny"), "big": ("big", "large", "huge"),
}  # fmt: skip
TIME_WORDS: dict[str, tuple[str, ...]] = {
    "day": (
        "by day",
        "on a sunny day",
        "under a blue sky",
        "in daylight",
        "in the day",
        "during the day",
    ),
    "sunset": ("at sunset", "at dusk", "in the evening", "under an orange sky", "at sundown"),
    "night": (
        "at night",
        "at night",
        "under the stars",
        "under a starry sky",
        "by night",
        "in the moonlight",
    ),
    "fog": ("in the fog", "in fog", "on a foggy day", "in the mist", "in misty weather"),
}
GROUND_WORDS: dict[str, tuple[str, ...]] = {
    "grass": ("on the grass", "in a meadow", "in a green field", "on a lawn", "on grass"),
    "sand": ("on the sand", "in the desert", "on sand", "in a desert"),
    "snow": ("in the snow", "on the snow", "in winter", "on snow"),
    "sea": (
        "by the sea",
        "by the sea",
        "at the sea",
        "by the ocean",
        "at the seaside",
        "near the water",
    ),
}
MOUNTAIN_WORDS = (
    "with mountains",
    "in the mountains",
    "in front of mountains",
    "with mountains behind",
)
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "flat": ("", "", "", "", "", "flat illustration", "storybook illustration", "vector art"),
    "pixel art": ("pixel art", "pixel art", "8-bit pixel art", "pixelated"),
    "pencil": ("pencil sketch", "pencil drawing", "pencil sketch", "sketch"),
    "watercolour": ("watercolour", "watercolor", "watercolor painting", "watercolour painting"),
}
RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("to the left of", "left of", "on the left of"),
    "right": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over", "on top of"),
    "below": ("below", "under", "beneath"),
}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}


def describe(scene: Scene, dice: random.Random, *, whole: bool = False) -> str:
    """One of the many captions of a scene. `whole` leaves nothing out: what the judge asks for."""
    said = _say_things(scene, dice, whole)
    where = _say_backdrop(scene.backdrop, dice, whole)
    style = dice.choice(STYLE_WORDS[scene.style])
    if whole and scene.style != "flat":
        style = STYLE_WORDS[scene.style][0]
    turned = bool(where) and dice.random() < 0.12  # the backdrop first, as people write too
    if turned:
        said = f"{where}, {said}"
    elif where:
        said = f"{said}{', ' if dice.random() < 0.25 else ' '}{where}"
    if style:
        roll = dice.random()
        said = (
            f"{said}, {style}"
            if roll < 0.6
            else f"{style} of {said}"
            if roll < 0.9 and not turned
            else f"{style}, {said}"
        )
    elif not turned and dice.random() < 0.05:
        said = f"{dice.choice(('a picture of', 'an image of', 'a drawing of'))} {said}"
    return (
        said
        if whole or dice.random() > 0.08
        else said.replace("a ", "").replace("an ", "").replace("the ", "")
    )


def _word(name: str, dice: random.Random) -> str:
    return dice.choice(SYNONYMS.get(name, (name,)))


def _say_thing(thing: Thing, dice: random.Random, whole: bool) -> str:
    words = [_word(thing.size, dice)] if thing.size else []
    if whole or dice.random() > 0.1:
        words.append(_word(thing.colour, dice))
    words.append(_word(thing.kind, dice))
    said = " ".join(words)
    return f"{'an' if said[0] in 'aeiou' else 'a'} {said}"


def _say_things(scene: Scene, dice: random.Random, whole: bool) -> str:
    said = [_say_thing(thing, dice, whole) for thing in scene.things]
    if len(said) == 1:
        if scene.place == "middle":
            return said[0] + (
                dice.choice((" in the middle", " in the center")) if dice.random() < 0.08 else ""
            )
        return f"{said[0]} on the {scene.place}"
    a, b, place = said[0], said[1], scene.place
    if dice.random() < 0.3:  # the same from the other thing's side
        a, b, place = b, a, OPPOSITE[place]
    if place in ("left", "right") and dice.random() < 0.35:
        return dice.choice(
            (
                f"{a} on the {place} and {b} on the {OPPOSITE[place]}",
                f"{a} and {b}",
                f"{a} next to {b}",
                f"{a} and {b}",
            )
        )
    return f"{a} {dice.choice(RELATIONS[place])} {b}"


def _say_backdrop(backdrop: Plain | Land, dice: random.Random, whole: bool) -> str:
    if not whole and dice.random() < 0.08:
        return ""
    if isinstance(backdrop, Plain):
        name = _word(backdrop.colour, dice)
        article = "an" if name[0] in "aeiou" else "a"
        behind = f"{article} {name} background"
        forms = (
            f"on {behind}",
            f"{name} background",
            f"against {behind}",
            f"on {name}",
            f"on {behind}",
        )
        return dice.choice(forms)
    parts = [dice.choice(GROUND_WORDS[backdrop.ground])]
    if backdrop.mountains:
        parts.append(dice.choice(MOUNTAIN_WORDS))
    parts.append(dice.choice(TIME_WORDS[backdrop.time]))
    if not whole and dice.random() < 0.15:
        parts.pop(dice.randrange(len(parts)))
    if dice.random() < 0.3:
        dice.shuffle(parts)
    return " ".join(parts)


# --- painting


def draw(scene: Scene, size: int = 128, *, oversample: int = 3, empty: bool = False) -> Image.Image:
    """The picture of a scene, `size` pixels square. `empty` leaves its things out: what stands
    behind them.
    """
    dice = random.Random(scene.seed ^ 0x5EED)
    big = size * oversample
    canvas = _paint_backdrop(scene, big, dice)
    for thing in () if empty else scene.things:
        _paint_thing(canvas, thing, scene.backdrop)
    picture = canvas.resize((size, size), Image.Resampling.BOX)
    return _in_style(picture, scene.style, dice)


def _mix(a: RGB, b: RGB, share: float) -> RGB:
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _gradient(size: int, stops: tuple[RGB, ...], top: float, bottom: float) -> Image.Image:
    """A vertical gradient through `stops`, between two heights."""
    heights = np.linspace(0, 1, size)
    where = np.linspace(top, bottom, len(stops))
    column = np.stack([np.interp(heights, where, [stop[c] for stop in stops]) for c in range(3)], 1)
    return Image.fromarray(column.round().astype(np.uint8)[:, None, :]).resize(
        (size, size), Image.Resampling.NEAREST
    )


def _paint_backdrop(scene: Scene, size: int, dice: random.Random) -> Image.Image:
    backdrop = scene.backdrop
    if isinstance(backdrop, Plain):
        base = COLOURS[backdrop.colour]
        return _gradient(
            size, (_mix(base, (255, 255, 255), 0.10), base, _mix(base, (0, 0, 0), 0.08)), 0, 1
        )
    canvas = _gradient(size, SKIES[backdrop.time], 0, 0.56)
    pen = ImageDraw.Draw(canvas)
    horizon = 0.56
    _paint_sky(pen, size, backdrop.time, horizon, dice)
    if backdrop.mountains:
        _paint_mountains(pen, size, backdrop.time, horizon)
    near = _lit(EARTH[backdrop.ground], backdrop.time)
    far = _mix(near, SKIES[backdrop.time][2], 0.35)
    ground = _gradient(size, (far, near, _mix(near, (0, 0, 0), 0.08)), horizon, 1)
    mask = Image.new("L", (size, size), 0)
    edge = ImageDraw.Draw(mask)
    if backdrop.ground == "sea":
        edge.rectangle((0, horizon * size, size, size), fill=255)
    else:  # soft hills
        hill = [
            (x / 24 * size, (horizon + 0.018 * math.sin(x / 24 * 5.5 + 0.8)) * size)
            for x in range(25)
        ]
        edge.polygon([*hill, (size, size), (0, size)], fill=255)
    canvas.paste(ground, mask=mask)
    afloat = any(thing.kind in ("boat", "fish") for thing in scene.things)
    if backdrop.ground == "sea" and not afloat:  # a shore to stand on
        shore = _lit(EARTH["sand"], backdrop.time)
        wave = [(x / 24 * size, (0.80 + 0.014 * math.sin(x / 24 * 6.3)) * size) for x in range(25)]
        pen = ImageDraw.Draw(canvas)
        pen.polygon([*wave, (size, size), (0, size)], fill=shore)
        pen.line(wave, fill=_mix(shore, (255, 255, 255), 0.55), width=max(1, size // 50))
    return canvas


def _lit(colour: RGB, time: str) -> RGB:
    lit: RGB = tuple(round(c * t) for c, t in zip(colour, TINTS[time], strict=True))  # type: ignore[assignment]
    return _mix(lit, (208, 212, 216), 0.5) if time == "fog" else lit


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: RGB) -> None:
    pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _paint_sky(
    pen: ImageDraw.ImageDraw, size: int, time: str, horizon: float, dice: random.Random
) -> None:
    if time == "day":
        _disc(pen, 0.84 * size, 0.16 * size, 0.085 * size, (255, 236, 150))
        for x, y, r in ((0.2, 0.17, 0.06), (0.28, 0.14, 0.075), (0.36, 0.18, 0.055)):
            _disc(pen, x * size, y * size, r * size, (248, 251, 254))
    elif time == "sunset":
        _disc(pen, 0.76 * size, horizon * size, 0.15 * size, (255, 224, 130))
    elif time == "night":
        _disc(pen, 0.83 * size, 0.17 * size, 0.085 * size, (244, 238, 206))
        for x, y in (
            (0.1, 0.1),
            (0.27, 0.2),
            (0.44, 0.08),
            (0.62, 0.14),
            (0.08, 0.36),
            (0.92, 0.4),
            (0.68, 0.33),
        ):
            _disc(
                pen, (x + dice.uniform(-0.02, 0.02)) * size, y * size, 0.012 * size, (236, 236, 226)
            )
    else:
        for y, r in ((0.2, 0.05), (0.42, 0.06)):
            pen.rounded_rectangle(
                (-0.1 * size, (y - r) * size, (0.62 + y) * size, (y + r) * size),
                r * size,
                (224, 228, 231),
            )


def _paint_mountains(pen: ImageDraw.ImageDraw, size: int, time: str, horizon: float) -> None:
    rock = _mix(_lit((112, 122, 158), time), SKIES[time][2], 0.15)
    snow = _lit((244, 246, 252), time)
    for x, top, half in ((0.74, 0.26, 0.36), (0.22, 0.2, 0.38)):
        height = horizon - top + 0.05
        pen.polygon(
            [
                ((x - half) * size, (top + height) * size),
                (x * size, top * size),
                ((x + half) * size, (top + height) * size),
            ],
            fill=rock,
        )
        cap = 0.3
        pen.polygon(
            [(x * size, top * size), ((x + half * cap) * size, (top + height * cap) * size),
             ((x - half * cap) * size, (top + height * cap) * size)], fill=snow,
        )  # fmt: skip


class _Brush:
    """Draws in a thing's own square: shares of its side, from its top left corner."""

    def __init__(self, side: float) -> None:
        self.side = side
        self.layer = Image.new("RGBA", (round(side), round(side)), (0, 0, 0, 0))
        self.pen = ImageDraw.Draw(self.layer)

    def _at(self, *shares: float) -> list[float]:
        return [share * self.side for share in shares]

    def disc(self, x: float, y: float, rx: float, ry: float, fill: RGB) -> None:
        self.pen.ellipse(self._at(x - rx, y - ry, x + rx, y + ry), fill=(*fill, 255))

    def block(self, box: Box, fill: RGB, radius: float = 0.0) -> None:
        self.pen.rounded_rectangle(self._at(*box), radius * self.side, fill=(*fill, 255))

    def shape(self, points: list[tuple[float, float]], fill: RGB) -> None:
        self.pen.polygon([(x * self.side, y * self.side) for x, y in points], fill=(*fill, 255))

    def slice(self, box: Box, start: float, end: float, fill: RGB) -> None:
        self.pen.pieslice(self._at(*box), start, end, fill=(*fill, 255))

    def stroke(self, points: list[tuple[float, float]], width: float, fill: RGB) -> None:
        self.pen.line([(x * self.side, y * self.side) for x, y in points], fill=(*fill, 255),
                      width=max(1, round(width * self.side)), joint="curve")  # fmt: skip


def _paint_thing(canvas: Image.Image, thing: Thing, backdrop: Plain | Land) -> None:
    size = canvas.width
    brush = _Brush(thing.side * size)
    night = isinstance(backdrop, Land) and backdrop.time == "night"
    _PAINTERS[thing.kind](brush, COLOURS[thing.colour], night)
    layer = np.asarray(brush.layer).astype(np.float32)
    n = layer.shape[0]
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    light = 1.07 - 0.17 * (
        0.35 * ramp[None, :] + 0.65 * ramp[:, None]
    )  # from above, a little from the left
    layer[..., :3] = np.clip(layer[..., :3] * light[..., None], 0, 255)
    left, top = round((thing.x - thing.side / 2) * size), round((thing.y - thing.side / 2) * size)
    if isinstance(backdrop, Land) and thing.kind in STANDING and thing.kind not in ("boat", "fish"):
        shade = Image.new("L", (n, max(3, n // 6)), 0)
        ImageDraw.Draw(shade).ellipse((n * 0.06, 0, n * 0.94, shade.height - 1), fill=52)
        canvas.paste((0, 0, 10), (left, top + n - shade.height * 2 // 3), shade)
    sprite = Image.fromarray(layer.astype(np.uint8), "RGBA")
    canvas.paste(sprite, (left, top), sprite)


def _dark(colour: RGB) -> RGB:
    """A deeper tone of a colour, for roofs and folds."""
    return (
        _mix(colour, (0, 0, 0), 0.34) if max(colour) > 60 else _mix(colour, (255, 255, 255), 0.22)
    )


_CREAM, _WOOD, _INK = (252, 244, 220), (110, 70, 42), (34, 32, 40)


def _star_points(n: int, inner: float) -> list[tuple[float, float]]:
    angles = [math.pi * k / n - math.pi / 2 for k in range(2 * n)]
    radii = [0.5 if k % 2 == 0 else inner for k in range(2 * n)]
    return [
        (0.5 + r * math.cos(a), 0.53 + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)
    ]


def _circle(b: _Brush, c: RGB, night: bool) -> None:
    b.disc(0.5, 0.5, 0.47, 0.47, c)


def _square(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.07, 0.07, 0.93, 0.93), c)


def _triangle(b: _Brush, c: RGB, night: bool) -> None:
    b.shape([(0.5, 0.04), (0.98, 0.92), (0.02, 0.92)], c)


def _star(b: _Brush, c: RGB, night: bool) -> None:
    b.shape(_star_points(5, 0.22), c)


def _heart(b: _Brush, c: RGB, night: bool) -> None:
    turn = np.linspace(0, 2 * math.pi, 60)
    x = 16 * np.sin(turn) ** 3
    y = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
    b.shape([(0.5 + float(p) / 34, 0.46 - float(q) / 34) for p, q in zip(x, y, strict=True)], c)


def _house(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.72, 0.1, 0.84, 0.4), _dark(_dark(c)))
    b.block((0.1, 0.42, 0.9, 1.0), c)
    b.shape([(0.5, 0.02), (1.0, 0.46), (0.0, 0.46)], _dark(c))
    pane = (255, 222, 110) if night else (206, 232, 248)
    b.block((0.18, 0.56, 0.4, 0.78), pane)
    b.block(
        (0.56, 0.58, 0.78, 1.0),
        _WOOD if max(c) - min(c) > 60 and c != COLOURS["brown"] else _mix(_WOOD, _CREAM, 0.7),
    )


def _tree(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.41, 0.6, 0.59, 1.0), _WOOD)
    for x, y, r in ((0.28, 0.46, 0.24), (0.72, 0.46, 0.24), (0.5, 0.28, 0.28), (0.5, 0.52, 0.24)):
        b.disc(x, y, r, r, c)


def _boat(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.46, 0.04, 0.52, 0.68), _WOOD)
    b.shape([(0.56, 0.06), (0.95, 0.56), (0.56, 0.56)], _CREAM)
    b.shape([(0.42, 0.16), (0.42, 0.56), (0.12, 0.56)], _CREAM)
    b.shape([(0.0, 0.64), (1.0, 0.64), (0.82, 0.98), (0.18, 0.98)], c)


def _car(b: _Brush, c: RGB, night: bool) -> None:
    b.shape([(0.2, 0.52), (0.32, 0.26), (0.7, 0.26), (0.84, 0.52)], c)
    b.shape([(0.29, 0.5), (0.37, 0.33), (0.49, 0.33), (0.49, 0.5)], (206, 232, 248))
    b.shape([(0.55, 0.5), (0.55, 0.33), (0.66, 0.33), (0.74, 0.5)], (206, 232, 248))
    b.block((0.01, 0.48, 0.99, 0.82), c, 0.1)
    for x in (0.25, 0.75):
        b.disc(x, 0.83, 0.15, 0.15, _INK)
        b.disc(x, 0.83, 0.06, 0.06, (200, 202, 208))


def _cat(b: _Brush, c: RGB, night: bool) -> None:
    b.stroke([(0.78, 0.94), (0.95, 0.84), (0.95, 0.58)], 0.09, _dark(c))
    b.disc(0.5, 0.78, 0.32, 0.22, c)
    b.block((0.2, 0.78, 0.8, 1.0), c, 0.1)
    b.shape([(0.2, 0.0), (0.18, 0.36), (0.46, 0.16)], c)
    b.shape([(0.8, 0.0), (0.82, 0.36), (0.54, 0.16)], c)
    b.disc(0.5, 0.36, 0.34, 0.28, c)
    eye = (250, 232, 90) if max(c) < 170 or c == COLOURS["red"] else _INK
    for x in (0.36, 0.64):
        b.disc(x, 0.34, 0.06, 0.075, eye)
    b.disc(0.5, 0.47, 0.05, 0.04, _dark(_dark(c)))


def _mushroom(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.35, 0.5, 0.65, 1.0), _CREAM, 0.08)
    b.slice((0.0, 0.04, 1.0, 1.12), 180, 360, c)
    spot = _CREAM if min(c) < 200 else (214, 120, 110)
    for x, y, r in ((0.3, 0.38, 0.085), (0.56, 0.22, 0.09), (0.78, 0.42, 0.075)):
        b.disc(x, y, r, r, spot)


def _flower(b: _Brush, c: RGB, night: bool) -> None:
    b.block((0.46, 0.5, 0.54, 1.0), (62, 138, 70))
    b.disc(0.66, 0.84, 0.15, 0.07, (62, 138, 70))
    for k in range(5):
        a = 2 * math.pi * k / 5 - math.pi / 2
        b.disc(0.5 + 0.21 * math.cos(a), 0.34 + 0.21 * math.sin(a), 0.16, 0.16, c)
    b.disc(0.5, 0.34, 0.12, 0.12, (250, 206, 70) if c != COLOURS["yellow"] else (150, 90, 40))


def _fish(b: _Brush, c: RGB, night: bool) -> None:
    b.shape([(0.7, 0.5), (1.0, 0.24), (1.0, 0.76)], _dark(c))
    b.shape([(0.34, 0.28), (0.52, 0.1), (0.62, 0.3)], _dark(c))
    b.disc(0.4, 0.5, 0.4, 0.27, c)
    b.disc(0.2, 0.44, 0.065, 0.065, (255, 255, 255))
    b.disc(0.19, 0.44, 0.035, 0.035, _INK)


def _balloon(b: _Brush, c: RGB, night: bool) -> None:
    b.stroke([(0.5, 0.7), (0.48, 0.85), (0.52, 1.0)], 0.035, _mix(c, _INK, 0.4))
    b.disc(0.5, 0.37, 0.33, 0.37, c)
    b.shape([(0.5, 0.7), (0.42, 0.79), (0.58, 0.79)], _dark(c))
    b.disc(0.38, 0.24, 0.07, 0.1, _mix(c, (255, 255, 255), 0.6))


def _umbrella(b: _Brush, c: RGB, night: bool) -> None:
    b.stroke([(0.5, 0.1), (0.5, 0.88), (0.56, 0.95), (0.66, 0.93), (0.68, 0.84)], 0.05, _WOOD)
    b.slice((0.0, 0.08, 1.0, 1.04), 180, 360, c)
    b.slice((0.3, 0.08, 0.7, 1.04), 180, 360, _dark(c))


def _rocket(b: _Brush, c: RGB, night: bool) -> None:
    b.shape([(0.38, 0.82), (0.62, 0.82), (0.5, 1.0)], (255, 170, 50))
    b.shape([(0.3, 0.52), (0.08, 0.86), (0.34, 0.8)], _dark(c))
    b.shape([(0.7, 0.52), (0.92, 0.86), (0.66, 0.8)], _dark(c))
    b.disc(0.5, 0.44, 0.23, 0.44, c)
    b.block((0.32, 0.66, 0.68, 0.84), c)
    b.disc(0.5, 0.4, 0.1, 0.1, (214, 238, 250))


def _cup(b: _Brush, c: RGB, night: bool) -> None:
    b.pen.ellipse(
        b._at(0.58, 0.34, 0.98, 0.76), outline=(*_dark(c), 255), width=round(0.08 * b.side)
    )
    b.shape([(0.08, 0.22), (0.78, 0.22), (0.7, 1.0), (0.16, 1.0)], c)
    b.disc(0.43, 0.22, 0.35, 0.09, _dark(c))


def _butterfly(b: _Brush, c: RGB, night: bool) -> None:
    for side in (-1, 1):
        b.disc(0.5 + side * 0.27, 0.32, 0.22, 0.27, c)
        b.disc(0.5 + side * 0.21, 0.72, 0.17, 0.2, _dark(c))
    b.disc(0.5, 0.5, 0.055, 0.38, _INK if max(c) > 60 else (190, 150, 90))


_PAINTERS = {
    "circle": _circle, "square": _square, "triangle": _triangle, "star": _star, "heart": _heart,
    "house": _house, "tree": _tree, "boat": _boat, "car": _car, "cat": _cat, "mushroom": _mushroom,
    "flower": _flower, "fish": _fish, "balloon": _balloon, "umbrella": _umbrella, "rocket": _rocket,
    "cup": _cup, "butterfly": _butterfly,
}  # fmt: skip


# --- styles

_PAPER = np.array((246, 243, 234), np.float32)


def _in_style(picture: Image.Image, style: str, dice: random.Random) -> Image.Image:
    size = picture.width
    if (
        style == "pixel art"
    ):  # cells as large as a latent's: the finest grain that the model can place
        small = picture.resize((size // 8, size // 8), Image.Resampling.BOX)
        return small.resize((size, size), Image.Resampling.NEAREST)
    if style == "pencil":
        pixels = np.asarray(picture).astype(np.float32)
        grey = np.asarray(picture.convert("L").filter(ImageFilter.GaussianBlur(size / 140))).astype(
            np.float32
        )
        slope = np.hypot(*np.gradient(grey)) * size / 128
        line = np.clip((slope - 2.5) / 16, 0, 1)[..., None]
        wash = 0.34 * pixels + 0.66 * _PAPER
        return Image.fromarray((wash * (1 - line) + 62 * line).clip(0, 255).astype(np.uint8))
    if style == "watercolour":
        soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(size / 128))).astype(np.float32)
        roll = np.random.default_rng(dice.getrandbits(32))
        blots = roll.uniform(0.86, 1.1, (5, 5)).astype(np.float32)
        pool = np.asarray(Image.fromarray(blots).resize((size, size), Image.Resampling.BICUBIC))[
            ..., None
        ]
        edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / size
        frame = np.clip(np.minimum.outer(edge, edge) / 0.1, 0, 1)[..., None] ** 0.7
        wash = np.clip(0.84 * soft * pool + 0.16 * _PAPER, 0, 255)
        return Image.fromarray((wash * frame + _PAPER * (1 - frame)).clip(0, 255).astype(np.uint8))
    if style == "blueprint":  # the model never sees it: a LoRA learns it
        grey = picture.convert("L").filter(ImageFilter.GaussianBlur(size / 140))
        values = np.asarray(grey).astype(np.float32)
        slope = np.hypot(*np.gradient(values)) * size / 128
        line = np.clip((slope - 2.5) / 12, 0, 1)[..., None]
        share = (0.1 + 0.35 * values / 255)[..., None]
        wash = (1 - share) * np.array((16, 62, 150), np.float32) + share * np.array(
            (120, 170, 236), np.float32
        )
        return Image.fromarray((wash * (1 - line) + 240 * line).clip(0, 255).astype(np.uint8))
    return picture


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures side by side, with a little air between."""
    side, gap = pictures[0].width, 2
    rows = -(-len(pictures) // columns)
    canvas = Image.new(
        "RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), (255, 255, 255)
    )
    for k, picture in enumerate(pictures):
        canvas.paste(picture, ((k % columns) * (side + gap), (k // columns) * (side + gap)))
    return canvas
