"""A picture without what it carries: texts, EXIF and XMP left away, not a pixel touched.

The file is copied piece by piece, never decoded and encoded again. Only a watermark in the alpha
channel has to be wiped where it is, in the pixels themselves, and only there are they changed.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images.alpha_watermark import read_watermark
from sdcli.images.embedded_texts import PNG
from sdcli.images.open_picture import DAMAGED, open_picture
from sdcli.library.open_file import open_regular_file

LARGEST_FILE = 200 * 2**20
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
_JPEG_TEXTS = (0xE1, 0xED, 0xFE)  # EXIF and XMP, IPTC, comments
_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_ORIENTATION = 0x0112


class StrippedPicture(NamedTuple):
    """A picture file without what it carried: its bytes, and what its name may end in."""

    raw: bytes
    format: str


def strip_metadata(path: Path) -> StrippedPicture:
    """The file at `path` as it would be if nothing had been written into it."""
    with open_regular_file(path) as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise BadRequest(
            f"`{path.name}` is larger than {LARGEST_FILE >> 20} MB", hint="pictures are smaller"
        )
    if read_watermark(path):
        raw = _wiped(path)
    for name, (opening, pieces) in _FORMATS.items():
        if raw.startswith(opening):
            return StrippedPicture(b"".join(pieces(raw)), name)
    raise BadRequest(
        f"`{path.name}` is of a format that cannot be stripped", hint="PNG, JPEG and WebP can"
    )


def _png(raw: bytes) -> Iterator[bytes]:
    yield PNG
    at = len(PNG)
    while at + 12 <= len(raw):
        size, kind = struct.unpack_from(">I4s", raw, at)
        if kind not in _PNG_TEXTS:
            yield raw[at : at + 12 + size]
        at += 12 + size


def _jpeg(raw: bytes) -> Iterator[bytes]:
    yield raw[:2]
    yield _turned(raw)
    at = 2
    while raw[at : at + 1] == b"\xff" and raw[at + 1 : at + 2] != b"\xda":
        size = int.from_bytes(raw[at + 2 : at + 4], "big")
        if raw[at + 1] not in _JPEG_TEXTS:
            yield raw[at : at + 2 + size]
        at += 2 + max(size, 2)
    yield raw[at:]


def _turned(raw: bytes) -> bytes:
    """An EXIF block of nothing but which side is up, where that is not plain."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags
            with Image.open(io.BytesIO(raw)) as image:
                turn = image.getexif().get(_ORIENTATION, 1)
    except DAMAGED:
        return b""
    if turn not in range(2, 9):
        return b""
    exif = Image.Exif()
    exif[_ORIENTATION] = turn
    block = exif.tobytes()
    return b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block


def _webp(raw: bytes) -> Iterator[bytes]:
    pieces: list[bytes] = []
    at = 12
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from("<4sI", raw, at)
        piece = raw[at : at + 8 + size + size % 2]
        if kind == b"VP8X" and len(piece) > 8:
            piece = piece[:8] + bytes([piece[8] & ~(_HAS_EXIF | _HAS_XMP)]) + piece[9:]
        if kind not in (b"EXIF", b"XMP "):
            pieces.append(piece)
        at += 8 + size + size % 2
    body = b"".join(pieces)
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _wiped(path: Path) -> bytes:
    """The picture with the lowest bit of its alpha channel all the same."""
    with open_picture(path) as image:
        alpha = image.getchannel("A").point([level | 1 for level in range(256)])
        image.putalpha(alpha)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=6)
    return file.getvalue()


_FORMATS: Mapping[str, tuple[bytes, Callable[[bytes], Iterator[bytes]]]] = {
    "png": (PNG, _png),
    "jpg": (b"\xff\xd8", _jpeg),
    "webp": (b"RIFF", _webp),
}
