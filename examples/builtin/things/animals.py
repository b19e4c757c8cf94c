"""Animals, each in several poses. A painter draws one into the brush's unit square, foot at 1."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

from brush import BLUSH, CREAM, INK, Brush, path

BEAK = (248, 166, 50)


def _both(b: Brush, points: str, fill: tuple[int, int, int] | None = None) -> None:
    """A smooth shape on the left, and its mirror image."""
    b.blob(points, fill)
    b.blob([(1 - x, y) for x, y in path(points)], fill)


def _face(b: Brush, x: float, y: float, wide: float, muzzle: float = 0.0) -> None:
    """Two eyes, a nose, a mouth and cheeks around a middle."""
    if muzzle:
        b.disc(x, y + 0.09, muzzle, muzzle * 0.78, b.light)
    b.eye(x - wide, y, 0.036)
    b.eye(x + wide, y, 0.036)
    b.disc(x, y + 0.065, 0.032, 0.024, b.line if not muzzle else INK)
    line = INK if muzzle else b.line
    b.curve([(x - 0.05, y + 0.115), (x - 0.02, y + 0.128), (x, y + 0.09)], 0.014, line)
    b.curve([(x + 0.05, y + 0.115), (x + 0.02, y + 0.128), (x, y + 0.09)], 0.014, line)


def _sitter(b: Brush, *, belly: bool = True) -> None:
    """The body of an animal that sits and looks at you."""
    _both(b, "24,82 34,70 44,84 42,98 20,99 17,93", b.dark)
    b.blob("50,46 66,58 74,82 68,98 32,98 26,82 34,58")
    if belly:
        b.disc(0.5, 0.78, 0.13, 0.17, b.light)
    for x in (0.41, 0.59):
        b.block((x - 0.065, 0.7, x + 0.065, 1.0), None, 0.06)


def cat_sits(b: Brush) -> None:
    b.curve("68,94 90,93 93,72 84,60", 0.08, b.dark)
    _sitter(b)
    _both(b, "24,4 38,12 46,20 22,34 20,20")
    _both(b, "26.5,11 34,15 38,20 25.5,27", BLUSH)
    b.disc(0.5, 0.34, 0.29, 0.23)
    _face(b, 0.5, 0.32, 0.13)
    for side in (-1, 1):
        for dy in (-0.01, 0.035):
            b.stroke(
                [(0.5 + side * 0.12, 0.4 + dy), (0.5 + side * 0.33, 0.39 + 2.4 * dy)], 0.009, b.line
            )


def cat_walks(b: Brush) -> None:
    b.curve("86,50 97,38 93,18 82,12", 0.075)
    for x in (0.4, 0.8):
        b.block((x - 0.05, 0.62, x + 0.05, 1.0), b.dark, 0.045)
    b.blob("26,48 55,46 86,46 90,66 80,78 50,76 28,76")
    for x in (0.31, 0.7):
        b.block((x - 0.055, 0.62, x + 0.055, 1.0), None, 0.05)
    b.shape("8,16 24,26 8,40")
    b.shape("47,16 30,26 46,40")
    b.disc(0.27, 0.42, 0.22, 0.19)
    _face(b, 0.26, 0.4, 0.095)


def cat_lies(b: Brush) -> None:
    b.curve("86,94 98,86 93,70 80,72", 0.075, b.dark)
    b.blob("14,86 24,64 52,54 82,60 94,82 88,100 20,100")
    b.block((0.1, 0.88, 0.42, 1.0), b.light, 0.06)
    b.shape("10,36 26,44 10,60")
    b.shape("52,36 35,44 50,60")
    b.disc(0.31, 0.64, 0.24, 0.2)
    for x in (0.21, 0.41):
        b.curve([(x - 0.045, 0.63), (x, 0.66), (x + 0.045, 0.63)], 0.018, b.line)
    b.disc(0.31, 0.69, 0.03, 0.022, b.line)


def dog_sits(b: Brush) -> None:
    b.curve("70,92 86,86 90,70", 0.07, b.dark)
    _sitter(b)
    b.blob("50,6 70,12 76,34 64,52 36,52 24,34 30,12")
    _both(b, "30,10 20,12 12,30 16,48 25,42 30,24", b.deep)
    _face(b, 0.5, 0.28, 0.12, 0.14)
    b.blob("47,43 53,43 54,51 46,51", (238, 116, 124))


def dog_stands(b: Brush) -> None:
    b.curve("86,50 95,38 98,24", 0.065)
    for x in (0.42, 0.82):
        b.block((x - 0.05, 0.64, x + 0.05, 1.0), b.dark, 0.04)
    b.blob("30,44 56,47 88,44 92,64 80,76 50,75 32,74")
    for x in (0.34, 0.73):
        b.block((x - 0.055, 0.62, x + 0.055, 1.0), None, 0.04)
    b.blob("30,12 44,20 44,46 28,50 6,46 3,34 16,28")
    b.blob("40,14 52,22 52,46 43,46 37,28", b.deep)
    b.disc(0.06, 0.34, 0.04, 0.035, b.line)
    b.eye(0.24, 0.27)
    b.stroke("32,52 45,50", 0.045, (214, 66, 62))


def rabbit_sits(b: Brush) -> None:
    _both(b, "36,0 43,12 44,34 33,34 28,12")
    _both(b, "36,7 40,15 40,30 35,30 32,14", BLUSH)
    _sitter(b)
    b.disc(0.5, 0.45, 0.23, 0.19)
    _face(b, 0.5, 0.42, 0.11)
    b.block((0.472, 0.525, 0.528, 0.57), (255, 255, 255), 0.01)


def rabbit_hops(b: Brush) -> None:
    b.disc(0.92, 0.66, 0.075, 0, (255, 255, 255))
    b.blob("30,2 40,10 42,36 30,36 24,14", b.dark)
    b.blob("18,2 28,10 34,36 22,38 13,16")
    b.blob("30,50 56,42 86,54 92,80 78,96 42,94 30,80")
    b.disc(0.27, 0.46, 0.2, 0.165)
    b.eye(0.19, 0.43)
    b.disc(0.085, 0.48, 0.026, 0.02, BLUSH)
    b.blob("60,70 80,68 86,90 80,100 50,100 54,92", b.dark)
    b.block((0.24, 0.88, 0.46, 1.0), b.dark, 0.05)


def bear_sits(b: Brush) -> None:
    for x in (0.27, 0.73):
        b.disc(x, 0.13, 0.11)
        b.disc(x, 0.13, 0.06, 0, b.light)
    b.disc(0.5, 0.74, 0.3, 0.26)
    b.disc(0.5, 0.76, 0.18, 0.17, b.light)
    for x in (0.2, 0.8):
        b.disc(x, 0.66, 0.09, 0.15, b.dark)
        b.disc(0.5 + (x - 0.5) * 0.86, 0.92, 0.12, 0.085)
        b.disc(0.5 + (x - 0.5) * 0.86, 0.92, 0.065, 0.045, b.light)
    b.disc(0.5, 0.32, 0.29, 0.24)
    _face(b, 0.5, 0.29, 0.13, 0.13)


def bear_walks(b: Brush) -> None:
    for x in (0.4, 0.84):
        b.block((x - 0.075, 0.6, x + 0.075, 1.0), b.dark, 0.05)
    b.blob("24,36 50,24 82,28 98,52 90,80 50,82 26,76")
    for x in (0.3, 0.73):
        b.block((x - 0.085, 0.6, x + 0.085, 1.0), None, 0.05)
    b.disc(0.12, 0.3, 0.07, 0.07, b.dark)
    b.disc(0.36, 0.26, 0.07)
    b.disc(0.22, 0.46, 0.21, 0.19)
    _face(b, 0.19, 0.43, 0.085, 0.1)


def fox_sits(b: Brush) -> None:
    b.blob("62,94 84,90 84,66 96,50 100,76 90,98 70,100")
    b.blob("86,66 96,50 98,66 92,70", CREAM)
    _sitter(b)
    _both(b, "22,0 40,14 40,24 22,30 18,14")
    _both(b, "24.5,9 34,17 26,25", INK)
    b.blob("50,14 74,20 84,36 62,46 50,60 38,46 16,36 26,20")
    _both(b, "20,37 38,36 49,58 38,46", CREAM)
    for x in (0.38, 0.62):
        b.eye(x, 0.31, 0.034)
    b.disc(0.5, 0.55, 0.045, 0.036, INK)


def fox_walks(b: Brush) -> None:
    b.blob("72,50 84,36 98,22 100,46 90,62 76,66")
    b.blob("92,30 98,22 100,40 95,42", CREAM)
    for x in (0.4, 0.72):
        b.block((x - 0.04, 0.66, x + 0.04, 1.0), b.deep, 0.035)
    b.blob("30,48 52,50 76,48 80,66 70,76 48,73 32,74")
    for x in (0.33, 0.64):
        b.block((x - 0.045, 0.64, x + 0.045, 1.0), b.deep, 0.035)
        b.block((x - 0.045, 0.6, x + 0.045, 0.82), None, 0.03)
    b.shape("16,14 30,28 14,36")
    b.shape("42,14 44,36 28,28")
    b.blob("30,26 46,38 40,56 22,56 0,54 12,36")
    b.blob("36,50 24,56 0,54 14,48", CREAM)
    b.disc(0.02, 0.53, 0.034, 0.028, INK)
    b.eye(0.24, 0.4, 0.03)


def bird_sits(b: Brush) -> None:
    for x in (0.44, 0.56):
        b.stroke([(x, 0.84), (x, 0.985), (x - 0.06, 0.985)], 0.026, BEAK)
    b.shape("76,56 100,40 98,56 80,74", b.dark)
    b.blob("30,14 48,16 58,36 82,52 82,74 58,88 32,80 18,56 16,28")
    b.blob("20,50 32,56 46,80 32,80 20,64", b.light)
    b.blob("46,46 64,46 84,66 62,74 48,66", b.deep)
    b.shape("16,26 0,34 17,40", BEAK)
    b.eye(0.3, 0.29, 0.04)


def bird_flies(b: Brush) -> None:
    b.blob("46,44 40,20 50,2 62,16 64,44", b.dark)
    b.shape("76,50 100,44 96,56 100,68 74,64", b.dark)
    b.blob("12,44 26,36 50,42 82,52 78,62 52,72 24,66")
    b.blob("16,58 36,60 62,66 46,72 24,67", b.light)
    b.blob("42,50 56,24 78,4 82,24 66,52", b.deep)
    b.shape("13,46 0,53 14,57", BEAK)
    b.eye(0.23, 0.48, 0.036)


def owl(b: Brush) -> None:
    _both(b, "20,0 40,12 42,26 20,30")
    b.blob("50,8 74,14 84,40 82,76 66,96 34,96 18,76 16,40 26,14")
    b.blob("50,46 66,56 66,82 50,93 34,82 34,56", b.light)
    for row, xs in ((0.6, (0.42, 0.5, 0.58)), (0.7, (0.46, 0.54)), (0.79, (0.42, 0.5, 0.58))):
        for x in xs:
            b.curve([(x - 0.035, row), (x, row + 0.03), (x + 0.035, row)], 0.014, b.dark)
    _both(b, "16,42 26,50 30,74 22,86 12,66", b.deep)
    for x in (0.36, 0.64):
        b.disc(x, 0.33, 0.145, 0, b.deep)
        b.disc(x, 0.33, 0.115, 0, (255, 250, 230))
        b.disc(x, 0.33, 0.06, 0, INK)
        b.disc(x - 0.02, 0.31, 0.02, 0, (255, 255, 255))
    b.shape("44,40 56,40 50,52", BEAK)
    for x in (0.38, 0.62):
        b.disc(x, 0.97, 0.08, 0.035, BEAK)


def owl_flies(b: Brush) -> None:
    _both(b, "40,40 20,14 0,20 4,44 14,56 38,66", b.dark)
    _both(b, "36,12 46,20 46,28 34,30")
    b.blob("50,20 66,26 70,56 62,84 38,84 30,56 34,26")
    b.blob("50,54 60,60 58,78 42,78 40,60", b.light)
    for x in (0.41, 0.59):
        b.disc(x, 0.4, 0.095, 0, (255, 250, 230))
        b.disc(x, 0.4, 0.05, 0, INK)
    b.shape("46,46 54,46 50,55", BEAK)
    for x in (0.43, 0.57):
        b.disc(x, 0.86, 0.05, 0.03, BEAK)


def penguin(b: Brush) -> None:
    for x in (0.38, 0.62):
        b.disc(x, 0.965, 0.12, 0.045, BEAK)
    b.blob("50,2 68,12 76,40 80,72 68,96 32,96 20,72 24,40 32,12")
    b.blob("50,40 64,46 68,74 58,93 42,93 32,74 36,46", (250, 250, 246))
    _both(b, "26,42 20,46 6,70 14,74 27,62", b.dark)
    _both(b, "50,20 38,14 31,24 36,36 50,40", (250, 250, 246))
    for x in (0.4, 0.6):
        b.disc(x, 0.24, 0.034, 0.04, INK)
        b.disc(x - 0.01, 0.225, 0.012, 0, (255, 255, 255))
    b.shape("42,30 58,30 50,41", BEAK)


def penguin_walks(b: Brush) -> None:
    for x in (0.34, 0.6):
        b.disc(x, 0.965, 0.13, 0.04, BEAK)
    b.shape("68,82 88,96 62,96", b.dark)
    b.blob("42,3 62,10 68,34 78,66 70,92 40,95 28,70 26,20")
    b.blob("34,38 46,44 52,70 44,93 32,86 26,66 27,46", (250, 250, 246))
    b.blob("54,42 66,46 92,66 84,72 62,66", b.dark)
    b.disc(0.38, 0.19, 0.1, 0.1, (250, 250, 246))
    b.disc(0.38, 0.18, 0.034, 0.04, INK)
    b.shape("28,20 8,27 29,30", BEAK)


def duck(b: Brush) -> None:
    b.blob("96,40 94,68 84,90 50,98 20,90 12,70 30,60 60,62 80,54")
    b.disc(0.3, 0.38, 0.21, 0.2)
    b.blob("20,50 42,50 46,74 20,74")
    b.blob("44,70 66,64 84,72 68,87 50,85", b.dark)
    b.blob("14,36 0,42 2,49 17,49", BEAK)
    b.eye(0.26, 0.33, 0.04)


def duck_stands(b: Brush) -> None:
    for x in (0.46, 0.6):
        b.stroke([(x, 0.82), (x, 0.97)], 0.035, BEAK)
        b.blob([(x, 0.94), (x + 0.03, 1.0), (x - 0.13, 1.0)], BEAK)
    b.blob("100,46 90,72 66,88 36,82 24,62 36,52 62,54 86,54")
    b.block((0.24, 0.22, 0.42, 0.68), None, 0.08)
    b.disc(0.31, 0.2, 0.165, 0.155)
    b.blob("46,60 66,58 84,64 66,76 50,73", b.dark)
    b.blob("18,19 0,24 2,30 20,30", BEAK)
    b.eye(0.28, 0.16, 0.034)
    b.stroke("24.5,40 41.5,40", 0.035, b.trim)


def fish(b: Brush) -> None:
    b.blob("64,50 86,26 100,20 94,50 100,80 86,74", b.dark)
    b.blob("30,32 46,10 66,18 60,36", b.dark)
    b.blob("36,70 48,88 60,84 54,66", b.dark)
    b.blob("0,52 16,32 42,24 64,36 76,50 64,64 42,76 16,70")
    b.curve("30,32 36,50 30,68", 0.018, b.deep)
    b.blob("40,50 56,42 56,60", b.light)
    b.disc(0.17, 0.46, 0.06, 0, (255, 255, 255))
    b.disc(0.16, 0.46, 0.034, 0, INK)
    b.curve("1,55 5,58 10,57", 0.014, b.deep)


def fish_round(b: Brush) -> None:
    b.blob("70,50 96,28 100,50 96,72", b.dark)
    b.blob("28,22 44,2 60,20", b.dark)
    b.blob("28,78 44,98 60,80", b.dark)
    b.disc(0.42, 0.5, 0.38, 0.34)
    for x in (0.4, 0.58):
        b.blob(
            [
                (x - 0.05, 0.2),
                (x + 0.05, 0.22),
                (x + 0.09, 0.5),
                (x + 0.05, 0.78),
                (x - 0.05, 0.8),
                (x - 0.01, 0.5),
            ],
            b.trim,
        )
    b.disc(0.2, 0.44, 0.075, 0, (255, 255, 255))
    b.disc(0.19, 0.44, 0.042, 0, INK)
    b.disc(0.05, 0.55, 0.04, 0.05, b.dark)


def whale(b: Brush) -> None:
    for dx in (-0.1, 0.1):
        b.curve(
            [(0.34, 0.34), (0.34 + dx * 0.4, 0.16), (0.34 + dx * 1.6, 0.14)], 0.034, (150, 206, 246)
        )
    b.blob("82,50 78,26 90,30 96,22 100,40 96,62", b.dark)
    b.blob("2,62 12,42 34,34 60,44 84,56 97,46 94,76 70,96 30,98 6,84")
    b.blob("4,74 30,76 56,84 70,95 30,97.5 8,87", CREAM)
    for k in range(4):
        b.stroke([(0.16 + 0.1 * k, 0.8 + 0.012 * k), (0.18 + 0.1 * k, 0.93)], 0.012, b.dark)
    b.eye(0.2, 0.62, 0.036)
    b.blob("42,74 54,74 56,92 46,90", b.dark)


def whale_leaps(b: Brush) -> None:
    b.blob("70,84 60,98 82,92 100,100 96,80 84,74", b.dark)
    b.blob("2,30 18,8 44,6 70,26 84,56 86,84 74,82 62,66 36,60 10,52")
    b.blob("4,42 26,38 46,50 62,66 36,60 10,52", CREAM)
    b.blob("40,44 52,46 44,74 34,70", b.dark)
    b.eye(0.2, 0.3, 0.036)


def turtle(b: Brush) -> None:
    b.shape("86,76 100,82 86,86", b.light)
    for x in (0.36, 0.74):
        b.block((x - 0.07, 0.72, x + 0.07, 1.0), b.light, 0.05)
    b.blob("26,82 18,78 2,62 4,46 20,46 28,64", b.light)
    b.slice(0.56, 0.82, 0.36, 0.56, (180, 360))
    for x, y in ((0.4, 0.64), (0.56, 0.46), (0.56, 0.7), (0.72, 0.64)):
        b.blob(
            [
                (x - 0.075, y),
                (x - 0.035, y - 0.075),
                (x + 0.035, y - 0.075),
                (x + 0.075, y),
                (x + 0.035, y + 0.075),
                (x - 0.035, y + 0.075),
            ],
            b.dark,
        )
    b.block((0.18, 0.79, 0.94, 0.87), b.deep, 0.04)
    b.disc(0.11, 0.53, 0.026, 0.034, INK)


def turtle_swims(b: Brush) -> None:
    b.blob("30,30 16,4 34,6 50,26", b.light)
    b.blob("30,70 16,96 34,94 50,74", b.light)
    b.blob("74,30 96,16 90,34", b.light)
    b.blob("74,70 96,84 90,66", b.light)
    b.disc(0.13, 0.5, 0.13, 0.11, b.light)
    b.disc(0.55, 0.5, 0.37, 0.31, b.deep)
    b.disc(0.55, 0.5, 0.33, 0.27)
    for x, y in (
        (0.55, 0.5),
        (0.36, 0.5),
        (0.74, 0.5),
        (0.46, 0.34),
        (0.64, 0.34),
        (0.46, 0.66),
        (0.64, 0.66),
    ):
        b.disc(x, y, 0.07, 0.06, b.dark)
    for y in (0.46, 0.54):
        b.disc(0.08, y, 0.02, 0, INK)


def butterfly(b: Brush) -> None:
    _both(b, "50,50 40,20 18,6 2,16 6,42 26,54")
    _both(b, "48,52 26,56 12,74 20,94 38,90", b.dark)
    _both(b, "36,30 22,18 12,24 16,38 30,44", b.light)
    _both(b, "36,62 24,72 28,84 36,78", b.trim)
    for side in (-1, 1):
        b.curve([(0.5, 0.26), (0.5 + side * 0.07, 0.12), (0.5 + side * 0.15, 0.08)], 0.02, INK)
    b.blob("50,20 54,28 54.5,60 50,84 45.5,60 46,28", INK)


def butterfly_side(b: Brush) -> None:
    b.blob("44,66 34,30 42,4 60,12 60,50", b.dark)
    b.blob("42,70 60,34 86,4 100,16 94,48 66,68")
    b.blob("46,72 74,64 92,74 84,94 60,92", b.dark)
    b.blob("66,50 86,20 90,34 80,50", b.light)
    b.disc(0.74, 0.78, 0.07, 0.06, b.trim)
    b.curve("26,62 16,46 6,44", 0.02, INK)
    b.curve("28,60 24,44 16,36", 0.02, INK)
    b.blob("18,64 30,58 58,76 62,86 40,80", INK)


def elephant(b: Brush) -> None:
    b.curve("94,44 100,60 98,70", 0.03, b.dark)
    for x in (0.46, 0.84):
        b.block((x - 0.075, 0.6, x + 0.075, 1.0), b.dark, 0.03)
    b.blob("34,26 62,16 88,26 97,50 92,76 50,80 34,70")
    for x in (0.4, 0.76):
        b.block((x - 0.085, 0.6, x + 0.085, 1.0), None, 0.03)
        b.block((x - 0.07, 0.95, x + 0.07, 1.0), b.light, 0.02)
    b.curve("16,40 5,60 6,80 15,88 20,80", 0.1)
    b.disc(0.26, 0.34, 0.22, 0.22)
    b.blob("14,56 24,56 20,68 8,70", CREAM)
    b.blob("36,16 54,16 60,36 52,58 38,52 32,34", b.dark)
    b.blob("40,22 51,23 54,36 49,50 40,44", b.light)
    b.eye(0.2, 0.32, 0.03)


def elephant_faces(b: Brush) -> None:
    for x in (0.36, 0.64):
        b.block((x - 0.1, 0.66, x + 0.1, 1.0), b.dark, 0.04)
    b.disc(0.5, 0.62, 0.3, 0.26)
    _both(b, "36,14 12,6 0,28 6,56 24,60 38,46", b.dark)
    _both(b, "32,20 15,14 7,30 12,48 24,50 33,42", BLUSH)
    b.disc(0.5, 0.32, 0.23, 0.26)
    b.curve("50,40 49,60 53,76 64,78", 0.11)
    for y in (0.52, 0.6, 0.68):
        b.stroke([(0.45, y), (0.54, y)], 0.012, b.deep)
    for x in (0.4, 0.6):
        b.eye(x, 0.3, 0.034)
