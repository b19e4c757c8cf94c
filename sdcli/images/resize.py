"""A picture at another size: stretched, cropped, or whole with its edges drawn out to the sides."""

from __future__ import annotations

from PIL import Image, ImageOps


def stretch(image: Image.Image, width: int, height: int) -> Image.Image:
    """All of the picture, whatever becomes of its proportions."""
    return image if image.size == (width, height) else _scaled(image, width, height)


def cover(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture as large as it must be to fill the size, what stands out cut off all around."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def contain(image: Image.Image, width: int, height: int) -> Image.Image:
    """All of the picture in its proportions, in the middle; its outermost lines fill what is left."""
    if image.size == (width, height):
        return image
    share = min(width / image.width, height / image.height)
    inner = max(round(image.width * share), 1), max(round(image.height * share), 1)
    small = _scaled(image, *inner)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    right, bottom = left + inner[0], top + inner[1]
    whole = Image.new(image.mode, (width, height))
    whole.paste(small, (left, top))
    for (x0, y0, x1, y1), line in (
        ((0, top, left, bottom), (left, top, left + 1, bottom)),
        ((right, top, width, bottom), (right - 1, top, right, bottom)),
        ((0, 0, width, top), (0, top, width, top + 1)),
        ((0, bottom, width, height), (0, bottom - 1, width, bottom)),
    ):
        if x1 > x0 and y1 > y0:
            edge = whole.crop(line).resize((x1 - x0, y1 - y0), Image.Resampling.NEAREST)
            whole.paste(edge, (x0, y0))
    return whole


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.LANCZOS)
