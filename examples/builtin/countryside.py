"""Meadow, hill, forest, snow, desert and mountains."""

from __future__ import annotations

import math
import random

from brush import RGB, mix
from stage import WHITE, Land, Stage, lit, ridge


def _tufts(stage: Stage, land: Land, dice: random.Random, tone: RGB, bloom: bool) -> None:
    for _ in range(dice.randint(2, 5)):
        x, y = dice.random(), dice.uniform(land.horizon + 0.12, 0.98)
        if y < land.ground(x) + 0.08:
            continue
        if bloom and dice.random() < 0.5:
            paint = lit(dice.choice(((252, 250, 240), (250, 214, 90), (240, 130, 160))), land)
            stage.disc(x, y, 0.022, paint)
            stage.disc(x, y, 0.009, lit((214, 150, 60), land))
        else:
            for dx in (-0.03, 0, 0.03):
                stage.pen.polygon(
                    stage.at([(x - 0.014, y), (x + dx, y - 0.07), (x + 0.014, y)]), fill=tone
                )


def meadow(stage: Stage, land: Land, dice: random.Random) -> None:
    """Rolling grass, sometimes with a path."""
    green = dice.choice(((112, 182, 84), (136, 190, 84), (92, 168, 92)))
    far = ridge(dice, land.horizon - 0.07, 0.03)
    if dice.random() < 0.7:
        stage.wave(far, lit(mix(green, (80, 140, 120), 0.4), land, 0.3))
    stage.wave(
        ridge(dice, land.horizon, 0.016),
        lit(green, land, 0.12),
        lit(mix(green, (40, 100, 60), 0.25), land),
    )
    if dice.random() < 0.3:
        x = dice.uniform(0.2, 0.8)
        stage.layer(
            [
                (x - 0.02, land.horizon + 0.02),
                (x + 0.02, land.horizon + 0.02),
                (x + 0.22, 1.0),
                (x - 0.22, 1.0),
            ],
            lit((226, 200, 150), land),
            None,
        )
    _tufts(stage, land, dice, lit(mix(green, (30, 90, 50), 0.4), land), bloom=True)


def hill(stage: Stage, land: Land, dice: random.Random) -> None:
    """One green hill."""
    green = dice.choice(((112, 182, 84), (150, 190, 84), (96, 168, 104)))
    stage.wave(ridge(dice, 0.8, 0.05), lit(mix(green, (90, 140, 150), 0.4), land, 0.3))
    points = [(-0.1 + 0.06 * k, land.ground(-0.1 + 0.06 * k)) for k in range(21)]
    stage.layer(
        [*points, (1.1, 1.1), (-0.1, 1.1)],
        lit(green, land),
        lit(mix(green, (40, 100, 60), 0.35), land),
    )
    _tufts(stage, land, dice, lit(mix(green, (30, 90, 50), 0.4), land), bloom=True)


def forest(stage: Stage, land: Land, dice: random.Random) -> None:
    """Two rows of pines or of leafy trees."""
    green = dice.choice(((58, 124, 78), (74, 132, 66), (48, 110, 90)))
    pines = dice.random() < 0.5
    for depth, base, n in ((0.4, -0.05, 6), (0.08, 0.05, 4)):
        tone = lit(mix(green, (20, 60, 40), 0.3 * (0.45 - depth)), land, depth)
        stage.layer(
            [(0, land.horizon + base), (1, land.horizon + base), (1, 1), (0, 1)],
            mix(tone, (20, 40, 30), 0.15),
        )
        for k in range(n):
            x = (k + dice.uniform(0.2, 0.8)) / n
            tall, foot = dice.uniform(0.36, 0.5) * (1.25 - depth), land.horizon + base + 0.02
            if pines:
                for j in range(3):
                    top, half = foot - tall * (0.5 + 0.25 * j), tall * (0.24 - 0.05 * j)
                    stage.pen.polygon(
                        stage.at(
                            [
                                (x, top - tall * 0.14),
                                (x + half, top + tall * 0.3),
                                (x - half, top + tall * 0.3),
                            ]
                        ),
                        fill=mix(tone, WHITE, 0.04 * j),
                    )
            else:
                stage.pen.rectangle(
                    tuple(v * stage.size for v in (x - 0.02, foot - tall * 0.5, x + 0.02, foot)),
                    fill=lit((92, 70, 56), land, depth),
                )
                for dx, dy, r in ((-0.05, 0.62, 0.085), (0.05, 0.62, 0.085), (0, 0.82, 0.095)):
                    stage.disc(x + dx * 1.1, foot - tall * dy, r, tone)
    floor = mix(green, (120, 130, 60), 0.3)
    stage.wave(
        ridge(dice, land.horizon + 0.06, 0.014),
        lit(floor, land, 0.05),
        lit(mix(floor, (40, 60, 30), 0.3), land),
    )
    _tufts(stage, land, dice, lit(mix(green, (20, 60, 30), 0.4), land), bloom=False)


