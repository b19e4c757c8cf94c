"""A city, a room, and space."""

from __future__ import annotations

import random

from brush import mix
from sky import paint_sky, paint_weather
from stage import WHITE, Land, Stage, lit


def city(stage: Stage, land: Land, dice: random.Random) -> None:
    """Two rows of houses along a street, with light in some of them."""
    tones = ((150, 158, 182), (190, 150, 140), (206, 182, 150), (130, 150, 168), (168, 140, 160))
    glow = (255, 220, 130)
    for depth, low, high in ((0.4, 0.28, 0.46), (0.08, 0.12, 0.34)):
        x = dice.uniform(-0.1, 0.0)
        while x < 1:
            wide, tall = dice.uniform(0.16, 0.26), dice.uniform(low, high)
            tone = lit(dice.choice(tones), land, depth)
            top = land.horizon + 0.02 - tall
            stage.layer(
                [
                    (x, top),
                    (x + wide, top),
                    (x + wide, land.horizon + 0.03),
                    (x, land.horizon + 0.03),
                ],
                tone,
                lift=0.7,
            )
            if dice.random() < 0.3:
                stage.layer(
                    [(x, top), (x + wide / 2, top - 0.05), (x + wide, top)],
                    mix(tone, (30, 26, 50), 0.3),
                )
            rows, columns = max(1, int(tall / 0.12)), max(2, int(wide / 0.08))
            paint = (
                glow
                if land.time != "day" and dice.random() < 0.7
                else mix(tone, (40, 60, 100) if land.time == "day" else (20, 22, 50), 0.35)
            )
            for row in range(rows):
                for column in range(columns):
                    left, y = x + wide * (column + 0.28) / columns, top + 0.035 + 0.12 * row
                    stage.pen.rectangle(
                        tuple(
                            v * stage.size
                            for v in (left, y, left + wide * 0.44 / columns, y + 0.06)
                        ),
                        fill=paint,
                    )
            x += wide + dice.choice((0.0, 0.01, 0.03))
    stage.layer(
        [(0, land.horizon + 0.02), (1, land.horizon + 0.02), (1, 1), (0, 1)],
        lit((188, 184, 182), land),
    )
    stage.layer(
        [(0, land.horizon + 0.1), (1, land.horizon + 0.1), (1, 1), (0, 1)],
        lit((118, 120, 130), land),
        lit((92, 94, 106), land),
    )
    shift = dice.uniform(0, 0.2)
    for k in range(6):
        stage.pen.rectangle(
            tuple(
                v * stage.size
                for v in (
                    0.2 * k - shift,
                    land.horizon + 0.21,
                    0.2 * k - shift + 0.1,
                    land.horizon + 0.245,
                )
            ),
            fill=lit((238, 232, 210), land),
        )


