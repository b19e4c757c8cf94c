"""WebP: texts in EXIF and XMP, each in a chunk of its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from sdcli.images.formats.chunks import read_chunk_heads
from sdcli.images.formats.exif_texts import add_exif_texts, add_xmp, embed_in_exif
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.texts import LONGEST, EmbeddedTexts

_TEXTS = {b"EXIF": add_exif_texts, b"XMP ": add_xmp}
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def _read(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(12)
    for kind, size in read_chunk_heads(file, "<4sI"):
        read = _TEXTS.get(kind)
        if read is None or size > LONGEST:
            file.seek(size + size % 2, 1)
            continue
        read(file.read(size), texts)
        file.seek(size % 2, 1)


def _strip(raw: bytes) -> Iterator[bytes]:
    pieces: list[bytes] = []
    at = 12
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from("<4sI", raw, at)
        piece = raw[at : at + 8 + size + size % 2]
        if kind == b"VP8X" and len(piece) > 8:
            piece = piece[:8] + bytes([piece[8] & ~(_HAS_EXIF | _HAS_XMP)]) + piece[9:]
        if kind not in _TEXTS:
            pieces.append(piece)
        at += 8 + size + size % 2
    body = b"".join(pieces)
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WEBP = PictureFormat(
    name="webp",
    title="WebP",
    pillow="WEBP",
    endings=(".webp",),
    options={"quality": 95, "method": 4},
    lossless=False,
    begins=lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP",
    embed=embed_in_exif,
    read=_read,
    strip=_strip,
)
