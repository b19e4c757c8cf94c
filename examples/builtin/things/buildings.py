"""What is built to be lived in or looked at."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

from brush import CREAM, INK, LAMP, STEEL, WOOD, Brush, mix


def _door(b: Brush, left: float, top: float, right: float, low: float = 1.0) -> None:
    paint = WOOD if abs(b.c[0] - WOOD[0]) + abs(b.c[1] - WOOD[1]) > 70 else CREAM
    b.block((left, top, right, low), paint, 0.02)
    b.disc(right - 0.035, (top + low) / 2 + 0.02, 0.014, 0, LAMP)


def _window(b: Brush, x: float, y: float, half: float) -> None:
    b.block((x - half - 0.015, y - half - 0.015, x + half + 0.015, y + half + 0.015), CREAM)
    b.block((x - half, y - half, x + half, y + half), b.pane)
    b.stroke([(x, y - half), (x, y + half)], 0.014, CREAM)
    b.stroke([(x - half, y), (x + half, y)], 0.014, CREAM)


def house(b: Brush) -> None:
    b.block((0.7, 0.1, 0.82, 0.4), b.deep)
    b.block((0.1, 0.42, 0.9, 1.0))
    b.shape("50,3 100,46 0,46", b.dark)
    b.stroke("4,45.5 96,45.5", 0.025, b.deep)
    _window(b, 0.29, 0.66, 0.1)
    _door(b, 0.56, 0.6, 0.78)


def house_tall(b: Brush) -> None:
    b.block((0.2, 0.36, 0.8, 1.0))
    b.shape("50,0 88,40 12,40", b.dark)
    for x in (0.36, 0.64):
        _window(b, x, 0.52, 0.07)
    _window(b, 0.35, 0.8, 0.07)
    _door(b, 0.53, 0.72, 0.71)
    b.disc(0.5, 0.25, 0.055, 0, b.pane)


def house_thatched(b: Brush) -> None:
    straw = (216, 176, 98) if abs(b.c[0] - 216) + abs(b.c[1] - 176) > 90 else (128, 92, 58)
    b.block((0.12, 0.5, 0.88, 1.0))
    b.blob("30,12 50,8 70,12 92,38 100,58 84,60 50,56 16,60 0,58 8,38", straw)
    for k in range(5):
        x = 0.22 + 0.14 * k
        b.stroke([(0.5 + (x - 0.5) * 0.6, 0.2), (x, 0.52)], 0.014, mix(straw, INK, 0.25))
    _window(b, 0.28, 0.74, 0.085)
    _window(b, 0.72, 0.74, 0.085)
    _door(b, 0.42, 0.68, 0.58)


def house_flat(b: Brush) -> None:
    b.block((0.04, 0.46, 0.96, 1.0))
    b.block((0.3, 0.18, 0.9, 0.5))
    b.block((0.27, 0.14, 0.93, 0.21), b.deep)
    b.block((0.0, 0.44, 1.0, 0.51), b.deep)
    b.block((0.38, 0.27, 0.82, 0.4), b.pane)
    b.block((0.12, 0.62, 0.46, 0.84), b.pane)
    b.stroke("29,62 29,84", 0.016, CREAM)
    b.stroke("60,27 60,40", 0.016, CREAM)
    _door(b, 0.62, 0.64, 0.82)


def castle(b: Brush) -> None:
    for x, top in ((0.16, 0.3), (0.84, 0.3), (0.5, 0.16)):
        half = 0.14
        b.block((x - half, top, x + half, 1.0))
        for k in range(3):
            b.block(
                (x - half - 0.02 + k * 0.115, top - 0.08, x - half + 0.05 + k * 0.115, top + 0.02)
            )
    b.block((0.16, 0.54, 0.84, 1.0))
    for k in range(5):
        b.block((0.3 + 0.09 * k, 0.49, 0.35 + 0.09 * k, 0.56))
    b.stroke("50,8 50,-6", 0.016, WOOD)
    b.shape("50,-6 66,-1 50,4", (226, 62, 60) if b.c[0] < 180 or b.c[1] > 110 else LAMP)
    for x in (0.16, 0.84):
        b.block((x - 0.03, 0.44, x + 0.03, 0.56), b.deep, 0.03)
    b.block((0.47, 0.28, 0.53, 0.4), b.deep, 0.03)
    b.slice(0.5, 0.76, 0.12, 0.13, (180, 360), b.deep)
    b.block((0.38, 0.76, 0.62, 1.0), b.deep)
    for x in (0.44, 0.5, 0.56):
        b.stroke([(x, 0.68), (x, 1.0)], 0.012, b.dark)


def castle_spires(b: Brush) -> None:
    roof = (84, 98, 170) if b.c[2] < 150 else (206, 70, 74)
    for x, top, half in (
        (0.14, 0.42, 0.12),
        (0.86, 0.42, 0.12),
        (0.36, 0.28, 0.1),
        (0.66, 0.34, 0.1),
    ):
        b.block((x - half, top, x + half, 1.0), b.dark if half < 0.11 else None)
        b.shape([(x, top - 0.3), (x + half + 0.04, top), (x - half - 0.04, top)], roof)
        b.block((x - 0.025, top + 0.08, x + 0.025, top + 0.18), b.pane, 0.025)
    b.block((0.14, 0.62, 0.86, 1.0))
    b.slice(0.5, 0.8, 0.11, 0.12, (180, 360), WOOD)
    b.block((0.39, 0.8, 0.61, 1.0), WOOD)
    for x in (0.28, 0.72):
        b.block((x - 0.03, 0.72, x + 0.03, 0.84), b.pane, 0.03)


def lighthouse(b: Brush) -> None:
    b.block((0.18, 0.9, 0.82, 1.0), (130, 124, 130), 0.03)
    b.shape("38,28 62,28 72,92 28,92")
    for top, low in ((0.42, 0.53), (0.68, 0.79)):
        half = [0.12 + 0.10 * (y - 0.28) / 0.64 for y in (top, low)]
        b.shape(
            [
                (0.5 - half[0], top),
                (0.5 + half[0], top),
                (0.5 + half[1], low),
                (0.5 - half[1], low),
            ],
            b.trim,
        )
    b.block((0.3, 0.26, 0.7, 0.31), b.deep, 0.015)
    b.block((0.4, 0.13, 0.6, 0.27), LAMP)
    b.stroke("50,13 50,27", 0.016, b.deep)
    b.shape("50,0 65,14 35,14", b.deep)
    b.block((0.45, 0.81, 0.55, 0.92), WOOD, 0.04)


def tent(b: Brush) -> None:
    b.stroke("50,8 52,0", 0.025, WOOD)
    b.shape("50,6 100,100 0,100")
    b.shape("50,34 72,100 28,100", INK)
    b.shape("50,34 46,70 22,100 32,100", b.light)
    b.shape("50,34 54,70 78,100 68,100", b.light)


def tent_circus(b: Brush) -> None:
    b.block((0.1, 0.5, 0.9, 1.0))
    for k in range(4):
        b.block((0.2 + 0.2 * k - 0.05, 0.5, 0.2 + 0.2 * k + 0.05, 1.0), b.trim)
    b.shape("50,10 100,52 0,52")
    for k in (-1, 1):
        b.shape([(0.5, 0.1), (0.5 + k * 0.12, 0.52), (0.5 + k * 0.3, 0.52)], b.trim)
    for k in range(6):
        b.slice(0.083 + 0.167 * k, 0.51, 0.083, 0.075, (0, 180), b.deep)
    b.shape("50,60 62,100 38,100", INK)
    b.stroke("50,10 50,-3", 0.018, WOOD)
    b.shape("50,-3 64,1 50,5", b.deep)


def igloo(b: Brush) -> None:
    b.slice(0.46, 1.0, 0.45, 0.8, (180, 360))
    for y, half in ((0.82, 0.43), (0.62, 0.38), (0.42, 0.28)):
        b.stroke([(0.46 - half, y), (0.46 + half, y)], 0.018, b.dark)
    for row, xs in (
        (0.91, (0.2, 0.4)),
        (0.72, (0.14, 0.32, 0.5, 0.7)),
        (0.52, (0.26, 0.44, 0.62)),
        (0.31, (0.38, 0.54)),
    ):
        for x in xs:
            b.stroke([(x, row - 0.09), (x, row + 0.09)], 0.018, b.dark)
    b.slice(0.74, 1.0, 0.26, 0.38, (180, 360), b.dark)
    b.slice(0.74, 1.0, 0.22, 0.34, (180, 360))
    b.slice(0.76, 1.0, 0.15, 0.25, (180, 360), INK)


def lighthouse_square(b: Brush) -> None:
    b.block((0.1, 0.62, 0.5, 1.0), b.light)
    b.shape("30,46 56,64 4,64", b.deep)
    b.block((0.46, 0.3, 0.78, 1.0))
    b.block((0.46, 0.5, 0.78, 0.62), b.trim)
    b.block((0.46, 0.78, 0.78, 0.88), b.trim)
    b.block((0.4, 0.26, 0.84, 0.32), STEEL)
    b.block((0.51, 0.12, 0.73, 0.27), LAMP)
    b.slice(0.62, 0.13, 0.14, 0.12, (180, 360), b.deep)
    b.block((0.2, 0.74, 0.34, 0.88), b.pane)
