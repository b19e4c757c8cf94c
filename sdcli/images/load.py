"""The pictures a user hands in: opened, turned upright, fitted, masked. Nothing is trusted."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

from sdcli.errors import BadRequest
from sdcli.images.open_picture import DAMAGED, open_picture
from sdcli.library.open_file import is_folder, is_there, open_regular_file

CELL = 8  # pixels of a latent cell's side
# Pixels that a picture may claim before anything of it is decoded, so that it takes 500 MB at most:
# WebP and AVIF are decoded into several copies at once.
LARGEST = 50_000_000
LARGEST_BY_FORMAT = {"WEBP": 24_000_000, "AVIF": 24_000_000}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_SIDEWAYS = {5, 6, 7, 8}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
COLOURED = 24  # levels that a colour is away from grey, and a grey from black and from white
MASK_LEVELS = 32  # of grey, in a mask with soft edges in a colour of one's own
_BAND = 256  # rows that are laid over a background at once


def picture_size(path: Path, what: str = "picture") -> tuple[int, int]:
    """Width and height after turning upright, from the header alone."""
    with _opened(path, what) as image:
        width, height = image.size
        turned = "exif" in image.info and _orientation(image) in _SIDEWAYS
    return (height, width) if turned else (width, height)


def _orientation(image: Image.Image) -> int:
    """Which side is up, as far as the picture says so. (Without EXIF a PNG would be decoded.)"""
    try:
        return image.getexif().get(0x0112, 1)
    except DAMAGED:
        return 1


def load_picture(path: Path, what: str = "picture") -> Image.Image:
    """The picture, upright, in RGB; what was transparent is white."""
    with _opened(path, what) as image:
        upright = _upright(_decoded(image, path, what))
        if _has_alpha(upright):
            return _over(upright, "white", "RGB")
        return upright if upright.mode == "RGB" else upright.convert("RGB")


def load_whole_picture(path: Path, what: str = "picture") -> Image.Image:
    """The picture, upright, in RGB, or in RGBA where any of it may be transparent."""
    with _opened(path, what) as image:
        upright = _upright(_decoded(image, path, what))
        wanted = "RGBA" if _has_alpha(upright) else "RGB"
        return upright if upright.mode == wanted else upright.convert(wanted)


def load_mask(path: Path) -> Image.Image:
    """A mask of 0 and 255 only: white is what may change. Transparent counts as black.

    Where the colours say nothing, all of them black, what is painted at all may change.
    """
    with _opened(path, "mask") as image:
        upright = _upright(_decoded(image, path, "mask"))
        decided = _black_and_white(_over(upright, "black", "L"))
        if decided.getbbox() is None and _has_alpha(upright):
            alpha = upright if "A" in upright.getbands() else upright.convert("RGBA")
            painted = _black_and_white(alpha.getchannel("A"))
            return decided if painted.getextrema() == (255, 255) else painted
        return decided


def load_transparency(path: Path, what: str = "mask") -> Image.Image | None:
    """Where a picture is transparent, as a mask: white where it is wholly so, black where it is wholly
    there. None where it knows no transparency."""
    with _opened(path, what) as image:
        upright = _upright(_decoded(image, path, what))
        if not _has_alpha(upright):
            return None
        alpha = upright if "A" in upright.getbands() else upright.convert("RGBA")
        return ImageChops.invert(alpha.getchannel("A").convert("L"))


def _black_and_white(grey: Image.Image) -> Image.Image:
    return grey.point([255 * (level > 127) for level in range(256)])


def _has_alpha(image: Image.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


def _over(image: Image.Image, background: str, mode: str) -> Image.Image:
    """The picture over a colour, in RGB or grey; by bands of rows, so that no copy of all of it is
    made."""
    whole = Image.new(mode, image.size)
    for top in range(0, image.height, _BAND):
        bottom = min(top + _BAND, image.height)
        band = image.crop((0, top, image.width, bottom)).convert("RGBA")
        under = Image.new("RGBA", band.size, background)
        whole.paste(Image.alpha_composite(under, band).convert("RGB").convert(mode), (0, top))
    return whole


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    image.close()  # so that one of the two is all that is held
    return turned


def check_mask(path: Path, image: Path) -> None:
    """Refuse a mask that cannot be meant: another size, nothing white, nothing black."""
    if is_photo(path, "mask"):
        if not is_photo(image):
            raise BadRequest(
                f"`{path.name}` has the many shades of a picture, and `{image.name}` a mask's few",
                hint="they are swapped: `--image` takes the picture, `--mask` its mask",
            )
        raise BadRequest(
            f"the mask `{path.name}` is a picture of many shades",
            hint="a mask is black, and white where the picture may change",
        )
    wanted, got = picture_size(image), picture_size(path, "mask")
    if wanted != got:
        raise BadRequest(
            f"the mask `{path.name}` is {got[0]}x{got[1]}, the picture {wanted[0]}x{wanted[1]}",
            hint="draw the mask at the size of the picture",
        )
    low, high = load_mask(path).getextrema()
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


def is_photo(path: Path, what: str = "picture") -> bool:
    """Whether a picture has the many shades, in colour or in grey, that a mask has not, whatever
    it was painted in and however soft its edges are."""
    few = load_picture(path, what).resize((96, 96), Image.Resampling.NEAREST)
    red, green, blue = few.split()
    spread = ImageChops.lighter(
        ImageChops.difference(red, green), ImageChops.difference(green, blue)
    )
    pixels = few.width * few.height
    shades = few.convert("L").histogram()
    coloured = sum(spread.histogram()[COLOURED:]) / pixels
    between = sum(shades[COLOURED:-COLOURED]) / pixels
    many = sum(count > pixels // 500 for count in shades) > MASK_LEVELS
    return many and (coloured > 0.1 or between > 0.75)


def fit_picture(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture at this size: scaled to cover it and cropped around the middle, or, where it is
    at most a cell smaller, its edge repeated (so that nothing moves and it can be cropped back)."""
    gap = width - image.width, height - image.height
    if gap == (0, 0):
        return image
    if all(0 <= side < CELL for side in gap):
        return _edged(image, width, height)
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def round_up_to_cell(pixels: int) -> int:
    """The next multiple of a cell: 511 makes 512."""
    return -(-pixels // CELL) * CELL


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


@contextmanager
def _opened(path: Path, what: str) -> Generator[Image.Image]:
    """The picture, its size known to be one that can be read; errors are said of the `what`."""
    if is_folder(path):
        raise BadRequest(f"`{path}` is a folder", hint=f"name the {what} in it")
    if not is_there(path):
        raise BadRequest(f"there is no {what} at `{path}`", hint="check the path")
    with open_regular_file(path) as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:] in _HEIC:
        raise BadRequest(
            f"`{path.name}` is a HEIC picture, which is not read here",
            hint="save it as JPEG or PNG first",
        )
    with ExitStack() as stack:
        try:
            image = stack.enter_context(open_picture(path))
        except Image.DecompressionBombError as error:
            raise _too_large(path, what) from error
        except DAMAGED as error:
            raise BadRequest(
                f"`{path.name}` is not a picture that can be read",
                hint=f"the {what} must be a PNG, JPEG, WebP or another common picture file",
            ) from error
        most = LARGEST_BY_FORMAT.get(image.format or "", LARGEST)
        if image.width * image.height > most:
            raise _too_large(path, what, most)
        yield image


def _too_large(path: Path, what: str, most: int = LARGEST) -> BadRequest:
    return BadRequest(
        f"`{path.name}` claims more than {most // 1_000_000} million pixels",
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
