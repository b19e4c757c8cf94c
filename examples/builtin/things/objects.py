"""What one finds in a room, or carries."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

import math

from brush import BLUSH, CREAM, INK, LAMP, STEEL, WOOD, Brush, mix


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


def teapot(b: Brush) -> None:
    b.ring(0.8, 0.56, 0.15, 0.18, 0.06, b.dark)
    b.curve("26,70 12,58 6,36", 0.1, b.dark)
    b.disc(0.48, 0.64, 0.34, 0.33)
    b.slice(0.48, 0.36, 0.2, 0.14, (180, 360), b.dark)
    b.disc(0.48, 0.2, 0.055, 0, b.deep)
    b.block((0.28, 0.34, 0.68, 0.39), b.deep, 0.02)
    b.block((0.3, 0.93, 0.66, 1.0), b.deep, 0.03)


def teapot_tall(b: Brush) -> None:
    b.curve("68,32 94,34 92,66 72,74", 0.055, b.deep)
    b.curve("36,76 14,68 12,42 2,32", 0.085, b.dark)
    b.blob("38,28 62,28 66,50 80,78 70,98 30,98 22,78 34,50")
    b.blob("34,28 42,14 58,14 66,28", b.dark)
    b.disc(0.5, 0.08, 0.05, 0, b.deep)
    b.stroke("33,56 67,56", 0.03, b.trim)


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


def book(b: Brush) -> None:
    b.block((0.16, 0.04, 0.88, 0.96), b.deep, 0.03)
    b.block((0.2, 0.86, 0.9, 0.94), CREAM)
    b.block((0.12, 0.02, 0.84, 0.86), None, 0.03)
    b.block((0.12, 0.02, 0.22, 0.96), b.dark, 0.03)
    b.block((0.34, 0.18, 0.72, 0.34), b.trim, 0.02)
    b.stroke("40,24 66,24", 0.016, b.deep)


def book_open(b: Brush) -> None:
    b.blob("0,30 26,24 50,34 74,24 100,30 100,90 74,88 50,98 26,88 0,90")
    for side in (-1, 1):
        b.blob(
            [
                (0.5, 0.36),
                (0.5 + side * 0.22, 0.24),
                (0.5 + side * 0.44, 0.28),
                (0.5 + side * 0.44, 0.78),
                (0.5 + side * 0.22, 0.76),
                (0.5, 0.9),
            ],
            CREAM,
        )
        for y in (0.4, 0.5, 0.6):
            b.stroke(
                [(0.5 + side * 0.1, y + 0.02), (0.5 + side * 0.36, y - 0.02)],
                0.016,
                (170, 164, 160),
            )


def chair(b: Brush) -> None:
    for x in (0.24, 0.72):
        b.block((x, 0.6, x + 0.07, 1.0), b.deep)
    b.block((0.2, 0.02, 0.3, 0.66), b.dark, 0.03)
    b.block((0.72, 0.02, 0.82, 0.66), b.dark, 0.03)
    b.block((0.24, 0.06, 0.78, 0.36), None, 0.05)
    b.block((0.14, 0.54, 0.88, 0.68), None, 0.04)
    b.block((0.14, 0.65, 0.88, 0.7), b.dark)
    for x in (0.15, 0.8):
        b.block((x, 0.66, x + 0.075, 1.0), b.dark)


def armchair(b: Brush) -> None:
    for x in (0.16, 0.76):
        b.block((x, 0.9, x + 0.08, 1.0), WOOD)
    b.block((0.16, 0.12, 0.84, 0.8), None, 0.16)
    b.block((0.22, 0.56, 0.78, 0.76), b.light, 0.06)
    for x in (0.02, 0.76):
        b.block((x, 0.44, x + 0.22, 0.92), b.dark, 0.1)
    b.block((0.12, 0.74, 0.88, 0.93), None, 0.03)
    for x in (0.38, 0.62):
        b.disc(x, 0.34, 0.025, 0, b.deep)


def stool(b: Brush) -> None:
    for x in (0.2, 0.7):
        b.shape(
            [
                (x + 0.02, 0.4),
                (x + 0.1, 0.4),
                (x + 0.04 + (x - 0.45) * 0.3, 1.0),
                (x - 0.04 + (x - 0.45) * 0.3, 1.0),
            ],
            b.dark,
        )
    b.block((0.2, 0.72, 0.78, 0.78), b.deep)
    b.block((0.06, 0.28, 0.94, 0.44), None, 0.08)


def lamp(b: Brush) -> None:
    b.block((0.47, 0.42, 0.53, 0.92), WOOD)
    b.blob("30,99 40,90 60,90 70,99", WOOD)
    b.disc(0.5, 0.5, 0.1, 0.08, LAMP)
    b.shape("34,4 66,4 90,50 10,50")
    b.block((0.1, 0.45, 0.9, 0.51), b.dark)


def lamp_lantern(b: Brush) -> None:
    b.ring(0.5, 0.13, 0.13, 0.12, 0.035, b.deep)
    b.shape("34,20 66,20 78,34 22,34")
    b.block((0.26, 0.34, 0.74, 0.88), LAMP)
    b.blob("50,44 60,66 50,78 40,66", (255, 150, 50))
    for x in (0.24, 0.68):
        b.block((x, 0.34, x + 0.08, 0.9))
    b.block((0.18, 0.86, 0.82, 1.0))


def hat_top(b: Brush) -> None:
    b.shape("24,10 76,10 72,82 28,82")
    b.disc(0.5, 0.11, 0.26, 0.06, b.dark)
    b.disc(0.5, 0.84, 0.48, 0.12, b.dark)
    b.slice(0.5, 0.8, 0.225, 0.07, (0, 180))
    b.shape("26.8,62 73.2,62 72.2,80 27.8,80", b.trim)


def hat_pointed(b: Brush) -> None:
    b.disc(0.5, 0.88, 0.49, 0.11, b.dark)
    b.blob("24,86 36,50 42,16 66,2 60,30 76,86 50,93")
    b.blob("27,76 50,82 73,76 77,87 50,94 23,87", b.trim)


def hat_cap(b: Brush) -> None:
    b.slice(0.42, 0.74, 0.38, 0.56, (180, 360))
    b.blob("50,66 86,68 100,82 60,84 10,76", b.dark)
    b.curve("42,20 50,44 50,70", 0.018, b.dark)
    b.disc(0.42, 0.18, 0.045, 0.035, b.trim)


def key(b: Brush) -> None:
    b.ring(0.24, 0.5, 0.17, 0.17, 0.1)
    b.block((0.4, 0.445, 0.98, 0.555), None, 0.02)
    for x, low in ((0.72, 0.72), (0.87, 0.78)):
        b.block((x, 0.5, x + 0.085, low))


def key_old(b: Brush) -> None:
    for x, y in ((0.5, 0.12), (0.36, 0.3), (0.64, 0.3)):
        b.ring(x, y, 0.085, 0.085, 0.06)
    b.block((0.45, 0.3, 0.55, 1.0), None, 0.03)
    b.block((0.5, 0.72, 0.72, 0.79))
    b.block((0.5, 0.87, 0.76, 0.95))


def clock(b: Brush) -> None:
    b.disc(0.5, 0.5, 0.48)
    b.disc(0.5, 0.5, 0.37, 0, (252, 250, 242))
    for k in range(12):
        a = math.radians(30 * k)
        b.disc(0.5 + 0.31 * math.cos(a), 0.5 + 0.31 * math.sin(a), 0.022, 0, INK)
    b.stroke("50,50 50,26", 0.03, INK)
    b.stroke("50,50 66,58", 0.035, INK)
    b.disc(0.5, 0.5, 0.035, 0, (214, 60, 60))


def clock_alarm(b: Brush) -> None:
    for x in (0.26, 0.74):
        b.stroke([(0.5 + (x - 0.5) * 0.9, 0.84), (x, 0.98)], 0.06, b.deep)
        b.disc(x, 0.16, 0.14, 0.12, b.dark)
    b.stroke("50,6 50,20", 0.05, b.deep)
    b.disc(0.5, 0.55, 0.4)
    b.disc(0.5, 0.55, 0.31, 0, (252, 250, 242))
    for k in range(4):
        a = math.radians(90 * k)
        b.disc(0.5 + 0.25 * math.cos(a), 0.55 + 0.25 * math.sin(a), 0.024, 0, INK)
    b.stroke("50,55 38,42", 0.035, INK)
    b.stroke("50,55 66,42", 0.028, INK)


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


def kite(b: Brush) -> None:
    b.curve("44,66 34,78 44,88 34,100", 0.022, WOOD)
    for x, y in ((0.37, 0.78), (0.41, 0.9)):
        b.shape(
            [
                (x - 0.09, y - 0.045),
                (x + 0.09, y + 0.045),
                (x + 0.09, y - 0.045),
                (x - 0.09, y + 0.045),
            ],
            b.dark,
        )
    b.shape("50,0 94,30 44,70 8,22")
    b.shape("50,0 94,30 49,27", b.trim)
    b.shape("44,70 8,22 49,27", b.trim)
    b.stroke("50,2 44,68", 0.016, b.deep)
    b.stroke("10,22 92,30", 0.016, b.deep)


def kite_delta(b: Brush) -> None:
    for x, dx in ((0.3, -0.08), (0.7, 0.08)):
        b.curve([(x, 0.6), (x + dx, 0.76), (x - dx, 0.88), (x, 1.0)], 0.035, b.dark)
    b.shape("50,4 100,60 70,54 50,68 30,54 0,60")
    b.shape("50,4 60,60 50,68 40,60", b.trim)


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


def guitar(b: Brush) -> None:
    b.block((0.45, 0.08, 0.55, 0.6), WOOD)
    b.block((0.42, 0.0, 0.58, 0.12), INK, 0.02)
    b.blob("50,44 66,46 70,58 66,66 82,78 76,96 50,100 24,96 18,78 34,66 30,58 34,46")
    b.disc(0.5, 0.66, 0.085, 0, INK)
    b.block((0.38, 0.84, 0.62, 0.88), WOOD)
    for x in (0.475, 0.5, 0.525):
        b.stroke([(x, 0.06), (x, 0.86)], 0.007, CREAM)


def guitar_electric(b: Brush) -> None:
    b.block((0.46, 0.06, 0.54, 0.64), (206, 160, 104))
    b.shape("42,0 58,4 56,14 44,14", INK)
    b.blob("36,46 44,58 56,58 70,44 70,62 80,84 62,100 36,98 22,82 32,64")
    b.blob("50,60 66,66 64,86 50,88", CREAM if b.trim == CREAM else (60, 60, 70))
    for y in (0.68, 0.78):
        b.block((0.42, y, 0.6, y + 0.04), INK)


def drum(b: Brush) -> None:
    b.block((0.06, 0.3, 0.94, 0.86))
    b.slice(0.5, 0.86, 0.44, 0.13, (0, 180))
    for k in range(5):
        x = 0.06 + 0.176 * k
        b.stroke([(x, 0.32), (x + 0.088, 0.9), (x + 0.176, 0.32)], 0.022, b.trim)
    b.disc(0.5, 0.3, 0.45, 0.14, b.deep)
    b.disc(0.5, 0.28, 0.42, 0.115, CREAM)
    for x0, x1 in ((0.3, 0.0), (0.62, 0.9)):
        b.stroke([(x0, 0.26), (x1, 0.04)], 0.03, WOOD)
        b.disc(x0, 0.26, 0.04, 0, BLUSH)


def drum_tall(b: Brush) -> None:
    b.shape("14,14 86,14 70,96 30,96")
    b.disc(0.5, 0.96, 0.2, 0.04, b.deep)
    for k in range(4):
        x = 0.14 + 0.18 * k
        b.stroke([(x, 0.18), (0.5 + (x + 0.09 - 0.5) * 0.75, 0.6), (x + 0.18, 0.18)], 0.02, b.trim)
    b.disc(0.5, 0.15, 0.37, 0.12, b.deep)
    b.disc(0.5, 0.13, 0.34, 0.1, CREAM)


def vase(b: Brush) -> None:
    for tip, paint in (
        ((0.3, 0.1), (244, 120, 160)),
        ((0.52, 0.04), (250, 206, 70)),
        ((0.72, 0.12), (250, 250, 246)),
    ):
        b.curve([(0.5, 0.44), (0.5 + (tip[0] - 0.5) * 0.5, 0.28), tip], 0.025, (70, 146, 78))
        b.disc(*tip, 0.085, 0, paint)
        b.disc(*tip, 0.035, 0, (150, 96, 50))
    b.blob("36,42 64,42 60,52 80,70 70,98 30,98 20,70 40,52")
    b.block((0.34, 0.38, 0.66, 0.45), b.dark, 0.02)
    b.curve("24,72 50,78 76,72", 0.035, b.trim)


def bell(b: Brush) -> None:
    b.disc(0.5, 0.92, 0.09, 0, b.deep)
    b.ring(0.5, 0.08, 0.07, 0.07, 0.035, b.deep)
    b.blob("50,10 68,20 74,50 92,84 50,88 8,84 26,50 32,20")
    b.block((0.08, 0.78, 0.92, 0.87), b.dark, 0.04)
