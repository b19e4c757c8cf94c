"""People, and those who are nearly people. Each can hold something in its hand."""

# ruff: noqa: D103  (a painter's name says what it draws)

from __future__ import annotations

from brush import BLUSH, CREAM, INK, LAMP, RGB, SKIN, STEEL, WOOD, Brush

HAIRS: tuple[RGB, ...] = ((86, 54, 36), (232, 184, 92), (40, 36, 44), (178, 84, 44))


def _smile(b: Brush, x: float, y: float, wide: float, ink: RGB = INK) -> None:
    b.curve([(x - wide, y), (x, y + wide * 0.7), (x + wide, y)], 0.016, ink)


def _head(b: Brush, y: float, hair: RGB, r: float = 0.15) -> None:
    b.disc(0.5, y, r, r * 1.02, SKIN)
    for x in (0.5 - r * 0.4, 0.5 + r * 0.4):
        b.disc(x, y + 0.01, 0.02, 0.026, INK)
        b.disc(0.5 + (x - 0.5) * 1.6, y + r * 0.4, 0.026, 0.018, BLUSH)
    _smile(b, 0.5, y + r * 0.42, 0.045)
    b.slice(0.5, y - 0.01, r * 1.08, r * 1.08, (180, 360), hair)
    b.blob(
        [
            (0.5 - r * 1.06, y),
            (0.5 - r * 0.8, y - r * 0.5),
            (0.5 + r * 0.2, y - r * 0.7),
            (0.5, y - r * 0.3),
            (0.5 - r * 0.8, y + r * 0.1),
        ],
        hair,
    )


def girl(b: Brush) -> None:
    hair = HAIRS[0]
    for x in (0.3, 0.7):
        b.blob(
            [(x, 0.14), (0.5 + (x - 0.5) * 1.6, 0.3), (0.5 + (x - 0.5) * 1.5, 0.44), (x, 0.36)],
            hair,
        )
    for x in (0.43, 0.57):
        b.block((x - 0.04, 0.8, x + 0.04, 0.96), SKIN)
        b.disc(x, 0.97, 0.06, 0.032, INK)
    for x in (0.2, 0.8):
        b.stroke([(0.5 + (x - 0.5) * 0.5, 0.46), (x, 0.62)], 0.06, SKIN)
    b.blob("42,38 58,38 66,54 80,84 50,90 20,84 34,54")
    b.stroke("38,60 62,60", 0.03, b.trim)
    _head(b, 0.24, hair, 0.19)


def girl_waves(b: Brush) -> None:
    hair = HAIRS[1]
    b.blob("50,2 72,12 74,46 50,50 26,46 28,12", hair)
    for x in (0.43, 0.57):
        b.block((x - 0.045, 0.78, x + 0.045, 0.98), (92, 98, 140))
        b.disc(x, 0.975, 0.065, 0.03, INK)
    b.stroke("36,48 24,64", 0.07, SKIN)
    b.stroke("64,48 82,32", 0.07, SKIN)
    b.blob("40,40 60,40 70,58 76,82 50,86 24,82 30,58")
    b.disc(0.5, 0.4, 0.09, 0.03, b.trim)
    _head(b, 0.25, hair, 0.18)


def boy(b: Brush) -> None:
    for x in (0.41, 0.59):
        b.block((x - 0.07, 0.7, x + 0.07, 0.97), (84, 94, 130), 0.02)
        b.block((x - 0.09, 0.93, x + 0.08, 1.0), INK, 0.03)
    for x in (0.2, 0.8):
        b.stroke([(0.5 + (x - 0.5) * 0.6, 0.46), (x, 0.64)], 0.07, SKIN)
        b.stroke([(0.5 + (x - 0.5) * 0.6, 0.46), (0.5 + (x - 0.5) * 0.82, 0.55)], 0.095)
    b.block((0.32, 0.4, 0.68, 0.76), None, 0.08)
    b.shape("44,40 56,40 50,48", b.trim)
    _head(b, 0.24, HAIRS[2], 0.18)


