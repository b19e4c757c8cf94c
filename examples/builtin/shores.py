"""Sea, beach, and the bottom of the sea."""

from __future__ import annotations

import math
import random

from brush import mix
from PIL import Image, ImageDraw
from stage import WHITE, Land, Stage, lit, ridge


def _water(stage: Stage, land: Land, dice: random.Random, top: float, bottom: float) -> None:
    blue = dice.choice(((44, 128, 196), (56, 150, 200), (36, 108, 178)))
    stage.layer(
        [(0, top), (1, top), (1, 1), (0, 1)],
        lit(blue, land, 0.22),
        lit(mix(blue, (14, 50, 120), 0.4), land),
    )
    if land.weather in ("", "rainbow") and land.time != "day":
        x = land.sun[0]
        for k in range(4):
            y = top + 0.02 + (bottom - top) * k / 4.5
            wide = dice.uniform(0.04, 0.08)
            stage.disc(
                x + dice.uniform(-0.02, 0.02),
                y,
                wide,
                (255, 214, 150) if land.time == "sunset" else (196, 204, 232),
                0.012,
            )
    for _ in range(dice.randint(3, 6)):
        x, y, r = dice.random(), dice.uniform(top + 0.04, bottom), dice.uniform(0.05, 0.08)
        s = stage.size
        for side in (0, 1):
            box = ((x + (side - 1) * r) * s, (y - r / 3) * s, (x + side * r) * s, (y + r / 3) * s)
            stage.pen.arc(box, 20, 160, fill=lit((170, 214, 240), land, 0.1), width=max(2, s // 60))


def sea(stage: Stage, land: Land, dice: random.Random) -> None:
    """Water to the horizon, sometimes an island."""
    if dice.random() < 0.4:
        x = dice.random()
        stage.wave(
            [
                (x - 0.4, land.horizon + 0.01),
                (x - 0.12, land.horizon - 0.05),
                (x + 0.1, land.horizon - 0.03),
                (x + 0.4, land.horizon + 0.01),
            ],
            lit((96, 140, 130), land, 0.35),
        )
    _water(stage, land, dice, land.horizon, 1.0)


def beach(stage: Stage, land: Land, dice: random.Random) -> None:
    """Sand, and a strip of sea."""
    shore = land.horizon + 0.16
    _water(stage, land, dice, land.horizon, shore)
    sand = dice.choice(((238, 210, 150), (246, 224, 176), (228, 196, 138)))
    tilt = dice.uniform(-0.05, 0.05)
    line = [
        (k / 6, shore + tilt * (k / 3 - 1) + 0.014 * math.sin(2.1 * k + dice.random()))
        for k in range(7)
    ]
    stage.wave([(x, y - 0.018) for x, y in line], lit((244, 250, 252), land))
    stage.wave(line, lit(sand, land), lit(mix(sand, (150, 100, 60), 0.2), land))
    for _ in range(dice.randint(1, 3)):
        x, y = dice.random(), dice.uniform(shore + 0.08, 0.98)
        stage.disc(
            x,
            y,
            0.022,
            lit(dice.choice(((250, 236, 220), (216, 160, 130), (190, 150, 110))), land),
            0.016,
        )


def underwater(stage: Stage, land: Land, dice: random.Random) -> None:
    """The bottom of the sea: light from above, weeds and bubbles."""
    stops = dice.choice(
        (
            ((96, 200, 224), (40, 140, 196), (18, 82, 150)),
            ((110, 214, 206), (44, 156, 176), (20, 96, 132)),
        )
    )
    stage.sky(stops, 0.95)
    if not stage.paper:
        for _ in range(dice.randint(2, 4)):
            x, wide = dice.uniform(-0.1, 0.9), dice.uniform(0.05, 0.12)
            mask = Image.new("L", stage.picture.size, 0)
            ImageDraw.Draw(mask).polygon(
                stage.at([(x, 0), (x + wide, 0), (x + wide * 2.4 + 0.15, 0.85), (x + 0.15, 0.85)]),
                fill=34,
            )
            stage.picture.paste(WHITE, mask=mask)
    sand = dice.choice(((226, 206, 150), (206, 192, 158)))
    sand = mix(sand, stops[2], 0.22)
    stage.wave(ridge(dice, land.horizon + 0.14, 0.02), mix(sand, stops[1], 0.5))
    for _ in range(dice.randint(2, 4)):
        x, tall, bend = dice.random(), dice.uniform(0.14, 0.36), dice.uniform(-0.05, 0.05)
        tone = mix(
            dice.choice(((60, 150, 90), (90, 160, 70), (220, 110, 120), (170, 100, 170))),
            stops[1],
            0.25,
        )
        for dx in (-0.04, 0.03):
            line = [
                (
                    x + dx * (1 + j / 4) + bend * math.sin(j * 1.3),
                    land.horizon + 0.24 - tall * j / 5 * (1 - abs(dx) * 6),
                )
                for j in range(6)
            ]
            stage.pen.line(stage.at(line), fill=tone, width=max(2, stage.size // 38), joint="curve")
    stage.wave(ridge(dice, land.horizon + 0.2, 0.02), sand, mix(sand, stops[2], 0.3))
    for _ in range(dice.randint(2, 5)):
        x, y, r = dice.random(), dice.uniform(0.05, 0.75), dice.choice((0.02, 0.026, 0.032))
        s = stage.size
        stage.pen.ellipse(
            ((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s),
            outline=mix(stops[0], WHITE, 0.6),
            width=max(2, s // 80),
        )
