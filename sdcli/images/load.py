"""The pictures a user hands in: opened, turned upright, fitted, masked. Nothing is trusted."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageOps

from sdcli.errors import BadRequest

CELL = 8  # pixels of a latent cell's side
LARGEST = 64_000_000  # pixels; what a picture may claim before anything of it is decoded
# What pillow's decoders have been seen to raise over damaged files.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, RuntimeError, TypeError, LookupError, EOFError),
    *(ArithmeticError, struct.error, zlib.error, Image.DecompressionBombError),
)
_SIDEWAYS = {5, 6, 7, 8}


def size(path: Path, what: str = "picture") -> tuple[int, int]:
    """Width and height after turning upright, from the header alone."""
    with _opened(path, what) as image:
        width, height = image.size
        turned = "exif" in image.info and _orientation(image) in _SIDEWAYS
    return (height, width) if turned else (width, height)


def _orientation(image: Image.Image) -> int:
    """Which side is up, as far as the picture says so. (Without EXIF a PNG would be decoded.)"""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return image.getexif().get(0x0112, 1)
    except DAMAGED:
        return 1


def picture(path: Path, what: str = "picture") -> Image.Image:
    """The picture, upright, in RGB; what was transparent is white."""
    with _opened(path, what) as image:
        upright = ImageOps.exif_transpose(_decoded(image, path, what))
        if "A" in upright.getbands() or "transparency" in upright.info:
            seen = upright.convert("RGBA")
            white = Image.new("RGBA", seen.size, "white")
            return Image.alpha_composite(white, seen).convert("RGB")
        return upright.convert("RGB")


def mask(path: Path) -> Image.Image:
    """A mask of 0 and 255 only: white is what may change. Transparent counts as black."""
    with _opened(path, "mask") as image:
        upright = ImageOps.exif_transpose(_decoded(image, path, "mask"))
        grey = upright.convert("RGBA")
        black = Image.new("RGBA", grey.size, "black")
        grey = Image.alpha_composite(black, grey).convert("L")
        return grey.point([255 * (level > 127) for level in range(256)])


def checked_mask(path: Path, image: Path) -> None:
    """Refuse a mask that cannot be meant: another size, nothing white, nothing black."""
    wanted, got = size(image), size(path, "mask")
    if wanted != got:
        raise BadRequest(
            f"the mask `{path.name}` is {got[0]}x{got[1]}, the picture {wanted[0]}x{wanted[1]}",
            hint="draw the mask at the size of the picture",
        )
    low, high = mask(path).getextrema()
    if high == 0:
        raise BadRequest(
            f"the mask `{path.name}` is black all over, so nothing would be repainted",
            hint="paint what should change white (or turn the mask's colours over)",
        )
    if low == 255:
        raise BadRequest(
            f"the mask `{path.name}` is white all over, so nothing would be kept",
            hint="`sdcli img2img` redraws a whole picture",
        )


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture at this size: scaled to cover it and cropped around the middle, or, where it is
    at most a cell smaller, its edge repeated (so that nothing moves and it can be cropped back)."""
    gap = width - image.width, height - image.height
    if gap == (0, 0):
        return image
    if all(0 <= side < CELL for side in gap):
        return _edged(image, width, height)
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def rounded_up(pixels: int) -> int:
    """The next multiple of a cell: 511 makes 512."""
    return -(-pixels // CELL) * CELL


def feathered(mask_image: Image.Image, feather: int) -> Image.Image:
    """How much of the new picture shows: 0 wherever the mask is black, rising to 255 within
    `feather` pixels inside the white, so that nothing outside is ever touched."""
    if feather == 0:
        return mask_image
    # The mean of ever smaller masks is the distance to the edge, cut off at `feather`.
    layer = mean = _eroded(mask_image)
    for count in range(2, feather + 1):
        layer = _eroded(layer)
        mean = Image.blend(mean, layer, 1 / count)
    # A stroke thinner than the feather keeps some of the new picture, rather than none of it.
    thin = mask_image.point([level // (feather + 1) for level in range(256)])
    return ImageChops.lighter(mean, thin)


def composite(new: Image.Image, old: Image.Image, share: Image.Image) -> Image.Image:
    """`new` where `share` is white, `old` where it is black, to the bit, a blend between."""
    return Image.composite(new, old, share)


def _eroded(layer: Image.Image) -> Image.Image:
    """The mask one pixel smaller on every side. Beyond the picture counts as inside."""
    return layer.filter(ImageFilter.MinFilter(3))


def _edged(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in the upper left, its last column and row repeated to the size asked for."""
    wide = Image.new(image.mode, (width, height))
    wide.paste(image, (0, 0))
    column = image.crop((image.width - 1, 0, image.width, image.height))
    for x in range(image.width, width):
        wide.paste(column, (x, 0))
    row = wide.crop((0, image.height - 1, width, image.height))
    for y in range(image.height, height):
        wide.paste(row, (0, y))
    return wide


def _opened(path: Path, what: str) -> Image.Image:
    if not path.is_file():
        raise BadRequest(f"there is no {what} at `{path}`", hint="check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags, and of many pixels
            image = Image.open(path)
    except DAMAGED as error:
        if isinstance(error, Image.DecompressionBombError):
            raise _too_large(path, what) from error
        raise BadRequest(
            f"`{path.name}` is not a picture that can be read",
            hint=f"the {what} must be a PNG, JPEG, WebP or another common picture file",
        ) from error
    if image.width * image.height > LARGEST:
        image.close()
        raise _too_large(path, what)
    return image


def _too_large(path: Path, what: str) -> BadRequest:
    return BadRequest(
        f"`{path.name}` claims more than {LARGEST // 1_000_000} million pixels",
        hint=f"scale the {what} down first",
    )


def _decoded(image: Image.Image, path: Path, what: str) -> Image.Image:
    try:
        image.load()
    except DAMAGED as error:
        raise BadRequest(
            f"the {what} `{path.name}` is damaged: {error}", hint="save it again, or use another"
        ) from error
    return image
