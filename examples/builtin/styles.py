"""Eight ways to make a picture, each from the clean drawing: what a style does to edges, surfaces
and colours.
"""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

STYLES = (
    "flat", "pixel art", "pencil", "watercolour", "stained glass", "woodcut", "neon", "paper cut",
)  # fmt: skip
PAPER = np.array((248, 244, 234), np.float32)


def in_style(
    clean: Image.Image, size: int, style: str, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """The clean drawing, four times too large, as a picture of `size` in a style. `outline` is
    where the things are.
    """
    if style in _STYLES:
        return _STYLES[style](clean, size, outline, dice)
    return clean.reduce(4)


def _floats(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32)


def _bytes(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _edges(picture: Image.Image, reach: int = 1) -> np.ndarray:
    """How abruptly colours change at each pixel, 0 to 255."""
    pixels = np.asarray(picture, np.int16)
    found = np.zeros(pixels.shape[:2], np.int16)
    for axis in (0, 1):
        step = np.abs(np.roll(pixels, -reach, axis) - np.roll(pixels, reach, axis)).max(2)
        if axis == 0:
            step[:reach], step[-reach:] = 0, 0
        else:
            step[:, :reach], step[:, -reach:] = 0, 0
        np.maximum(found, step, out=found)
    return found.astype(np.float32)


@lru_cache(maxsize=8)
def _noise(size: int, cells: int, seed: int) -> np.ndarray:
    """Smooth noise, about 0, at most 1."""
    roll = np.random.default_rng(seed).uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(roll).resize((size, size), Image.Resampling.BICUBIC))


@lru_cache(maxsize=16)
def _lines(n: int, across: float, down: float, soft: float) -> np.ndarray:
    """Parallel lines at twice the picture's size, as heights from 0 between them to 1 on them.

    They repeat every eight pixels of the picture, both ways, so that every cell of a latent sees
    the same piece of them: a decoder can learn that, and no encoder need remember it.
    """
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    place = np.abs(((xs * across + ys * down) / 16) % 1 - 0.5) * 2
    return np.clip((place - 0.5) * soft + 0.5, 0, 1) if soft else place


def _pixel_art(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """Cells of four pixels, a palette of twenty-four, a dark line around things. Two by two cells
    are a latent's.
    """
    n = size // 4
    small = clean.resize((n, n), Image.Resampling.BOX)
    inside = _floats(outline.resize((n, n), Image.Resampling.BOX)) > 110
    rim = inside & ~(
        np.roll(inside, 1, 0)
        & np.roll(inside, -1, 0)
        & np.roll(inside, 1, 1)
        & np.roll(inside, -1, 1)
    )
    pixels = _floats(small)
    pixels[rim] = pixels[rim] * 0.42 + np.array((12, 8, 24), np.float32) * 0.58
    few = (
        _bytes(pixels)
        .quantize(24, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        .convert("RGB")
    )
    return few.resize((size, size), Image.Resampling.NEAREST)


def _pencil(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """Coloured pencil: hatching in two directions over paper, and a graphite line."""
    double = clean.reduce(2)
    pixels = _floats(double)
    n, seed = 2 * size, dice.randrange(4)
    dark = (1 - pixels.mean(2) / 255)[..., None]
    first, second = (_lines(n, 1, turn, 2.5)[..., None] for turn in (1, -1))
    press = 1 + 0.16 * _noise(n, 9, seed)[..., None]
    cover = (0.36 + 0.54 * first + 0.4 * second * np.clip(1.4 * dark - 0.6, 0, 1)) * press
    cover = np.clip(cover, 0, 0.94)
    drawn = PAPER * (1 - cover) + pixels * cover
    line = np.clip((_edges(double.filter(ImageFilter.GaussianBlur(0.8))) - 12) / 44, 0, 1)
    line = (0.86 * line)[..., None]
    return _bytes(drawn * (1 - line) + np.array((56, 54, 60), np.float32) * line).reduce(2)


def _wobbled(picture: Image.Image, reach: float, dice: random.Random) -> Image.Image:
    """Edges as a trembling hand draws them."""
    n, cells = picture.width, 12
    points = [[(k * n / cells + (dice.uniform(-reach, reach) if 0 < k < cells else 0),
                j * n / cells + (dice.uniform(-reach, reach) if 0 < j < cells else 0))
               for k in range(cells + 1)] for j in range(cells + 1)]  # fmt: skip
    mesh = []
    for j in range(cells):
        for k in range(cells):
            box = (k * n // cells, j * n // cells, (k + 1) * n // cells, (j + 1) * n // cells)
            corners = (points[j][k], points[j + 1][k], points[j + 1][k + 1], points[j][k + 1])
            mesh.append((box, tuple(v for corner in corners for v in corner)))
    return picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _watercolour(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """Washes on white paper: pigment gathers at edges, pools in blots, and leaves a torn rim."""
    n = size
    small = _wobbled(clean.reduce(2), n * 0.009, dice).resize((n, n), Image.Resampling.BOX)
    pixels = _floats(small)
    seed = dice.randrange(6)
    pools = 1 + 0.11 * _noise(n, 7, seed) + 0.07 * _noise(n, 19, seed + 6)
    soft = _floats(small.filter(ImageFilter.GaussianBlur(n / 48)))
    gathered = np.clip((soft - pixels).mean(2, keepdims=True), -30, 45)
    wash = (
        0.80 * pixels * pools[..., None]
        + 0.20 * PAPER
        - 0.55 * np.maximum(gathered, 0)
        + 0.35 * np.maximum(-gathered, 0)
    )
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / n
    away = (
        np.minimum.outer(edge, edge)
        + 0.022 * _noise(n, 14, seed + 18)
        + 0.008 * _noise(n, 48, seed + 24)
    )
    frame = np.clip((away - 0.032) / 0.014, 0, 1)
    rim = np.clip(1 - np.abs(away - 0.052) / 0.014, 0, 1) * frame
    wash = wash * (1 - 0.16 * rim[..., None])
    return _bytes(wash * frame[..., None] + PAPER * (1 - frame[..., None]))


def _bent(k: int, j: int, cells: int, dice: random.Random) -> tuple[float, float]:
    """A knot of a net, moved a little, unless it is at the rim."""
    x, y = (v + (dice.uniform(-0.3, 0.3) if 0 < v < cells else 0) for v in (k, j))
    return x, y


def _stained_glass(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """Pieces of glass between leads: a bent net of panes, each its own tone, and leads around
    things.
    """
    n, cells = 2 * size, 4
    double = clean.reduce(2)
    knots = [[_bent(k, j, cells, dice) for k in range(cells + 1)] for j in range(cells + 1)]
    tone, lead = Image.new("L", (n, n), 128), Image.new("L", (n, n), 0)
    paint, draw = ImageDraw.Draw(tone), ImageDraw.Draw(lead)
    step, wide = n / cells, max(3, round(n / 64))
    for j in range(cells):
        for k in range(cells):
            corners = [
                (x * step, y * step)
                for x, y in (knots[j][k], knots[j][k + 1], knots[j + 1][k + 1], knots[j + 1][k])
            ]
            cut = dice.random()
            parts = (
                [corners]
                if cut < 0.6
                else [corners[:3], [corners[2], corners[3], corners[0]]]
                if cut < 0.8
                else [corners[1:], [corners[3], corners[0], corners[1]]]
            )
            for part in parts:
                paint.polygon(part, fill=dice.randint(96, 160))
                draw.line([*part, part[0]], fill=255, width=wide, joint="curve")
    pixels = _floats(double.filter(ImageFilter.GaussianBlur(n / 200)))
    grey = pixels.mean(2, keepdims=True)
    vivid = grey + 1.35 * (pixels - grey)
    shine = (_floats(tone) / 128)[..., None] + 0.04 * _noise(n, 8, dice.randrange(4))[..., None]
    inside = outline.reduce(2)
    glass = np.where(
        _floats(inside)[..., None] > 128, vivid * (0.72 + 0.3 * shine), vivid * (0.3 + 0.7 * shine)
    )
    soft = inside.filter(ImageFilter.GaussianBlur(wide * 0.8))
    around = np.clip(1 - np.abs(_floats(soft) - 128) / 92, 0, 1) ** 0.5
    inner = np.clip((_edges(double, 2) - 60) / 40, 0, 1)
    inner = _floats(_bytes(inner * 255).filter(ImageFilter.GaussianBlur(wide * 0.42))) / 255
    leads = np.maximum(
        np.maximum(around, np.clip(inner * 1.5, 0, 1)),
        np.where(_floats(inside) > 128, 0.0, _floats(lead) / 255),
    )
    return _bytes(glass * (1 - leads[..., None]) + 22 * leads[..., None]).reduce(2)


def _woodcut(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """Black ink on flat colours: carved lines, wider where it is darker, and a bold black line."""
    double = clean.reduce(2)
    n = double.width
    pixels, inside = _floats(double), _floats(outline.reduce(2)) > 128
    lines = np.where(inside, _lines(n, 1, 1, 0.0), _lines(n, 0, 1, 0.0))
    grey = pixels.mean(2)
    dark = np.clip((200 - grey) / 255, 0.0, 0.5) * np.where(inside, 0.7, 0.8)
    carved = np.clip((dark - lines) * 5, 0, 1)
    few = double.filter(ImageFilter.GaussianBlur(1))
    few = few.quantize(16, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    ground = _floats(few.convert("RGB")) * 0.86 + PAPER * 0.14
    ground = np.where(inside[..., None], ground, ground * 0.66 + 88)
    edge = _edges(double, 2) * np.where(inside | (grey < 170), 1.0, 0.35)
    edge = _bytes(np.clip((edge - 40) / 50, 0, 1) * 255).filter(ImageFilter.GaussianBlur(1.5))
    line = np.clip((_floats(edge) / 255) * 2.1 - 0.15, 0, 1)
    ink = np.maximum(carved, line)[..., None]
    return _bytes(ground * (1 - ink) + np.array((26, 22, 28), np.float32) * ink).reduce(2)


def _neon(clean: Image.Image, size: int, outline: Image.Image, dice: random.Random) -> Image.Image:
    """Glowing tubes along the edges, in the things' own colours, in the dark."""
    double, inside = clean.reduce(2), outline.reduce(2)
    pixels, within = _floats(double), _floats(inside) / 255
    soft = _floats(inside.filter(ImageFilter.GaussianBlur(2.2)))
    around = np.clip(1 - np.abs(soft - 150) / 76, 0, 1)
    line = np.maximum(np.clip((_edges(double, 2) - 34) / 70, 0, 1) * (0.4 + 0.5 * within), around)
    local = _floats(
        clean.reduce(4)
        .filter(ImageFilter.MaxFilter(3))
        .resize(double.size, Image.Resampling.NEAREST)
    )
    vivid = 1.75 * local - 0.75 * local.mean(2, keepdims=True)
    vivid *= 236 / np.maximum(local.max(2, keepdims=True), 70)
    tubes = _bytes(vivid * line[..., None])
    halo = (
        tubes.reduce(4)
        .filter(ImageFilter.GaussianBlur(size / 80))
        .resize(tubes.size, Image.Resampling.BILINEAR)
    )
    halo = halo.point([min(255, round(1.5 * v)) for v in range(256)] * 3)
    night = _bytes(
        pixels * np.where(within > 0.5, 0.32, 0.24)[..., None] + np.array((8, 6, 22), np.float32)
    )
    core = Image.fromarray((np.clip(line * 1.4 - 0.75, 0, 1) * 70).astype(np.uint8))
    seen = ImageChops.screen(night, ImageChops.screen(tubes, halo))
    return ImageChops.add(seen, Image.merge("RGB", (core, core, core))).reduce(2)


def _paper_cut(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """The layers and their shadows are in the drawing already; the paper is a little uneven."""
    return _bytes(_floats(clean.reduce(4)) + 5 * _noise(size, 20, dice.randrange(6))[..., None])


def _blueprint(
    clean: Image.Image, size: int, outline: Image.Image, dice: random.Random
) -> Image.Image:
    """White lines on blue. The model never sees it: a LoRA learns it."""
    double = clean.reduce(2)
    grey = _floats(double.convert("L"))[..., None]
    line = np.clip((_edges(double.filter(ImageFilter.GaussianBlur(1))) - 12) / 44, 0, 1)[..., None]
    share = 0.08 + 0.3 * grey / 255
    wash = (1 - share) * np.array((16, 62, 150), np.float32) + share * np.array(
        (120, 170, 236), np.float32
    )
    return _bytes(wash * (1 - line) + 242 * line).reduce(2)


_STYLES = {
    "pixel art": _pixel_art, "pencil": _pencil, "watercolour": _watercolour,
    "stained glass": _stained_glass, "woodcut": _woodcut, "neon": _neon, "paper cut": _paper_cut,
    "blueprint": _blueprint,
}  # fmt: skip
