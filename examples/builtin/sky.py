"""Skies: sun, moon and stars, clouds, and what falls from them."""

from __future__ import annotations

import math
import random

from brush import RGB, mix, path
from PIL import Image
from stage import SKIES, TIMELESS, VEIL, WHITE, Land, Stage


def paint_sky(stage: Stage, land: Land, dice: random.Random) -> None:
    """Sky, sun or moon, stars, clouds, rainbow."""
    stops = dice.choice(SKIES[land.time])
    grey = {"fog": 0.85, "rain": 0.62, "snowfall": 0.45}.get(land.weather, 0.0)
    dull = mix(
        VEIL[land.time],
        (70, 78, 98),
        0.35 if land.weather == "rain" and land.time == "day" else 0.0,
    )
    stops = tuple(mix(stop, dull, grey) for stop in stops)
    stage.sky(stops, land.horizon + 0.08)
    if land.time == "night":
        _stars_and_moon(stage, land, stops, dice)
    elif land.weather in ("", "rainbow"):
        x, y = land.sun
        r = dice.uniform(0.06, 0.1) * (1.4 if land.time == "sunset" else 1.0)
        stage.glow(x, y, 3.2 * r, (255, 240, 190), 150)
        stage.disc(x, y, r, (255, 232, 140) if land.time == "day" else (255, 226, 138))
    if land.weather == "rainbow":
        _rainbow(stage, dice, land)
    if land.weather != "fog":
        _clouds(stage, land, stops[1], dice)


def _stars_and_moon(stage: Stage, land: Land, stops: tuple[RGB, ...], dice: random.Random) -> None:
    if land.weather in ("", "rainbow", "snowfall"):
        for _ in range(dice.randint(5, 11)):
            x, y = dice.random(), dice.uniform(0, land.horizon)
            stage.disc(x, y, dice.choice((0.011, 0.014, 0.018)), (240, 238, 222))
    if land.weather in ("", "rainbow"):
        _moon(stage, *land.sun, stops, dice)


def _clouds(stage: Stage, land: Land, sky: RGB, dice: random.Random) -> None:
    thick = land.weather in ("rain", "snowfall")
    many = dice.randint(3, 4) if thick else dice.choice((0, 1, 1, 2, 2, 3))
    tones = {"day": (250, 252, 255), "sunset": (255, 190, 160), "night": (66, 74, 122)}
    tone = tones[land.time]
    if land.weather == "rain" and land.time != "night":
        tone = mix(tone, (110, 116, 132), 0.62)
    for _ in range(many):
        x, y = dice.random(), dice.uniform(0.04, land.horizon * 0.62)
        _cloud(stage, x, y, dice.uniform(0.07, 0.13), tone, sky, dice)


def _moon(stage: Stage, x: float, y: float, stops: tuple[RGB, ...], dice: random.Random) -> None:
    r = dice.uniform(0.05, 0.1)
    stage.glow(x, y, 2.8 * r, (200, 206, 240), 90)
    stage.disc(x, y, r, (246, 240, 212))
    phase = dice.choice(("full", "crescent", "full", "half"))
    if phase == "full":
        for dx, dy, s in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.16), (0.3, -0.3, 0.12)):
            stage.pen.ellipse(
                tuple(
                    v * stage.size
                    for v in (
                        x + (dx - s) * r,
                        y + (dy - s) * r,
                        x + (dx + s) * r,
                        y + (dy + s) * r,
                    )
                ),
                fill=(226, 218, 190),
            )
    else:
        dx = 0.55 if phase == "crescent" else 0.95
        tone = mix(stops[0], stops[1], min(1.0, y / 0.35))
        stage.disc(x + dx * r * dice.choice((-1, 1)), y - 0.15 * r, r * 0.93, tone)


def _cloud(
    stage: Stage, x: float, y: float, r: float, tone: RGB, sky: RGB, dice: random.Random
) -> None:
    tone = mix(tone, sky, dice.uniform(0.0, 0.3))
    puffs = [
        (dx * r, dice.uniform(-0.25, 0.1) * r, dice.uniform(0.55, 1.0) * r)
        for dx in (-1.3, -0.6, 0.2, 0.9, 1.5)
    ]
    if stage.paper:
        shape = path("-200,40 -160,-10 -100,-20 -40,-80 60,-70 110,-10 190,0 210,40")
        stage.layer([(x + dx * r, y + dy * r) for dx, dy in shape], tone)
        return
    for dx, dy, s in puffs:
        stage.disc(x + dx, y + dy, s, tone, s * 0.72)
    stage.disc(x, y + 0.42 * r, 1.9 * r, tone, 0.34 * r)


def _rainbow(stage: Stage, dice: random.Random, land: Land) -> None:
    x, y, r = (
        dice.uniform(0.3, 0.7),
        land.horizon + dice.uniform(0.05, 0.15),
        dice.uniform(0.5, 0.62),
    )
    bands = (
        (232, 84, 80),
        (246, 156, 70),
        (250, 222, 96),
        (108, 194, 112),
        (86, 146, 232),
        (150, 104, 208),
    )
    for k, band in enumerate(bands):
        s, q = stage.size, r - 0.036 * k
        box = ((x - q) * s, (y - q) * s, (x + q) * s, (y + q) * s)
        stage.pen.arc(
            box, 180, 360, fill=mix(band, SKIES[land.time][0][1], 0.2), width=round(0.042 * s)
        )


def paint_weather(stage: Stage, land: Land, dice: random.Random) -> None:
    """What falls or hangs in front of everything."""
    if land.place in ("room", *TIMELESS):
        return
    s = stage.size
    if land.weather == "fog":
        veil = Image.new("L", (1, 64), 0)
        bands = [dice.uniform(0.15, 0.9) * land.horizon for _ in range(2)] + [land.horizon + 0.12]
        veil.putdata(
            [
                round(
                    min(
                        120,
                        sum(70 * math.exp(-(((y / 64 - band) / 0.07) ** 2)) for band in bands) + 24,
                    )
                )
                for y in range(64)
            ]
        )
        stage.picture.paste(VEIL[land.time], mask=veil.resize((s, s), Image.Resampling.BICUBIC))
    elif land.weather == "rain":
        slant = dice.uniform(0.1, 0.3)
        tone = mix(VEIL[land.time], WHITE, 0.4)
        for _ in range(dice.randint(16, 24)):
            x, y, long = dice.uniform(0, 1.2), dice.uniform(-0.05, 1), dice.uniform(0.08, 0.12)
            stage.pen.line(
                (x * s, y * s, (x - slant * long) * s, (y + long) * s),
                fill=tone,
                width=max(2, s // 64),
            )
    elif land.weather == "snowfall":
        for _ in range(dice.randint(14, 24)):
            stage.disc(
                dice.random(),
                dice.random(),
                dice.choice((0.018, 0.023, 0.028)),
                (250, 252, 255) if land.time != "night" else (222, 228, 244),
            )