def room(stage: Stage, land: Land, dice: random.Random) -> None:
    """A wall with a window on the time and the weather, and a floor."""
    walls = (
        (238, 214, 188),
        (198, 218, 222),
        (226, 200, 206),
        (208, 220, 190),
        (232, 226, 206),
        (186, 190, 214),
    )
    wall = dice.choice(walls)
    dim = {"day": 0.0, "sunset": 0.1, "night": 0.32}[land.time]
    wall = mix(
        wall,
        {"day": wall, "sunset": (230, 150, 110), "night": (60, 58, 100)}[land.time],
        0.25 + dim,
    )
    s, floor_at = stage.size, land.horizon
    stage.sky((mix(wall, WHITE, 0.06), wall, mix(wall, (40, 30, 40), 0.08)), floor_at)
    if dice.random() < 0.4:
        tone = mix(wall, WHITE, 0.2)
        for k in range(6):
            stage.pen.rectangle((k * s / 5, 0, (k + 0.45) * s / 5, floor_at * s), fill=tone)
    x, y, w, h = (
        dice.uniform(0.06, 0.6),
        dice.uniform(0.06, 0.14),
        dice.uniform(0.26, 0.34),
        dice.uniform(0.26, 0.34),
    )
    view = Stage(round(h * s * 1.3))
    paint_sky(view, Land("room", land.time, land.weather, 1.0, 0.5, (0.6, 0.4)), dice)
    if land.weather in ("rain", "snowfall"):
        paint_weather(view, Land("meadow", land.time, land.weather, 1.0, 0.5, (0.5, 0.3)), dice)
    frame = dice.choice(((250, 248, 240), (150, 104, 68)))
    stage.layer(
        [
            (x - 0.03, y - 0.03),
            (x + w + 0.03, y - 0.03),
            (x + w + 0.03, y + h + 0.03),
            (x - 0.03, y + h + 0.03),
        ],
        mix(frame, (40, 40, 80), dim * 0.6),
    )
    stage.picture.paste(
        view.picture.resize((round(w * s), round(h * s))), (round(x * s), round(y * s))
    )
    bar = mix(frame, (40, 40, 80), dim * 0.6)
    stage.pen.rectangle(
        ((x + w / 2 - 0.014) * s, y * s, (x + w / 2 + 0.014) * s, (y + h) * s), fill=bar
    )
    stage.pen.rectangle(
        (x * s, (y + h / 2 - 0.014) * s, (x + w) * s, (y + h / 2 + 0.014) * s), fill=bar
    )
    px = x + w + 0.1 if x < 0.33 else x - 0.22
    if 0.02 < px < 0.86 and dice.random() < 0.7:
        tone = dice.choice(((120, 160, 170), (200, 140, 110), (150, 170, 120)))
        stage.layer(
            [(px, 0.14), (px + 0.13, 0.14), (px + 0.13, 0.3), (px, 0.3)],
            mix((120, 84, 56), (40, 40, 80), dim),
        )
        stage.pen.rectangle(
            ((px + 0.015) * s, 0.155 * s, (px + 0.115) * s, 0.285 * s),
            fill=mix(tone, (40, 40, 80), dim),
        )
    floor = mix(dice.choice(((196, 148, 100), (168, 122, 84), (214, 176, 128))), (40, 36, 70), dim)
    stage.layer(
        [(0, floor_at), (1, floor_at), (1, 1), (0, 1)], floor, mix(floor, (60, 30, 20), 0.25)
    )
    stage.pen.rectangle(
        (0, (floor_at - 0.03) * s, s, (floor_at + 0.015) * s), fill=mix(wall, WHITE, 0.45 - dim)
    )
    if dice.random() < 0.6:
        rug = mix(
            dice.choice(((186, 70, 76), (72, 110, 160), (90, 140, 110), (214, 170, 90))),
            (30, 30, 60),
            dim,
        )
        cx = dice.uniform(0.35, 0.65)
        stage.disc(cx, floor_at + 0.24, 0.4, rug, 0.1)
        stage.disc(cx, floor_at + 0.24, 0.34, mix(rug, WHITE, 0.2), 0.075)


def space(stage: Stage, land: Land, dice: random.Random) -> None:
    """Stars, planets, and the ground of a moon."""
    base = dice.choice(
        (((16, 12, 44), (36, 22, 78), (70, 36, 104)), ((8, 14, 40), (16, 32, 74), (30, 64, 110)))
    )
    stage.sky(base, 1.0)
    for _ in range(2):
        stage.glow(
            dice.random(),
            dice.random(),
            dice.uniform(0.25, 0.45),
            dice.choice(((150, 70, 170), (60, 110, 190), (190, 80, 120))),
            90,
        )
    for _ in range(dice.randint(9, 16)):
        stage.disc(
            dice.random(),
            dice.random(),
            dice.choice((0.011, 0.014, 0.018)),
            dice.choice(((250, 248, 230), (200, 220, 255), (255, 230, 190))),
        )
    for _ in range(dice.randint(1, 2)):
        x, y, r = dice.uniform(0.1, 0.9), dice.uniform(0.08, 0.4), dice.uniform(0.05, 0.11)
        tone = dice.choice(((226, 142, 96), (120, 176, 200), (200, 120, 150), (222, 196, 130)))
        stage.disc(x, y, r, tone)
        stage.disc(x + 0.2 * r, y + 0.3 * r, 0.35 * r, mix(tone, (60, 30, 60), 0.2), 0.2 * r)
        if dice.random() < 0.5:
            s = stage.size
            stage.pen.arc(
                ((x - 1.7 * r) * s, (y - 0.4 * r) * s, (x + 1.7 * r) * s, (y + 0.4 * r) * s),
                -20,
                200,
                fill=mix(tone, WHITE, 0.5),
                width=max(2, round(0.2 * r * s)),
            )
    ground = dice.choice(((168, 166, 178), (180, 132, 110), (140, 150, 176)))
    arc = [(-0.1 + 0.1 * k, land.horizon + 0.12 + 0.12 * (0.1 * k - 0.6) ** 2) for k in range(13)]
    stage.layer([*arc, (1.1, 1.1), (-0.1, 1.1)], ground, mix(ground, (40, 30, 60), 0.35))
    for _ in range(dice.randint(2, 4)):
        x, y, r = dice.random(), dice.uniform(land.horizon + 0.2, 0.98), dice.uniform(0.04, 0.07)
        stage.pen.ellipse(
            tuple(v * stage.size for v in (x - r, y - r * 0.4, x + r, y + r * 0.4)),
            fill=mix(ground, (40, 30, 60), 0.35),
        )
        stage.pen.ellipse(
            tuple(v * stage.size for v in (x - r * 0.85, y - r * 0.2, x + r * 0.9, y + r * 0.4)),
            fill=mix(ground, WHITE, 0.1),
        )
