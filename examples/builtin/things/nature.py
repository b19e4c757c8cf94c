"""Plain shapes, and what grows."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

import math

from brush import CREAM, INK, LEAF, WOOD, Brush, Point, mix


def _rays(n: int, inner: float, turn: float = -90, outer: float = 0.5) -> list[Point]:
    angles = [math.radians(180 * k / n + turn) for k in range(2 * n)]
    radii = [outer if k % 2 == 0 else inner for k in range(2 * n)]
    return [
        (0.5 + r * math.cos(a), 0.5 + r * math.sin(a)) for a, r in zip(angles, radii, strict=True)
    ]


def circle(b: Brush) -> None:
    b.disc(0.5, 0.5, 0.48)


def circle_ring(b: Brush) -> None:
    b.disc(0.5, 0.5, 0.48, 0, b.dark)
    b.disc(0.5, 0.5, 0.41)


def square(b: Brush) -> None:
    b.block((0.06, 0.06, 0.94, 0.94))


def square_round(b: Brush) -> None:
    b.block((0.05, 0.05, 0.95, 0.95), None, 0.16)


def triangle(b: Brush) -> None:
    b.shape("50,6 100,94 0,94")


def triangle_round(b: Brush) -> None:
    for x, y in ((0.5, 0.18), (0.12, 0.84), (0.88, 0.84)):
        b.disc(x, y, 0.11)
    b.shape("40.5,12.5 59.5,12.5 97.5,78.5 88,95 12,95 2.5,78.5")


def star(b: Brush) -> None:
    b.shape([(x, y + 0.03) for x, y in _rays(5, 0.22, outer=0.52)])


def star_six(b: Brush) -> None:
    b.shape(_rays(6, 0.27))


def star_soft(b: Brush) -> None:
    b.blob([(x, y + 0.02) for x, y in _rays(5, 0.28)])


def heart(b: Brush) -> None:
    turns = [2 * math.pi * k / 60 for k in range(60)]
    xs = [16 * math.sin(t) ** 3 for t in turns]
    ys = [
        13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        for t in turns
    ]
    b.shape([(0.5 + x / 33.5, 0.46 - y / 33.5) for x, y in zip(xs, ys, strict=True)])


def heart_slim(b: Brush) -> None:
    b.blob("50,24 62,6 84,6 92,28 80,56 52,96 48,96 20,56 8,28 16,6 38,6")


def tree_round(b: Brush) -> None:
    b.shape("44,50 56,50 60,100 40,100", WOOD)
    b.stroke("50,72 66,56", 0.05, WOOD)
    for x, y, r in ((0.26, 0.44, 0.22), (0.74, 0.44, 0.22), (0.5, 0.24, 0.24), (0.5, 0.5, 0.2)):
        b.disc(x, y, r)
    for x, y in ((0.32, 0.3), (0.56, 0.18), (0.66, 0.42), (0.38, 0.5)):
        b.curve([(x - 0.07, y), (x, y + 0.045), (x + 0.07, y)], 0.024, b.dark)


def tree_pine(b: Brush) -> None:
    b.block((0.44, 0.8, 0.56, 1.0), WOOD)
    for top, low, half in ((0.42, 0.86, 0.42), (0.2, 0.62, 0.34), (0.0, 0.38, 0.25)):
        b.shape([(0.5, top), (0.5 + half, low), (0.5, low - 0.03), (0.5 - half, low)])
        b.shape([(0.5, top), (0.5 + half, low), (0.5 + half * 0.35, low - 0.02)], b.dark)


def tree_palm(b: Brush) -> None:
    b.curve("46,100 44,70 52,36", 0.075, WOOD)
    for tip, mid in (
        ((0.04, 0.42), (0.24, 0.2)),
        ((0.96, 0.44), (0.78, 0.2)),
        ((0.2, 0.08), (0.36, 0.14)),
        ((0.84, 0.06), (0.68, 0.13)),
        ((0.16, 0.62), (0.3, 0.4)),
        ((0.86, 0.62), (0.74, 0.4)),
    ):
        b.blob([(0.52, 0.33), (mid[0], mid[1] - 0.06), tip, (mid[0] + 0.01, mid[1] + 0.08)])
    for x in (0.47, 0.57):
        b.disc(x, 0.38, 0.045, 0, (150, 98, 58))


def tree_poplar(b: Brush) -> None:
    b.block((0.45, 0.76, 0.55, 1.0), WOOD)
    b.blob("50,0 66,24 72,56 62,84 38,84 28,56 34,24")
    for x, y in ((0.5, 0.22), (0.42, 0.42), (0.58, 0.5), (0.46, 0.66)):
        b.curve([(x - 0.06, y), (x, y + 0.04), (x + 0.06, y)], 0.022, b.dark)


def _stem(b: Brush) -> None:
    b.curve("50,40 52,70 50,100", 0.045, LEAF)
    b.blob("51,86 62,70 82,66 74,82", LEAF)
    b.blob("50,94 38,80 18,78 28,92", LEAF)


def flower_daisy(b: Brush) -> None:
    _stem(b)
    for k in range(8):
        a = math.radians(45 * k)
        b.disc(0.5 + 0.2 * math.cos(a), 0.32 + 0.2 * math.sin(a), 0.105)
    b.disc(0.5, 0.32, 0.12, 0, (250, 206, 70) if b.c[2] > 90 or b.c[1] < 150 else (140, 88, 42))


def flower_tulip(b: Brush) -> None:
    _stem(b)
    b.blob("50,4 64,22 60,50 40,50 36,22", b.dark)
    b.blob("24,6 44,22 50,54 34,50 22,30")
    b.blob("76,6 56,22 50,54 66,50 78,30")


def flower_five(b: Brush) -> None:
    _stem(b)
    for k in range(5):
        a = math.radians(72 * k - 90)
        b.disc(0.5 + 0.19 * math.cos(a), 0.33 + 0.19 * math.sin(a), 0.15)
    for k in range(5):
        a = math.radians(72 * k - 90)
        b.stroke([(0.5, 0.33), (0.5 + 0.2 * math.cos(a), 0.33 + 0.2 * math.sin(a))], 0.02, b.dark)
    b.disc(0.5, 0.33, 0.085, 0, (252, 226, 120) if b.c[2] > 90 or b.c[1] < 150 else (140, 88, 42))


def mushroom(b: Brush) -> None:
    b.blob("40,48 60,48 64,80 70,98 30,98 36,80", CREAM)
    b.blob("36,56 64,56 68,64 50,68 32,64", mix(CREAM, INK, 0.14))
    b.slice(0.5, 0.56, 0.49, 0.54, (180, 360))
    b.block((0.02, 0.54, 0.98, 0.6), b.dark, 0.03)
    for x, y, r in ((0.26, 0.4, 0.075), (0.5, 0.2, 0.085), (0.72, 0.38, 0.08), (0.5, 0.45, 0.05)):
        b.disc(x, y, r, r * 0.9, b.trim)


def mushroom_tall(b: Brush) -> None:
    b.curve("50,40 47,70 50,95", 0.16, CREAM)
    b.disc(0.5, 0.97, 0.16, 0.035, LEAF)
    b.blob("50,0 72,14 88,46 50,55 12,46 28,14")
    b.blob("12,46 50,47 88,46 50,57", b.deep)
    for x, y, r in ((0.38, 0.24, 0.06), (0.6, 0.17, 0.05), (0.62, 0.36, 0.065), (0.28, 0.39, 0.04)):
        b.disc(x, y, r, r, b.trim)


def cactus(b: Brush) -> None:
    b.curve("36,66 16,64 15,40", 0.13)
    b.curve("64,74 85,70 85,34", 0.13)
    b.block((0.35, 0.04, 0.65, 1.0), None, 0.15)
    for x in (0.43, 0.5, 0.57):
        b.stroke([(x, 0.14), (x, 0.96)], 0.014, b.dark)
    for x, y in ((0.5, 0.04), (0.85, 0.28)):
        b.disc(x, y, 0.06, 0.05, (244, 120, 160) if b.c[0] < 200 else (250, 214, 60))


def cactus_pot(b: Brush) -> None:
    b.disc(0.5, 0.4, 0.31, 0.34)
    for dx in (-0.17, 0, 0.17):
        b.curve(
            [(0.5 + dx * 0.5, 0.08), (0.5 + dx * 1.2, 0.4), (0.5 + dx * 0.7, 0.7)], 0.016, b.dark
        )
    b.disc(0.5, 0.06, 0.09, 0.06, (250, 214, 60) if b.c[2] > 80 else (244, 120, 160))
    b.shape("24,68 76,68 68,100 32,100", (198, 108, 72))
    b.block((0.2, 0.64, 0.8, 0.74), (178, 92, 60), 0.02)


def apple(b: Brush) -> None:
    b.curve("50,26 52,12 58,2", 0.045, WOOD)
    b.blob("56,16 66,4 86,4 76,18", LEAF)
    b.blob("50,26 70,18 92,32 94,60 76,94 56,95 44,95 24,94 6,60 8,32 30,18")
    b.blob("20,38 30,30 28,46 19,56", b.light)


def apple_bitten(b: Brush) -> None:
    b.curve("48,26 46,12 40,4", 0.045, WOOD)
    b.blob("46,28 68,20 86,30 76,42 74,56 88,68 74,94 54,94 42,95 22,93 5,60 8,34 28,20")
    b.blob("86,30 76,42 74,56 88,68 82,52", CREAM)
    b.blob("20,38 30,30 28,46 19,56", b.light)


def pumpkin(b: Brush) -> None:
    b.blob("44,24 42,8 60,2 56,24", LEAF)
    for x, rx, paint in (
        (0.2, 0.2, b.dark),
        (0.8, 0.2, b.dark),
        (0.36, 0.2, None),
        (0.64, 0.2, None),
    ):
        b.disc(x, 0.6, rx, 0.38, paint)
    b.disc(0.5, 0.6, 0.18, 0.4)
    for x, dx in ((0.35, -0.05), (0.65, 0.05)):
        b.curve([(x - dx, 0.25), (x + dx, 0.6), (x - dx, 0.96)], 0.02, b.dark)


def pumpkin_grins(b: Brush) -> None:
    pumpkin(b)
    glow = (255, 224, 120) if b.night else INK
    for x in (0.34, 0.66):
        b.shape([(x - 0.09, 0.54), (x, 0.4), (x + 0.09, 0.54)], glow)
    b.shape("24,66 34,70 42,66 50,70 58,66 66,70 76,66 64,84 50,88 36,84", glow)
