"""The world the model knows: captioned storybook scenes, drawn by code from a seed.

A `Scene` is what a picture shows, in words a judge can check. `imagine` rolls one, `draw` paints
it four times too large and in its style, `captions.describe` says it in one of many wordings.
Whatever a caption leaves open is rolled: where a thing is and how large, which of its shapes, the
light, the clouds, the ground.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from backdrops import (
    PLACES, TIMELESS, TIMES, WEATHERS, Land, Plain, Stage, paint_place, paint_plain, paint_weather,
)  # fmt: skip
from brush import MARGIN, MATERIALS, RGB, SKIN, Brush, mix
from PIL import Image, ImageChops, ImageDraw
from styles import STYLES, in_style
from things import KINDS

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

SIZES = {"small": (0.22, 0.31), "": (0.36, 0.54), "big": (0.62, 0.78)}
LOOKS = tuple(MATERIALS)
RELATIONS = ("left", "right", "above", "below", "beside", "on", "front", "behind", "holding")
HOMES = {
    "fish": ("underwater", "sea"), "whale": ("sea", "underwater"), "boat": ("sea",), "duck": ("sea", "meadow"),
    "turtle": ("underwater", "beach"), "lighthouse": ("beach", "hill"), "igloo": ("snow",), "penguin": ("snow",),
    "cactus": ("desert",), "snowman": ("snow",), "rocket": ("space",), "robot": ("space", "city"),
    "bus": ("city",), "car": ("city",), "chair": ("room",), "lamp": ("room",), "teapot": ("room",),
    "clock": ("room",), "vase": ("room",), "cake": ("room",), "cup": ("room",), "castle": ("hill",),
    "windmill": ("meadow", "hill"), "fox": ("forest",), "owl": ("forest",), "mushroom": ("forest",),
    "bear": ("forest",), "tent": ("forest", "mountains"), "kite": ("hill", "beach"),
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


# --- rolling a scene


def imagine(seed: int, *, style: str | None = None) -> Scene:
    """The scene of a seed. Equal seeds, equal scenes."""
    dice = random.Random(seed)
    rolled = "flat" if dice.random() < 0.44 else dice.choice(STYLES[1:])
    relation = dice.choices(("alone", "many", *RELATIONS), (46, 11, 5, 5, 4, 4, 6, 6, 5, 3, 6))[0]
    kinds = _kinds(relation, dice)
    backdrop = _backdrop(kinds, relation, dice)
    style = style or rolled
    taken = _lost_colours(backdrop, style)
    things = []
    for kind in kinds:
        free = [c for c in COLOURS if c not in taken]
        colour = dice.choice(free)
        taken |= {colour} | _near(colour)
        shape = _shape(kind, relation, backdrop, dice)
        look = dice.choice(LOOKS) if dice.random() < 0.24 else ""
        things.append(Thing(kind, shape, colour, look, "", ()))
    where = relation
    count, size, side = 1, "", 0.0
    if relation == "many":
        count, where = dice.choice((2, 2, 3)), ""
    elif relation == "alone":
        size = dice.choices(list(SIZES), (0.2, 0.6, 0.2))[0]
        side = dice.uniform(*SIZES[size])
        where = _where(size, backdrop, dice)
    placed = _placed([replace(t, size=size) for t in things], count, side, where, backdrop, dice)
    return Scene(placed, backdrop, style, where, seed)


def again(scene: Scene, seed: int) -> Scene:
    """Another scene of the same words: all that a caption leaves open is rolled anew."""
    dice = random.Random(seed)
    backdrop = scene.backdrop
    if isinstance(backdrop, Land):
        backdrop = _land(backdrop.place, backdrop.time, backdrop.weather, dice)
    things = [replace(t, shape=_shape(t.kind, scene.relation, backdrop, dice)) for t in scene.things]
    count = len(scene.things[0].spots)
    side = dice.uniform(*SIZES[things[0].size])
    placed = _placed(things, count, side, scene.relation, backdrop, dice)
    return replace(scene, things=placed, backdrop=backdrop, seed=seed)


def _placed(things: list[Thing], count: int, side: float, where: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Thing, ...]:
    """The things with their spots: a pair, a row of `count`, or one of `side`."""
    if len(things) == 2:
        return _pair(things[0], things[1], where, backdrop, dice)
    if count > 1:
        return (replace(things[0], spots=_row(things[0], count, backdrop, dice)),)
    return (replace(things[0], spots=(_single(things[0], side, where, backdrop, dice),)),)


def _where(size: str, backdrop: Plain | Land, dice: random.Random) -> str:
    where = dice.choices(("", "middle", "left", "right", "top", "bottom"), (0.66, 0.06, 0.1, 0.1, 0.04, 0.04))[0]
    sideways = where in ("left", "right") and size == "big"
    upright = where in ("top", "bottom") and (size == "big" or isinstance(backdrop, Land))
    return "" if sideways or upright else where


def _kinds(relation: str, dice: random.Random) -> list[str]:
    every = list(KINDS)
    if relation in ("alone", "many"):
        return [dice.choice(every)]
    if relation == "holding":
        first = dice.choice([k for k in every if KINDS[k].hand])
        return [first, dice.choice([k for k in every if KINDS[k].grip])]
    if relation == "on":
        second = dice.choice([k for k in every if KINDS[k].top is not None])
        return [dice.choice([k for k in every if not KINDS[k].floats and k != second and k != "whale"]), second]
    if relation in ("above", "below") and dice.random() < 0.6:
        flying, other = dice.choice([k for k in every if KINDS[k].air]), dice.choice(every)
        if flying != other:
            return [flying, other] if relation == "above" else [other, flying]
    return dice.sample(every, 2)


def _backdrop(kinds: list[str], relation: str, dice: random.Random) -> Plain | Land:
    upper = {"above": 0, "below": 1}.get(relation)
    grounded = upper is not None and not KINDS[kinds[upper]].air
    if grounded or dice.random() < 0.24:
        return Plain(dice.choice(list(COLOURS)))
    homes = [home for kind in kinds for home in HOMES.get(kind, ())]
    place = dice.choice(homes) if homes and dice.random() < 0.42 else dice.choice(PLACES)
    if place == "sea" and not all(KINDS[k].wet or KINDS[k].air for k in kinds):
        place = "beach"
    time = "" if place in TIMELESS else dice.choices(TIMES, (0.48, 0.24, 0.28))[0]
    weather = "" if not time or dice.random() < 0.66 else dice.choice(WEATHERS[1:])
    if weather == "rainbow" and (time != "day" or place == "room"):
        weather = "rain"
    if weather == "fog" and place == "room":
        weather = ""
    return _land(place, time or "day", weather, dice)


def _land(place: str, time: str, weather: str, dice: random.Random) -> Land:
    low, high = {"room": (0.6, 0.72), "hill": (0.46, 0.6), "beach": (0.42, 0.54)}.get(place, (0.48, 0.64))
    sun = (dice.uniform(0.1, 0.9), dice.uniform(0.1, 0.28))
    horizon = dice.uniform(low, high)
    if time == "sunset":
        sun = (sun[0], horizon - dice.uniform(0.0, 0.12))
    return Land(place, time, weather, horizon, dice.uniform(0.25, 0.75), sun)


def _near(colour: str) -> set[str]:
    return {other for pair in CLOSE if colour in pair for other in pair}


def _lost_colours(backdrop: Plain | Land, style: str) -> set[str]:
    """Colours that nobody would see there."""
    lost: set[str] = set()
    if style == "neon":
        lost |= {"black", "brown", "grey", "navy"}
    if isinstance(backdrop, Plain):
        return lost | {backdrop.colour} | _near(backdrop.colour)
    if backdrop.time == "night" and backdrop.place != "room":
        lost |= {"black", "navy"}
    if backdrop.weather in ("fog", "snowfall"):
        lost |= {"white", "grey"}
    lost |= {
        "snow": {"white"}, "space": {"black", "navy"}, "underwater": {"blue", "turquoise", "navy"},
        "sea": {"blue"}, "beach": {"beige"}, "desert": {"beige", "orange"}, "forest": {"green"},
        "meadow": {"lime"}, "hill": {"lime"}, "city": {"grey"}, "room": {"beige"},
    }.get(backdrop.place, set())  # fmt: skip
    return lost


def _shape(kind: str, relation: str, backdrop: Plain | Land, dice: random.Random) -> int:
    shapes = range(len(KINDS[kind].shapes))
    if relation == "on":
        ground = [s for s in shapes if s not in KINDS[kind].air]
        return dice.choice(ground or list(shapes))
    if relation == "holding" and kind == "balloon":
        return dice.choice((0, 1))
    return dice.choice(shapes)


def _spot(thing: Thing, x: float, side: float, backdrop: Plain | Land, dice: random.Random) -> Spot:
    """A thing at x: on the ground if it stands, in the air if it flies, in the water if it
    swims.
    """
    flies = thing.shape in KINDS[thing.kind].air
    flip, stretch = dice.random() < 0.5, dice.uniform(0.9, 1.1)
    if thing.kind in ("circle", "square", "clock", "star"):
        stretch = 1.0
    tilt = dice.uniform(-11, 11) if flies and thing.kind != "balloon" else 0.0
    low, high = side / 2 + 0.03, 0.97 - side / 2
    if isinstance(backdrop, Plain):
        return Spot(x, dice.uniform(low, max(low, high)), side, flip, tilt, stretch)
    swims = backdrop.place in ("underwater", "space") and (flies or (KINDS[thing.kind].wet and thing.kind != "boat"))
    if swims:
        return Spot(x, dice.uniform(low, max(low, high - 0.1)), side, flip, tilt, stretch)
    if flies:
        return Spot(x, dice.uniform(low, max(low, backdrop.horizon + 0.1 - side / 2)), side, flip, tilt, stretch)
    reach = {"room": 0.1, "beach": 0.27, "space": 0.26, "underwater": 0.27, "hill": 0.02, "sea": 0.1}
    top = max(backdrop.ground(x) + reach.get(backdrop.place, 0.12), side + 0.03)
    foot = dice.uniform(min(top, 0.96), min(0.97, max(top, 0.9)))
    if backdrop.place == "hill":
        foot = min(0.97, top + dice.uniform(0.0, 0.12))
    return Spot(x, foot - side / 2, side, flip, tilt, stretch)


def _row(thing: Thing, count: int, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, ...]:
    """Two or three of a kind, side by side."""
    side = dice.uniform(0.27, 0.36) if count == 2 else dice.uniform(0.22, 0.29)
    spots = []
    for k in range(count):
        x = (k + 0.5) / count + dice.uniform(-0.04, 0.04)
        spot = _spot(thing, x, side * dice.uniform(0.92, 1.08), backdrop, dice)
        if isinstance(backdrop, Plain):
            spot = replace(spot, y=0.5 + 0.5 * (spot.y - 0.5))
        spots.append(spot)
    return tuple(spots)


def _single(thing: Thing, side: float, where: str, backdrop: Plain | Land, dice: random.Random) -> Spot:
    x = {
        "left": dice.uniform(0.18, 0.3), "right": dice.uniform(0.7, 0.82), "middle": dice.uniform(0.46, 0.54),
    }.get(where, dice.uniform(side / 2 + 0.02, 0.98 - side / 2))  # fmt: skip
    if where in ("left", "right", "top", "bottom"):
        side = min(side, 0.42)
    spot = _spot(thing, x, side, backdrop, dice)
    if isinstance(backdrop, Plain) and where:
        y = {"top": dice.uniform(0.2, 0.3), "bottom": dice.uniform(0.7, 0.8)}.get(where, 0.5 + dice.uniform(-0.06, 0.06))
        spot = replace(spot, y=y)
    return spot


def _pair(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Thing, Thing]:
    """Two things, each in its place."""
    place = _PAIRS[relation] if relation in _PAIRS else _beside
    first, second = place(a, b, relation, backdrop, dice)
    return replace(a, spots=(first,)), replace(b, spots=(second,))


def _beside(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, Spot]:
    near, far = dice.uniform(0.2, 0.31), dice.uniform(0.69, 0.8)
    left = relation == "left" or (relation == "beside" and dice.random() < 0.5)
    xs = (near, far) if left else (far, near)
    spots = [_spot(t, x, dice.uniform(0.29, 0.42), backdrop, dice) for t, x in zip((a, b), xs, strict=True)]
    if isinstance(backdrop, Plain):
        spots = [replace(s, y=0.5 + 0.35 * (s.y - 0.5)) for s in spots]
    return spots[0], spots[1]


def _above(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, Spot]:
    x = dice.uniform(0.3, 0.7)
    upper, lower = (a, b) if relation == "above" else (b, a)
    side = dice.uniform(0.26, 0.36)
    low = _spot(lower, x + dice.uniform(-0.08, 0.08), dice.uniform(0.28, 0.38), backdrop, dice)
    low = replace(low, y=max(low.y, dice.uniform(0.68, 0.76)))
    high = _spot(upper, x + dice.uniform(-0.08, 0.08), side, backdrop, dice)
    high = replace(high, y=dice.uniform(side / 2 + 0.02, max(side / 2 + 0.03, low.y - low.side / 2 - side / 2 - 0.03)))
    return (high, low) if relation == "above" else (low, high)


def _on(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, Spot]:
    side, over = dice.uniform(0.36, 0.46), dice.uniform(0.27, 0.36)
    low = replace(_spot(b, dice.uniform(0.3, 0.7), side, backdrop, dice), tilt=0.0, stretch=1.06)
    low = replace(low, y=max(low.y, 0.72 if isinstance(backdrop, Plain) else 0.66))
    top = low.y - side / 2 + (KINDS[b.kind].top or 0) * side + 0.02
    x = low.x + dice.uniform(-0.05, 0.05)
    return Spot(x, top - over / 2, over, dice.random() < 0.5), low


def _front(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, Spot]:
    side, small = dice.uniform(0.5, 0.62), dice.uniform(0.25, 0.33)
    x = dice.uniform(0.34, 0.66)
    large = _spot(b if relation == "front" else a, x, side, backdrop, dice)
    large = replace(large, y=min(large.y, 0.9 - side / 2))
    shift = dice.choice((-1, 1)) * dice.uniform(0.12, 0.22)
    foot = min(0.98, large.y + side / 2 + dice.uniform(0.03, 0.08))
    near = Spot(min(0.84, max(0.16, x + shift)), foot - small / 2, small, dice.random() < 0.5)
    return (near, large) if relation == "front" else (large, near)


def _holding(a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, Spot]:
    side, small = dice.uniform(0.48, 0.6), dice.uniform(0.25, 0.32)
    flip = dice.random() < 0.5
    x = dice.uniform(0.5, 0.64) if flip else dice.uniform(0.36, 0.5)
    holder = replace(_spot(a, x, side, backdrop, dice), flip=flip, tilt=0.0, stretch=1.0)
    holder = replace(holder, y=max(holder.y, 0.66))
    hand, grip = KINDS[a.kind].hand, KINDS[b.kind].grip
    assert hand and grip
    at = x + side * (0.5 - hand[0] if flip else hand[0] - 0.5), holder.y + side * (hand[1] - 0.5)
    held = Spot(at[0] - small * (0.5 - grip[0] if flip else grip[0] - 0.5), at[1] - small * (grip[1] - 0.5), small, flip)
    return holder, held


_PAIRS = {"above": _above, "below": _above, "on": _on, "front": _front, "behind": _front, "holding": _holding}


# --- painting


def draw(scene: Scene, size: int = 192) -> Image.Image:
    """The picture of a scene, `size` pixels square."""
    return painted(scene, size)[0]


def painted(scene: Scene, size: int) -> tuple[Image.Image, Image.Image]:
    """The picture, and a map four times as large of whose it is: 1 and 2 for the first and second
    thing, 17 and 18 where it shows its own colour, 0 for the backdrop.
    """
    dice = random.Random(scene.seed ^ 0x5EED)
    paper = scene.style == "paper cut"
    stage = Stage(4 * size, paper=paper)
    whose = Image.new("L", stage.picture.size, 0)
    land = scene.backdrop if isinstance(scene.backdrop, Land) else None
    if land is None:
        assert isinstance(scene.backdrop, Plain)
        paint_plain(stage, COLOURS[scene.backdrop.colour], dice)
    else:
        paint_place(stage, land, dice)
        if land.weather == "fog":
            paint_weather(stage, land, dice)
    for k, thing in _order(scene):
        for spot in sorted(thing.spots, key=lambda s: s.y + s.side / 2):
            _paint_thing(stage, whose, scene, k, spot)
    if scene.relation == "holding":
        _paint_hand(stage, scene)
    if land and land.weather in ("rain", "snowfall"):
        paint_weather(stage, land, dice)
    outline = whose.point([0] + [255] * 255)
    return in_style(stage.picture, size, scene.style, outline, dice), whose


def _order(scene: Scene) -> list[tuple[int, Thing]]:
    """From back to front."""
    things = list(enumerate(scene.things))
    return things[::-1] if scene.relation in ("front", "on") else things


def _paint_thing(stage: Stage, whose: Image.Image, scene: Scene, k: int, spot: Spot) -> None:
    thing, land, size = scene.things[k], scene.backdrop, stage.size
    night = isinstance(land, Land) and land.time == "night"
    brush = Brush(spot.side * size, COLOURS[thing.colour], flip=spot.flip, tilt=spot.tilt,
                  stretch=spot.stretch, night=night)  # fmt: skip
    KINDS[thing.kind].shapes[thing.shape](brush)
    left_lit = land.sun[0] < spot.x if isinstance(land, Land) else scene.seed % 2 == 0
    sprite, body = brush.picture(thing.look, left_lit, shaded=not stage.paper)
    corner = (round((spot.x - spot.side * (0.5 + MARGIN)) * size), round((spot.y - spot.side * (0.5 + MARGIN)) * size))
    alpha = sprite.getchannel("A")
    if stage.paper:
        whole = Image.new("L", stage.picture.size, 0)
        whole.paste(alpha, corner)
        stage.shadow([], 1.3, whole)
    elif isinstance(land, Land) and thing.shape not in KINDS[thing.kind].air and land.place not in ("sea", "underwater"):
        _paint_shadow(stage, spot, left_lit)
    solid = alpha.point([0] * 60 + [255] * 196)
    whose.paste(k + 1, corner, solid)
    whose.paste(k + 17, corner, ImageChops.multiply(body, solid))
    stage.picture.paste(sprite.convert("RGB"), corner, alpha)


def _paint_shadow(stage: Stage, spot: Spot, left_lit: bool) -> None:
    wide, high = round(spot.side * 0.92 * stage.size), round(spot.side * 0.13 * stage.size)
    shade = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(shade).ellipse((0, 0, wide - 1, high - 1), fill=64)
    shift = spot.side * (0.06 if left_lit else -0.06)
    x, y = (spot.x + shift) * stage.size - wide / 2, (spot.y + spot.side / 2) * stage.size - high * 0.62
    stage.picture.paste((8, 8, 30), (round(x), round(y)), shade)


def _paint_hand(stage: Stage, scene: Scene) -> None:
    holder, held = scene.things[0], scene.things[1].spots[0]
    grip = KINDS[scene.things[1].kind].grip
    assert grip
    x = held.x + held.side * (0.5 - grip[0] if held.flip else grip[0] - 0.5)
    y = held.y + held.side * (grip[1] - 0.5)
    r = holder.spots[0].side * 0.05
    own = COLOURS[holder.colour]
    tone = SKIN if holder.kind in ("girl", "boy", "wizard", "gnome") else (122, 80, 50) if holder.kind == "snowman" else mix(own, (20, 16, 40), 0.3)
    s = stage.size
    stage.pen.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), fill=tone)


def sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Pictures side by side, with a little air between."""
    side, gap = pictures[0].width, 2
    rows = -(-len(pictures) // columns)
    canvas = Image.new("RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), (255, 255, 255))
    for k, picture in enumerate(pictures):
        canvas.paste(picture, ((k % columns) * (side + gap), (k // columns) * (side + gap)))
    return canvas


def whose_map(whose: Image.Image, cells: int) -> np.ndarray:
    """The map of `painted`, one number a cell."""
    return np.asarray(whose.resize((cells, cells), Image.Resampling.NEAREST))
