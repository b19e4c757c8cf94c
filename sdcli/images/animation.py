"""A trace as moving pictures, and attention laid over a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageOps

from sdcli.images.contact_sheet import FAINT, INK, PAPER
from sdcli.images.fonts import line_height, load_font, text_width

MOMENT = 100  # milliseconds that each frame stays
LAST = 1500  # and the last, before it begins again
SMALLEST, LARGEST = 192, 384  # pixels of a frame's pictures
VISIBLE = 40  # levels of difference that are shown as white at the least
UNSEEN = 0.22  # how much of a place's light is left where nobody attended to it


def make_frames(pairs: Sequence[tuple[Image.Image, Image.Image, str]]) -> list[Image.Image]:
    """Two pictures side by side under a line of text, frame after frame."""
    letters = load_font(14)
    made: list[Image.Image] = []
    for left, right, text in pairs:
        scale = max(1, -(-SMALLEST // min(left.size))) * min(1, LARGEST / max(left.size))
        size = round(left.width * scale), round(left.height * scale)
        canvas = Image.new("RGB", (2 * size[0] + 24, size[1] + line_height(letters) + 24), PAPER)
        drawing = ImageDraw.Draw(canvas)
        x = max((canvas.width - text_width(text, letters)) // 2, 8)
        drawing.text((x, 6), text, fill=INK if made else FAINT, font=letters)
        for place, image in enumerate((left, right)):
            at = 8 + place * (size[0] + 8), line_height(letters) + 16
            canvas.paste(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), at)
        made.append(canvas)
    return made


def encode_animation(made: Sequence[Image.Image], kind: str) -> bytes:
    """The frames as an animation, WebP or GIF, that goes round and rests on its last frame."""
    data = io.BytesIO()
    first, *others = made
    times = [MOMENT] * len(others) + [LAST]
    first.save(
        data,
        kind.upper(),
        save_all=True,
        append_images=others,
        duration=times,
        loop=0,
        **({"quality": 85, "method": 4} if kind == "webp" else {}),
    )
    return data.getvalue()


def overlay_map(picture: Image.Image, where: Image.Image) -> Image.Image:
    """The picture lit where the grey map is bright, dark and without colour where it is not."""
    light = where.convert("L").resize(picture.size, Image.Resampling.BICUBIC)
    grey = ImageOps.grayscale(picture).point([int(level * UNSEEN) for level in range(256)])
    return Image.composite(picture.convert("RGB"), grey.convert("RGB"), light)


def difference_map(one: Image.Image, other: Image.Image) -> Image.Image:
    """Where two pictures differ: the brighter the more, black where they are the same."""
    difference = ImageOps.grayscale(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    # The largest difference is white, unless it is so small that it would be rounding that shines.
    largest = max(VISIBLE, *(level for level, count in enumerate(difference.histogram()) if count))
    return difference.point([min(255, 255 * level // largest) for level in range(256)])
