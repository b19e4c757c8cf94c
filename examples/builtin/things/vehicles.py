"""What drives, sails and flies."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

from brush import CREAM, INK, LAMP, PANE, STEEL, WOOD, Brush


def _wheel(b: Brush, x: float, y: float, r: float) -> None:
    b.disc(x, y, r, r, INK)
    b.disc(x, y, r * 0.5, r * 0.5, STEEL)


def car(b: Brush) -> None:
    b.blob("20,52 30,26 50,20 70,26 84,52 50,60")
    b.shape("28,50 36,32 49,28 49,50", PANE)
    b.shape("54,50 54,28 66,32 75,50", PANE)
    b.block((0.01, 0.47, 0.99, 0.82), None, 0.12)
    b.stroke("3,68 97,68", 0.022, b.dark)
    b.disc(0.95, 0.58, 0.04, 0.05, LAMP)
    for x in (0.25, 0.75):
        _wheel(b, x, 0.83, 0.16)


def car_van(b: Brush) -> None:
    b.block((0.02, 0.22, 0.98, 0.82), None, 0.14)
    b.block((0.02, 0.54, 0.98, 0.82), b.trim, 0.08)
    for left in (0.1, 0.36, 0.66):
        b.block((left, 0.3, left + 0.22, 0.48), PANE, 0.04)
    b.disc(0.94, 0.64, 0.04, 0, LAMP)
    for x in (0.24, 0.76):
        _wheel(b, x, 0.84, 0.15)


def car_beetle(b: Brush) -> None:
    b.blob("2,78 6,58 24,50 38,26 62,24 80,48 96,58 98,80 50,84")
    b.blob("32,50 42,33 52,32 52,50", PANE)
    b.blob("57,50 57,32 64,33 74,50", PANE)
    b.disc(0.92, 0.62, 0.045, 0, LAMP)
    for x in (0.24, 0.77):
        b.disc(x, 0.8, 0.19, 0.19, b.dark)
        _wheel(b, x, 0.84, 0.15)


def bus(b: Brush) -> None:
    b.block((0.0, 0.16, 1.0, 0.86), None, 0.08)
    for k in range(4):
        b.block((0.06 + 0.19 * k, 0.26, 0.21 + 0.19 * k, 0.48), PANE, 0.025)
    b.block((0.83, 0.26, 0.97, 0.8), PANE, 0.025)
    b.block((0.0, 0.56, 0.8, 0.63), b.trim)
    for x in (0.22, 0.7):
        _wheel(b, x, 0.86, 0.13)


def bus_double(b: Brush) -> None:
    b.block((0.04, 0.0, 0.96, 0.88), None, 0.07)
    for row in (0.09, 0.44):
        for k in range(4):
            if row < 0.4 or k < 3:
                b.block((0.1 + 0.21 * k, row, 0.26 + 0.21 * k, row + 0.19), PANE, 0.02)
    b.block((0.04, 0.34, 0.96, 0.39), b.trim)
    b.block((0.75, 0.44, 0.91, 0.84), PANE, 0.02)
    for x in (0.25, 0.62):
        _wheel(b, x, 0.88, 0.12)


def train(b: Brush) -> None:
    b.block((0.14, 0.44, 0.7, 0.78), None, 0.1)
    b.block((0.56, 0.16, 0.94, 0.8))
    b.block((0.52, 0.1, 0.98, 0.19), b.deep, 0.03)
    b.block((0.64, 0.26, 0.86, 0.46), b.pane, 0.02)
    b.shape("20,18 38,18 34,46 24,46", b.deep)
    b.disc(0.46, 0.43, 0.075, 0.08, LAMP)
    b.block((0.1, 0.74, 0.98, 0.83), INK)
    b.shape("10,78 10,98 0,98", INK)
    b.disc(0.13, 0.57, 0.055, 0, LAMP)
    for x, r in ((0.26, 0.1), (0.48, 0.1), (0.78, 0.15)):
        b.disc(x, 1.0 - r, r, r, b.deep)
        b.disc(x, 1.0 - r, r * 0.55, r * 0.55, STEEL)


def train_wagon(b: Brush) -> None:
    b.blob("0,80 4,50 22,24 50,20 100,20 100,80 50,84")
    b.block((0.5, 0.2, 1.0, 0.82))
    b.blob("10,50 20,32 32,29 32,50", PANE)
    for x in (0.4, 0.6, 0.8):
        b.block((x, 0.31, x + 0.14, 0.5), PANE, 0.03)
    b.block((0.04, 0.6, 1.0, 0.67), b.trim)
    b.block((0.04, 0.8, 1.0, 0.87), INK)
    for x in (0.2, 0.36, 0.7, 0.86):
        b.disc(x, 0.91, 0.075, 0, STEEL)


def boat_sail(b: Brush) -> None:
    b.block((0.46, 0.02, 0.51, 0.7), WOOD)
    b.blob("55,5 78,30 93,58 55,58", CREAM)
    b.shape("42,16 42,58 12,58", (238, 226, 200))
    b.shape("0,66 100,66 84,98 18,98")
    b.block((0.0, 0.64, 1.0, 0.71), b.dark)


def boat_row(b: Brush) -> None:
    b.stroke("62,36 30,92", 0.035, WOOD)
    b.blob("0,44 30,56 70,56 100,44 90,76 70,94 30,94 10,76")
    b.blob("4,47 30,56 70,56 96,47 70,64 30,64", b.deep)
    b.stroke("10,74 90,74", 0.025, b.trim)
    b.stroke("44,42 78,92", 0.035, WOOD)
    b.blob("72,82 80,84 86,100 78,100", WOOD)


def boat_steamer(b: Brush) -> None:
    for x in (0.36, 0.56):
        b.block((x, 0.08, x + 0.12, 0.44))
        b.block((x, 0.08, x + 0.12, 0.15), INK)
    b.block((0.22, 0.38, 0.78, 0.66), CREAM, 0.03)
    for k in range(4):
        b.disc(0.31 + 0.125 * k, 0.5, 0.038, 0, (90, 150, 200) if not b.night else LAMP)
    b.shape("0,60 100,60 86,98 12,98")
    b.stroke("6,72 94,72", 0.03, b.trim)


def rocket(b: Brush) -> None:
    b.blob("38,80 62,80 58,92 50,102 42,92", (255, 150, 50))
    b.blob("44,80 56,80 50,95", (255, 230, 120))
    b.blob("30,52 14,68 10,88 34,78", b.deep)
    b.blob("70,52 86,68 90,88 66,78", b.deep)
    b.blob("50,0 64,14 72,40 66,82 34,82 28,40 36,14")
    b.blob("50,0 62,13 66,22 34,22 38,13", b.dark)
    b.disc(0.5, 0.4, 0.11, 0, b.trim)
    b.disc(0.5, 0.4, 0.08, 0, PANE)
    b.block((0.47, 0.6, 0.53, 0.88), b.deep, 0.03)


def rocket_slim(b: Brush) -> None:
    b.blob("43,84 57,84 50,102", (255, 170, 60))
    b.shape("38,60 20,88 38,82", b.dark)
    b.shape("62,60 80,88 62,82", b.dark)
    b.block((0.37, 0.24, 0.63, 0.85), None, 0.02)
    b.shape("50,0 63,25 37,25", b.deep)
    for y in (0.36, 0.52):
        b.disc(0.5, y, 0.065, 0, PANE)
    b.block((0.37, 0.64, 0.63, 0.71), b.trim)


def airplane(b: Brush) -> None:
    b.shape("4,20 16,20 30,46 10,46", b.dark)
    b.shape("44,46 30,22 42,22 66,46", b.deep)
    b.blob("2,42 30,38 74,38 94,46 100,54 90,62 50,64 16,56")
    for k in range(5):
        b.disc(0.36 + 0.1 * k, 0.48, 0.028, 0, PANE)
    b.blob("84,42 93,46 90,51 82,50", PANE)
    b.shape("40,55 66,56 36,84 22,84", b.dark)
    b.block((0.0, 0.42, 0.2, 0.48), b.deep, 0.02)


def airplane_biplane(b: Brush) -> None:
    b.shape("4,26 16,26 24,48 8,48", b.dark)
    for x in (0.42, 0.68):
        b.stroke([(x, 0.24), (x - 0.02, 0.74)], 0.022, WOOD)
    b.block((0.32, 0.18, 0.82, 0.26), b.dark, 0.03)
    b.blob("4,46 40,38 84,38 92,48 84,62 40,60 8,54")
    b.disc(0.52, 0.38, 0.07, 0.08, PANE)
    b.block((0.28, 0.66, 0.78, 0.74), b.dark, 0.03)
    b.disc(0.62, 0.86, 0.075, 0, INK)
    b.stroke("60,72 62,84", 0.022, WOOD)
    b.block((0.92, 0.28, 0.96, 0.7), WOOD, 0.02)
    b.disc(0.93, 0.49, 0.045, 0, INK)