def boy_in_cap(b: Brush) -> None:
    for x in (0.41, 0.59):
        b.block((x - 0.07, 0.72, x + 0.07, 0.97), WOOD, 0.02)
        b.block((x - 0.09, 0.93, x + 0.08, 1.0), INK, 0.03)
    b.stroke("36,50 22,66", 0.08, SKIN)
    b.stroke("64,50 82,38", 0.08, SKIN)
    b.block((0.32, 0.42, 0.68, 0.78), None, 0.09)
    b.block((0.32, 0.54, 0.68, 0.6), b.trim)
    _head(b, 0.26, HAIRS[3], 0.18)
    b.slice(0.5, 0.2, 0.2, 0.18, (180, 360))
    b.blob("34,20 12,20 10,24 36,24", b.dark)


def wizard(b: Brush) -> None:
    for x in (0.2, 0.8):
        b.blob(
            [(0.5 + (x - 0.5) * 0.4, 0.44), (x, 0.56), (x, 0.68), (0.5 + (x - 0.5) * 0.6, 0.66)],
            b.dark,
        )
        b.disc(x, 0.63, 0.045, 0, SKIN)
    b.blob("40,40 60,40 70,70 78,98 22,98 30,70")
    b.disc(0.5, 0.36, 0.15, 0.13, SKIN)
    b.blob("36,38 44,42 56,42 64,38 60,62 50,76 40,62", (240, 240, 244))
    b.disc(0.5, 0.4, 0.035, 0.03, BLUSH)
    for x in (0.44, 0.56):
        b.disc(x, 0.345, 0.02, 0.025, INK)
    b.blob("22,30 50,24 78,30 50,35", b.dark)
    b.shape("34,29 48,6 58,0 60,14 66,29")
    for x, y in ((0.48, 0.2), (0.58, 0.24)):
        b.disc(x, y, 0.022, 0, LAMP)


def wizard_casts(b: Brush) -> None:
    b.stroke("86,20 80,98", 0.035, WOOD)
    b.disc(0.86, 0.16, 0.065, 0, LAMP)
    b.blob("40,44 60,44 84,50 86,62 66,62 76,98 20,98 30,70")
    b.disc(0.83, 0.55, 0.05, 0, SKIN)
    b.disc(0.5, 0.38, 0.15, 0.13, SKIN)
    b.blob("36,40 50,46 64,40 60,66 46,84 40,64", (240, 240, 244))
    for x in (0.44, 0.56):
        b.disc(x, 0.365, 0.02, 0.025, INK)
    b.shape("36,30 30,8 42,3 66,30", b.dark)
    b.blob("22,32 50,26 78,32 50,37")


def robot(b: Brush) -> None:
    b.stroke("50,2 50,12", 0.025, STEEL)
    b.disc(0.5, 0.03, 0.035, 0, (228, 66, 60))
    for x in (0.38, 0.62):
        b.block((x - 0.06, 0.78, x + 0.06, 0.98), STEEL)
        b.block((x - 0.1, 0.93, x + 0.1, 1.0), b.deep, 0.03)
    for x in (0.15, 0.85):
        b.stroke([(0.5 + (x - 0.5) * 0.7, 0.52), (x, 0.66)], 0.075, STEEL)
        b.disc(x, 0.68, 0.06, 0, b.deep)
    b.block((0.26, 0.1, 0.74, 0.42), None, 0.07)
    b.block((0.32, 0.17, 0.68, 0.34), INK, 0.05)
    for x in (0.42, 0.58):
        b.disc(x, 0.255, 0.045, 0, (126, 236, 240))
    b.block((0.46, 0.42, 0.54, 0.48), STEEL)
    b.block((0.24, 0.47, 0.76, 0.82), None, 0.06)
    b.block((0.33, 0.54, 0.67, 0.68), b.trim, 0.03)
    for x, paint in ((0.4, (228, 66, 60)), (0.5, (250, 206, 70)), (0.6, (88, 190, 110))):
        b.disc(x, 0.61, 0.03, 0, paint)


