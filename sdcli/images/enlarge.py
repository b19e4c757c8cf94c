"""A picture made larger before a second pass, as A1111 gets to the size that it wants."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from sdcli.images.upscalers import PlainUpscaler

LANCZOS = Image.Resampling.LANCZOS
MOST_TIMES = 3  # that a picture is enlarged before the rest is left to Lanczos
Enlarge = Callable[[Image.Image, float], Image.Image]  # a picture, about so many times


def enlarge_by(row: PlainUpscaler) -> Enlarge:
    """The way of one of Pillow's filters."""

    def enlarge(picture: Image.Image, times: float) -> Image.Image:
        size = int(picture.width * times), int(picture.height * times)
        return picture.resize(size, Image.Resampling[row.of_pixels])

    return enlarge


def enlarge_to(picture: Image.Image, width: int, height: int, enlarge: Enlarge) -> Image.Image:
    """The picture at exactly this size: enlarged until both sides have all the whole cells of it, and
    brought to size by Lanczos."""
    times = max(width / picture.width, height / picture.height)
    if times > 1:
        wide = int(picture.width * times // 8 * 8)
        high = int(picture.height * times // 8 * 8)
        picture = _at_exactly(_at_least(picture, wide, high, times, enlarge), wide, high)
    return _at_exactly(picture, width, height)


def _at_least(
    picture: Image.Image, width: int, height: int, times: float, enlarge: Enlarge
) -> Image.Image:
    for _ in range(MOST_TIMES):
        before = picture.size
        if picture.width >= width and picture.height >= height:
            break
        picture = enlarge(picture, times)
        if picture.size == before:
            break
    return picture


def _at_exactly(picture: Image.Image, width: int, height: int) -> Image.Image:
    return picture if picture.size == (width, height) else picture.resize((width, height), LANCZOS)
