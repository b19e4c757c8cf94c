"""The world the model knows: captioned storybook scenes, drawn by code from a seed.

A `Scene` is what a picture shows, in words a judge can check. `imagine` rolls one, `draw` paints
it four times too large and in its style, `captions.describe` says it in one of many wordings.
Whatever a caption leaves open is rolled: where a thing is and how large, which of its shapes, the
light, the clouds, the ground.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from backdrops import paint_place, paint_plain
from brush import MARGIN, SKIN, Brush, mix
from materials import MATERIALS
from PIL import Image, ImageChops, ImageDraw
from placing import placed
from sky import paint_weather
from stage import PLACES, TIMELESS, TIMES, WEATHERS, Land, Plain, Stage
from styles import STYLES, in_style
from things import KINDS
from world import CLOSE, COLOURS, HOMES, LOOKS, RELATIONS, SIZES, Scene, Spot, Thing


def imagine(seed: int, *, style: str | None = None) -> Scene:
    """The scene of a seed. Equal seeds, equal scenes."""
    dice = random.Random(seed)
    rolled = "flat" if dice.random() < 0.5 else dice.choice(STYLES[1:])
    relation = dice.choices(("alone", "many", *RELATIONS), (50, 9, 5, 5, 4, 4, 6, 5, 4, 3, 5))[0]
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
        look = dice.choice(LOOKS) if dice.random() < 0.16 else ""
        things.append(Thing(kind, shape, colour, look, "", ()))
    where = relation
    count, size, side = 1, "", 0.0
    if relation == "many":
        count, where = dice.choice((2, 2, 3)), ""
    elif relation == "alone":
        size = dice.choices(list(SIZES), (0.2, 0.6, 0.2))[0]
        side = dice.uniform(*SIZES[size])
        where = _where(size, backdrop, dice)
    found = placed([replace(t, size=size) for t in things], count, side, where, backdrop, dice)
    return Scene(found, backdrop, style, where, seed)


def again(scene: Scene, seed: int) -> Scene:
    """Another scene of the same words: all that a caption leaves open is rolled anew."""
    dice = random.Random(seed)
    backdrop = scene.backdrop
    if isinstance(backdrop, Land):
        backdrop = _land(backdrop.place, backdrop.time, backdrop.weather, dice)
    things = [
        replace(t, shape=_shape(t.kind, scene.relation, backdrop, dice)) for t in scene.things
    ]
    count = len(scene.things[0].spots)
    side = dice.uniform(*SIZES[things[0].size])
    found = placed(things, count, side, scene.relation, backdrop, dice)
    return replace(scene, things=found, backdrop=backdrop, seed=seed)


def _where(size: str, backdrop: Plain | Land, dice: random.Random) -> str:
    where = dice.choices(
        ("", "middle", "left", "right", "top", "bottom"), (0.66, 0.06, 0.1, 0.1, 0.04, 0.04)
    )[0]
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
        return [
            dice.choice([k for k in every if not KINDS[k].floats and k != second and k != "whale"]),
            second,
        ]
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
    weather = "" if not time or dice.random() < 0.76 else dice.choice(WEATHERS[1:])
    if weather == "rainbow" and (time != "day" or place == "room"):
        weather = "rain"
    if weather == "fog" and place == "room":
        weather = ""
    return _land(place, time or "day", weather, dice)


def _land(place: str, time: str, weather: str, dice: random.Random) -> Land:
    low, high = {"room": (0.6, 0.72), "hill": (0.46, 0.6), "beach": (0.42, 0.54)}.get(
        place, (0.48, 0.64)
    )
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
    sprite, body = brush.picture(MATERIALS.get(thing.look), left_lit, shaded=not stage.paper)
    corner = (
        round((spot.x - spot.side * (0.5 + MARGIN)) * size),
        round((spot.y - spot.side * (0.5 + MARGIN)) * size),
    )
    alpha = sprite.getchannel("A")
    if stage.paper:
        whole = Image.new("L", stage.picture.size, 0)
        whole.paste(alpha, corner)
        stage.shadow([], 1.3, whole)
    elif (
        isinstance(land, Land)
        and thing.shape not in KINDS[thing.kind].air
        and land.place not in ("sea", "underwater")
    ):
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
    x, y = (
        (spot.x + shift) * stage.size - wide / 2,
        (spot.y + spot.side / 2) * stage.size - high * 0.62,
    )
    stage.picture.paste((8, 8, 30), (round(x), round(y)), shade)


def _paint_hand(stage: Stage, scene: Scene) -> None:
    holder, held = scene.things[0], scene.things[1].spots[0]
    grip = KINDS[scene.things[1].kind].grip
    assert grip
    x = held.x + held.side * (0.5 - grip[0] if held.flip else grip[0] - 0.5)
    y = held.y + held.side * (grip[1] - 0.5)
    r = holder.spots[0].side * 0.05
    own = COLOURS[holder.colour]
    tone = (
        SKIN
        if holder.kind in ("girl", "boy", "wizard")
        else (122, 80, 50)
        if holder.kind == "snowman"
        else mix(own, (20, 16, 40), 0.3)
    )
    s = stage.size
    stage.pen.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), fill=tone)


def sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Pictures side by side, with a little air between."""
    side, gap = pictures[0].width, 2
    rows = -(-len(pictures) // columns)
    canvas = Image.new(
        "RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), (255, 255, 255)
    )
    for k, picture in enumerate(pictures):
        canvas.paste(picture, ((k % columns) * (side + gap), (k // columns) * (side + gap)))
    return canvas


def whose_map(whose: Image.Image, cells: int) -> np.ndarray:
    """The map of `painted`, one number a cell."""
    return np.asarray(whose.resize((cells, cells), Image.Resampling.NEAREST))
