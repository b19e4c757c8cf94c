"""What one finds in a room, or carries."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

from brush import CREAM, LAMP, STEEL, WOOD, Brush, mix


def balloon(b: Brush) -> None:
    b.curve("50,72 46,84 53,92 50,100", 0.022, b.deep)
    b.shape("50,68 43,77 57,77", b.dark)
    b.blob("50,0 76,10 84,36 68,62 50,72 32,62 16,36 24,10")
    b.blob("30,16 40,12 36,28 28,34", b.light)


def balloon_heart(b: Brush) -> None:
    b.curve("50,70 54,82 47,92 50,100", 0.022, b.deep)
    b.blob("50,18 64,2 88,6 94,30 76,54 52,73 48,73 24,54 6,30 12,6 36,2")
    b.blob("20,18 30,12 28,26 20,32", b.light)


def balloon_air(b: Brush) -> None:
    for x in (0.36, 0.64):
        b.stroke([(x, 0.6), (0.5 + (x - 0.5) * 0.7, 0.86)], 0.016, WOOD)
    b.blob("50,0 78,10 90,34 76,58 60,70 40,70 24,58 10,34 22,10")
    b.blob("50,0 62,12 66,36 58,70 42,70 34,36 38,12", b.trim)
    b.blob("50,0 55,12 57,36 54,70 46,70 43,36 45,12")
    b.block((0.38, 0.84, 0.62, 1.0), WOOD, 0.03)
    b.stroke("38,90 62,90", 0.016, CREAM)


def umbrella(b: Brush) -> None:
    b.curve("50,6 50,50 50,88 57,97 65,90", 0.04, WOOD)
    b.slice(0.5, 0.54, 0.5, 0.48, (180, 360))
    b.blob("50,6 62,28 66,54 34,54 38,28", b.dark)
    for k in range(4):
        b.slice(0.125 + 0.25 * k, 0.55, 0.125, 0.07, (180, 360), b.deep)


def umbrella_beach(b: Brush) -> None:
    b.stroke("46,6 60,100", 0.04, WOOD)
    b.shape("0,58 4,36 20,14 46,4 72,8 92,24 100,44 50,50")
    b.shape("46,4 20,14 16,55.5 34,52.5", b.trim)
    b.shape("46,4 72,8 84,46 66,48", b.trim)


def cup(b: Brush) -> None:
    b.ring(0.76, 0.54, 0.17, 0.17, 0.07, b.dark)
    b.shape("8,24 76,24 70,90 64,100 20,100 14,90")
    b.disc(0.42, 0.24, 0.34, 0.09, b.deep)
    b.disc(0.42, 0.25, 0.28, 0.06, (120, 76, 46))


def cup_tea(b: Brush) -> None:
    for x in (0.36, 0.52):
        b.curve([(x, 0.28), (x - 0.05, 0.18), (x + 0.04, 0.1), (x, 0.02)], 0.025, (226, 228, 234))
    b.disc(0.46, 0.93, 0.44, 0.075, b.dark)
    b.ring(0.78, 0.56, 0.12, 0.13, 0.055, b.dark)
    b.slice(0.44, 0.38, 0.36, 0.52, (0, 180))
    b.disc(0.44, 0.38, 0.36, 0.08, b.deep)
    b.disc(0.44, 0.39, 0.3, 0.055, (176, 98, 52))


def cake(b: Brush) -> None:
    for x in (0.3, 0.5, 0.7):
        b.block((x - 0.025, 0.18, x + 0.025, 0.42), (118, 186, 230))
        b.blob([(x, 0.03), (x + 0.035, 0.13), (x, 0.18), (x - 0.035, 0.13)], (255, 178, 60))
    b.block((0.02, 0.92, 0.98, 1.0), STEEL, 0.04)
    b.block((0.1, 0.4, 0.9, 0.94), None, 0.05)
    b.block((0.1, 0.66, 0.9, 0.74), b.trim)
    b.block((0.1, 0.38, 0.9, 0.5), b.light, 0.05)
    for k in range(5):
        b.disc(0.18 + 0.16 * k, 0.5, 0.07, 0.06 + 0.03 * (k % 2), b.light)


def cake_slice(b: Brush) -> None:
    b.shape("4,50 96,36 96,96 4,96", (240, 206, 146))
    b.shape("4,66 96,58 96,68 4,74")
    b.shape("4,50 50,24 96,34 96,42 4,56")
    b.disc(0.66, 0.22, 0.1, 0, (214, 40, 54) if b.c[0] < 180 or b.c[1] > 120 else CREAM)
    b.block((0.0, 0.94, 1.0, 1.0), STEEL, 0.03)


def cupcake(b: Brush) -> None:
    b.shape("16,56 84,56 72,100 28,100", (222, 172, 108))
    for k in range(5):
        x = 0.24 + 0.13 * k
        b.stroke([(x, 0.6), (0.5 + (x - 0.5) * 0.75, 0.98)], 0.02, (186, 132, 78))
    b.disc(0.5, 0.53, 0.42, 0.14)
    b.disc(0.5, 0.38, 0.32, 0.13)
    b.disc(0.5, 0.24, 0.2, 0.11)
    for x0, x1, y in ((0.14, 0.8, 0.56), (0.24, 0.74, 0.41)):
        b.curve([(x0, y), (0.5, y + 0.08), (x1, y - 0.02)], 0.022, b.dark)
    b.disc(0.5, 0.1, 0.075, 0, (214, 40, 54) if b.c[0] < 180 or b.c[1] > 120 else LAMP)


def gift(b: Brush) -> None:
    ribbon = (
        b.trim
        if b.trim != CREAM
        else (252, 222, 120)
        if b.c[2] > 100 or b.c[1] < 130
        else (214, 52, 70)
    )
    for side in (-1, 1):
        b.blob(
            [
                (0.5, 0.22),
                (0.5 + side * 0.1, 0.06),
                (0.5 + side * 0.3, 0.02),
                (0.5 + side * 0.3, 0.18),
            ],
            ribbon,
        )
    b.block((0.1, 0.42, 0.9, 1.0))
    b.block((0.42, 0.42, 0.58, 1.0), ribbon)
    b.block((0.04, 0.22, 0.96, 0.44), b.c, 0.02)
    b.block((0.04, 0.22, 0.96, 0.44), None, 0.02)
    b.block((0.04, 0.42, 0.96, 0.455), b.dark)
    b.block((0.41, 0.22, 0.59, 0.44), mix(ribbon, (255, 255, 255), 0.25))


def gift_tall(b: Brush) -> None:
    ribbon = b.trim if b.trim != CREAM else (252, 240, 200)
    for side in (-1, 1):
        b.blob(
            [
                (0.5, 0.16),
                (0.5 + side * 0.08, 0.02),
                (0.5 + side * 0.24, 0.0),
                (0.5 + side * 0.22, 0.13),
            ],
            ribbon,
        )
    b.block((0.2, 0.15, 0.8, 1.0))
    b.block((0.2, 0.52, 0.8, 0.62), ribbon)
    b.block((0.45, 0.15, 0.55, 1.0), ribbon)


def crown(b: Brush) -> None:
    b.shape("4,22 27,56 50,8 73,56 96,22 86,92 14,92")
    for x, y in ((0.05, 0.2), (0.5, 0.08), (0.95, 0.2)):
        b.disc(x, y, 0.06, 0, b.light)
    b.block((0.12, 0.78, 0.88, 0.94), b.dark, 0.03)
    for x, paint in ((0.28, (222, 52, 72)), (0.5, (64, 128, 220)), (0.72, (66, 168, 96))):
        b.disc(x, 0.86, 0.05, 0, paint)


def crown_round(b: Brush) -> None:
    b.blob(
        "50,16 86,22 94,52 50,70 6,52 14,22",
        (188, 44, 62) if b.c[0] < 170 or b.c[1] > 100 else (86, 60, 150),
    )
    b.curve("12,66 4,36 26,20 50,20", 0.075)
    b.curve("88,66 96,36 74,20 50,20", 0.075)
    b.curve("50,66 50,40 50,20", 0.075)
    b.disc(0.5, 0.11, 0.075, 0, b.light)
    b.block((0.08, 0.64, 0.92, 0.92), None, 0.04)
    for x in (0.24, 0.5, 0.76):
        b.disc(x, 0.78, 0.055, 0, CREAM if b.trim == CREAM else (222, 52, 72))
