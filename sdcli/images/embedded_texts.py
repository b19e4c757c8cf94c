"""The texts a picture file carries, read without decoding a pixel and without trusting a length.

Where they stand in a format of ours says its row in `formats/`; in any other, Pillow finds EXIF, XMP
and comments. A watermark in the alpha channel is read by `alpha_watermark`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images.formats.exif_texts import add_exif_texts, add_xmp
from sdcli.images.formats.table import format_of_file
from sdcli.images.formats.texts import LONGEST, EmbeddedTexts, utf8_or_latin1
from sdcli.images.open_picture import DAMAGED, open_picture
from sdcli.library.open_file import open_regular_file


def read_embedded_texts(path: Path) -> EmbeddedTexts:
    """Every text in the picture at `path`; BadRequest where it is no picture."""
    texts = EmbeddedTexts()
    try:
        with open_regular_file(path) as file:
            row = format_of_file(file.read(16))
            if row is None or row.read is None:
                _by_pillow(path, texts)
            else:
                row.read(file, texts)
    except OSError as error:
        raise BadRequest(
            f"`{path}` cannot be read: {error.strerror or error}", hint="name another file"
        ) from None
    return texts


def _by_pillow(path: Path, texts: EmbeddedTexts) -> None:
    """AVIF, GIF, TIFF and whatever else pillow opens."""
    try:
        with open_picture(path) as image:
            info = cast(Mapping[str, Any], image.info)
            found = {name: info.get(name) for name in ("exif", "xmp", "comment")}
    except Image.DecompressionBombError:
        raise BadRequest(
            f"`{path}` claims to be larger than any picture is", hint="use another"
        ) from None
    except DAMAGED as error:
        raise BadRequest(
            f"`{path}` is no picture that can be read", hint="PNG, JPEG and WebP can be, and others"
        ) from error
    for name, block in found.items():
        if isinstance(block, bytes) and len(block) <= LONGEST:
            _PILLOWS[name](block, texts)


_PILLOWS: Mapping[str, Callable[[bytes, EmbeddedTexts], None]] = {
    "exif": add_exif_texts,
    "xmp": add_xmp,
    "comment": lambda block, texts: texts.add("comment", utf8_or_latin1(block)),
}
