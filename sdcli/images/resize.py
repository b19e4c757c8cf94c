"""A picture at another size: stretched, cropped, or whole with its edges drawn out to the sides."""

from __future__ import annotations

from PIL import Image, ImageOps

Box = tuple[int, int, int, int]  # left, top, right, bottom


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
    left, top, right, bottom = contained_box(image.size, width, height)
    whole = Image.new(image.mode, (width, height))
    whole.paste(_scaled(image, right - left, bottom - top), (left, top))
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


def contained_box(size: tuple[int, int], width: int, height: int) -> Box:
    """Where `contain` puts all of a picture of this size."""
    share = min(width / size[0], height / size[1])
    wide, high = max(round(size[0] * share), 1), max(round(size[1] * share), 1)
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.LANCZOS)