def robot_round(b: Brush) -> None:
    for x in (0.34, 0.66):
        b.disc(x, 0.93, 0.11, 0.07, INK)
    b.stroke("20,56 10,74", 0.06, STEEL)
    b.stroke("80,56 92,44", 0.06, STEEL)
    b.disc(0.5, 0.66, 0.3, 0.27)
    b.disc(0.5, 0.68, 0.13, 0, b.trim)
    b.disc(0.5, 0.68, 0.07, 0, (90, 200, 230))
    b.slice(0.5, 0.4, 0.27, 0.32, (180, 360), b.light)
    b.block((0.22, 0.38, 0.78, 0.45), b.deep, 0.02)
    b.disc(0.5, 0.25, 0.1, 0, INK)
    b.disc(0.5, 0.25, 0.06, 0, (255, 104, 88))
    b.stroke("66,14 74,2", 0.024, STEEL)


def snowman(b: Brush) -> None:
    for x in (0.06, 0.94):
        b.stroke([(0.5 + (x - 0.5) * 0.5, 0.56), (x, 0.42)], 0.026, WOOD)
    b.disc(0.5, 0.8, 0.28, 0.2, (244, 248, 252))
    b.disc(0.5, 0.52, 0.21, 0.19, (248, 251, 254))
    b.disc(0.5, 0.27, 0.165, 0.15, (252, 253, 255))
    b.block((0.36, 0.36, 0.64, 0.43), None, 0.03)
    b.block((0.54, 0.4, 0.63, 0.6), None, 0.02)
    b.block((0.28, 0.13, 0.72, 0.18), b.dark, 0.02)
    b.block((0.37, 0.0, 0.63, 0.16))
    for x in (0.44, 0.56):
        b.disc(x, 0.255, 0.022, 0, INK)
    b.shape("50,27.5 50,32 34,31.5", (244, 140, 44))
    for y in (0.5, 0.6, 0.75):
        b.disc(0.48, y, 0.025, 0, INK)


def snowman_in_cap(b: Brush) -> None:
    b.stroke("30,60 6,50", 0.026, WOOD)
    b.stroke("70,60 94,44", 0.026, WOOD)
    b.disc(0.5, 0.74, 0.32, 0.25, (244, 248, 252))
    b.disc(0.5, 0.36, 0.22, 0.2, (252, 253, 255))
    b.block((0.3, 0.48, 0.7, 0.56), None, 0.04)
    b.block((0.32, 0.52, 0.42, 0.76), None, 0.02)
    b.slice(0.5, 0.26, 0.2, 0.22, (180, 360))
    b.block((0.28, 0.22, 0.72, 0.29), b.trim, 0.03)
    b.disc(0.5, 0.05, 0.05, 0, b.trim)
    for x in (0.43, 0.57):
        b.disc(x, 0.35, 0.025, 0, INK)
    b.shape("50,37 50,43 68,41", (244, 140, 44))
    for y in (0.66, 0.78):
        b.disc(0.54, y, 0.03, 0, INK)


def ghost(b: Brush) -> None:
    head = "82,34 79.44,21.84 72.4,11.6 62.16,4.56 50,2 37.84,4.56 27.6,11.6 20.56,21.84 18,34"
    b.shape(head + " 16,92 24,98 32,90 42,98 50,90 60,98 68,90 78,98 84,92")
    for x in (0.1, 0.9):
        b.blob(
            [(0.5 + (x - 0.5) * 0.7, 0.46), (x, 0.52), (x, 0.62), (0.5 + (x - 0.5) * 0.75, 0.62)]
        )
    for x in (0.39, 0.61):
        b.disc(x, 0.34, 0.055, 0.08, b.line)
        b.disc(x - 0.012, 0.31, 0.02, 0, CREAM if b.line == INK else INK)
    b.disc(0.5, 0.5, 0.05, 0.06, b.line)


def ghost_drifts(b: Brush) -> None:
    b.blob("42,4 66,12 74,40 76,70 98,94 70,96 40,90 20,66 14,30 24,10")
    b.blob("20,48 4,50 4,60 24,62", b.light)
    b.blob("60,50 46,54 46,64 62,64", b.light)
    for x in (0.32, 0.52):
        b.disc(x, 0.3, 0.05, 0.065, b.line)
    _smile(b, 0.42, 0.42, 0.08, b.line)