def snow(stage: Stage, land: Land, dice: random.Random) -> None:
    """White hills with small firs."""
    far = (206, 220, 238)
    stage.wave(ridge(dice, land.horizon - 0.05, 0.04), lit(far, land, 0.2))
    for _ in range(dice.randint(1, 4)):
        x, tall, foot = (
            dice.random(),
            dice.uniform(0.16, 0.26),
            land.horizon + dice.uniform(0.0, 0.04),
        )
        for j in range(3):
            top, half = foot - tall * (0.4 + 0.26 * j), tall * (0.32 - 0.07 * j)
            stage.pen.polygon(
                stage.at(
                    [
                        (x, top - tall * 0.1),
                        (x + half, top + tall * 0.32),
                        (x - half, top + tall * 0.32),
                    ]
                ),
                fill=lit((70, 120, 112), land, 0.12),
            )
            stage.pen.polygon(
                stage.at(
                    [
                        (x, top - tall * 0.1),
                        (x + half * 0.5, top + tall * 0.12),
                        (x, top + tall * 0.08),
                        (x - half * 0.5, top + tall * 0.12),
                    ]
                ),
                fill=lit((248, 251, 255), land),
            )
    stage.wave(
        ridge(dice, land.horizon + 0.02, 0.02),
        lit((246, 249, 254), land),
        lit((212, 226, 244), land),
    )
    for _ in range(dice.randint(1, 3)):
        x, y = dice.random(), dice.uniform(land.horizon + 0.14, 0.96)
        stage.disc(x, y, dice.uniform(0.06, 0.12), lit((224, 234, 248), land), 0.024)


def desert(stage: Stage, land: Land, dice: random.Random) -> None:
    """Dunes, and mesas far away."""
    sand = dice.choice(((232, 186, 116), (240, 204, 140), (222, 164, 104)))
    if dice.random() < 0.6:
        for _ in range(dice.randint(1, 3)):
            x, tall, half = dice.random(), dice.uniform(0.1, 0.2), dice.uniform(0.06, 0.14)
            y = land.horizon
            stage.layer(
                [
                    (x - half * 1.25, y + 0.05),
                    (x - half, y - tall),
                    (x + half * 0.9, y - tall),
                    (x + half * 1.3, y + 0.05),
                ],
                lit((190, 104, 78), land, 0.3),
            )
    stage.wave(
        ridge(dice, land.horizon - 0.01, 0.035), lit(mix(sand, (180, 110, 70), 0.25), land, 0.2)
    )
    stage.wave(
        ridge(dice, land.horizon + 0.05, 0.03),
        lit(sand, land, 0.06),
        lit(mix(sand, (170, 100, 60), 0.3), land),
    )
    for _ in range(dice.randint(1, 3)):
        y, x = dice.uniform(land.horizon + 0.2, 0.95), dice.uniform(0, 0.6)
        curve = [(x + 0.12 * k, y + 0.012 * math.sin(2 * k)) for k in range(5)]
        stage.pen.line(
            stage.at(list(curve)),
            fill=lit(mix(sand, (150, 90, 50), 0.35), land),
            width=max(1, stage.size // 64),
            joint="curve",
        )


def mountains(stage: Stage, land: Land, dice: random.Random) -> None:
    """Two to four snowy peaks."""
    rock = dice.choice(((112, 122, 158), (132, 118, 140), (104, 130, 146)))
    peaks = sorted((dice.uniform(0, 1), dice.uniform(0.16, 0.3)) for _ in range(dice.randint(2, 4)))
    for k, (x, top) in enumerate(peaks):
        half, low = dice.uniform(0.28, 0.4), land.horizon + 0.06
        tone, cap = lit(rock, land, 0.24 - 0.05 * k), dice.uniform(0.24, 0.36)
        stage.layer([(x - half, low), (x, top), (x + half, low)], tone)
        if not stage.paper:
            stage.pen.polygon(
                stage.at([(x, top), (x + half, low), (x + half * 0.25, low)]),
                fill=mix(tone, (30, 30, 60), 0.16),
            )
        y = top + (low - top) * cap
        stage.pen.polygon(
            stage.at(
                [
                    (x, top),
                    (x + half * cap, y),
                    (x + half * cap * 0.4, y - 0.035),
                    (x, y + 0.02),
                    (x - half * cap * 0.45, y - 0.03),
                    (x - half * cap, y),
                ]
            ),
            fill=lit((246, 248, 253), land, 0.05),
        )
    green = dice.choice(((112, 172, 96), (136, 170, 96), (100, 150, 110)))
    stage.wave(
        ridge(dice, land.horizon, 0.02),
        lit(green, land, 0.12),
        lit(mix(green, (40, 90, 60), 0.3), land),
    )
    _tufts(stage, land, dice, lit(mix(green, (30, 80, 50), 0.4), land), bloom=True)
