"""Patterns and materials: ways to treat what a brush has drawn in the thing's own colour."""

from __future__ import annotations

from brush import Brush
from PIL import Image, ImageChops, ImageFilter


def _striped(b: Brush) -> None:
    sheet, pen = b.marks()
    n, step = b.extent, b.side / 5
    for k in range(int(n / step) + 8):
        x = (k - 4) * step
        pen.polygon(
            [(x, n), (x + step / 2, n), (x + step / 2 + n / 3, 0), (x + n / 3, 0)], fill=255
        )
    b.print(sheet, b.trim)


def _dotted(b: Brush) -> None:
    sheet, pen = b.marks()
    step = b.side / 4.6
    for row in range(int(b.extent / step) + 2):
        for column in range(int(b.extent / step) + 2):
            x, y = (column + 0.5 * (row % 2)) * step, row * step * 0.9
            r = step * 0.27
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    b.print(sheet, b.trim)


def _checked(b: Brush) -> None:
    sheet, pen = b.marks()
    step = b.side / 5
    for row in range(int(b.extent / step) + 1):
        for column in range(row % 2, int(b.extent / step) + 1, 2):
            pen.rectangle(
                (column * step, row * step, (column + 1) * step, (row + 1) * step), fill=255
            )
    b.print(sheet, b.trim)


def _wooden(b: Brush) -> None:
    """Planks with grain, and a knot here and there."""
    sheet, pen = b.marks()
    n, step = b.extent, b.side / 4.5
    thin = max(2, round(b.side / 34))
    for k in range(int(n / step) + 2):
        y = k * step
        pen.line((0, y, n, y), fill=255, width=thin)
        for j in range(-1, 3):
            x = n * (j / 2 + 0.29 * (k % 3))
            pen.line((x, y, x, y + step), fill=255, width=thin)
            pen.arc((x + n * 0.06, y + step * 0.3, x + n * 0.3, y + step * 0.75), 190, 330, fill=150,
                    width=thin)  # fmt: skip
    b.print(sheet, b.deep)


def _knitted(b: Brush) -> None:
    """Stitches, each a small V."""
    sheet, pen = b.marks()
    step, wide = b.side / 6.5, max(2, round(b.side / 30))
    for row in range(int(b.extent / step) + 2):
        for column in range(int(b.extent / step) + 2):
            x, y = column * step, row * step * 0.8
            pen.line((x, y, x + step / 2, y + step * 0.62, x + step, y), fill=190, width=wide)
    b.print(sheet, b.dark)


def _metal(b: Brush) -> None:
    """Bands of bright and dark, as polished things mirror the sky."""
    n = b.extent
    white = (255, 255, 255)
    bands = ((0.30, 0.10, white), (0.47, 0.05, b.deep), (0.68, 0.06, white), (0.86, 0.07, b.deep))
    for where, wide, paint in bands:
        sheet, pen = b.marks()
        x = where * n
        pen.polygon(
            [(x, n), (x + wide * n, n), (x + (wide + 0.16) * n, 0), (x + 0.16 * n, 0)], fill=170
        )
        b.print(sheet.filter(ImageFilter.GaussianBlur(n * 0.012)), paint)


def _glass(b: Brush) -> None:
    """See-through, with a bright rim and a glint."""
    alpha = b.layer.getchannel("A")
    inner = (
        b.body.reduce(4)
        .filter(ImageFilter.GaussianBlur(b.extent / 110))
        .resize(b.body.size, Image.Resampling.BILINEAR)
    )
    inner = inner.point([0 if v < 215 else min(255, (v - 215) * 7) for v in range(256)])
    rim = ImageChops.subtract(b.body, inner)
    b.layer.paste((*b.light, 255), mask=rim)
    sheet, pen = b.marks()
    n = b.extent
    pen.polygon(
        [(0.2 * n, 0.62 * n), (0.32 * n, 0.62 * n), (0.56 * n, 0.2 * n), (0.44 * n, 0.2 * n)],
        fill=190,
    )
    pen.polygon(
        [(0.36 * n, 0.62 * n), (0.41 * n, 0.62 * n), (0.65 * n, 0.2 * n), (0.6 * n, 0.2 * n)],
        fill=190,
    )
    b.print(ImageChops.multiply(sheet, inner), (255, 255, 255))
    seen = ImageChops.multiply(inner, b.body).point(
        [round(255 - 105 * v / 255) for v in range(256)]
    )
    b.layer.putalpha(ImageChops.multiply(alpha, seen))


MATERIALS = {
    "striped": _striped, "dotted": _dotted, "checked": _checked,
    "wooden": _wooden, "knitted": _knitted, "metal": _metal, "glass": _glass,
}  # fmt: skip
"""Patterns and materials, each a way to treat what has the thing's own colour."""
