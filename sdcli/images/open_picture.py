"""Picture files opened: ordinary files alone, in the formats that are meant, and in silence."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from sdcli.library.open_file import open_regular_file

# What pillow's decoders have been seen to raise over damaged files.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, RuntimeError, TypeError, LookupError, EOFError),
    *(ArithmeticError, struct.error, zlib.error, Image.DecompressionBombError),
)
# What is opened, whatever a file's name ends in: no format that runs programs or draws by script.
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "ICO")


@contextmanager
def open_picture(path: Path) -> Generator[Image.Image]:
    """The picture, of which no pixel is read yet; what Pillow warns of is not said.

    What is no ordinary file is refused by what it is; what is no picture raises one of `DAMAGED`.
    """
    with open_regular_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged tags, and of many pixels
        with Image.open(file, formats=_FORMATS) as image:
            yield image
