"""JPEG: texts in EXIF, XMP and comments. A block of it holds 64 KB at most."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

from sdcli.images.formats.exif_texts import (
    XMP_OPENING,
    add_exif_texts,
    add_xmp,
    embed_in_exif,
    exif_block,
)
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.texts import MOST_CHUNKS, EmbeddedTexts, utf8_or_latin1

_ROOM = 65_533  # of a block, in bytes
_APP1, _COMMENT, _PIXELS, _END = 0xE1, 0xFE, 0xDA, 0xD9
_STRIPPED = (_APP1, 0xED, _COMMENT)  # EXIF and XMP, IPTC, comments
_ORIENTATION = 0x0112


def _embed(ours: str, theirs: str) -> dict[str, Any]:
    """In EXIF as everywhere; what has no room in it goes into comments of the file instead."""
    whole = embed_in_exif(ours, theirs)
    if len(whole["exif"]) <= _ROOM:
        return whole
    block = exif_block(theirs, {})
    if len(block) > _ROOM:  # then no program could read it from there
        block = exif_block("", {})
    raw = ours.encode()
    pieces = [raw[at : at + _ROOM] for at in range(0, len(raw), _ROOM)]
    comments = [b"\xff\xfe" + (len(piece) + 2).to_bytes(2, "big") + piece for piece in pieces]
    return {"exif": block, "extra": b"".join(comments)}


def _read(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(2)
    comments: list[bytes] = []
    for _ in range(MOST_CHUNKS):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (_PIXELS, _END):
            break  # the pixels begin, or it is no marker: nothing more to read
        if marker[1] == 0xFF:
            file.seek(-1, 1)
            continue
        size = file.read(2)
        body = file.read(max(0, int.from_bytes(size, "big") - 2))
        if marker[1] == _APP1 and body.startswith(b"Exif\0\0"):
            add_exif_texts(body, texts)
        elif marker[1] == _APP1 and body.startswith(XMP_OPENING):
            add_xmp(body[len(XMP_OPENING) :], texts)
        elif marker[1] == _COMMENT and len(comments) < 1024:
            comments.append(body)
    texts.add("comment", utf8_or_latin1(b"".join(comments)))


def _strip(raw: bytes) -> Iterator[bytes]:
    yield raw[:2]
    yield _orientation_alone(raw)
    at = 2
    while at + 1 < len(raw) and raw[at] == 0xFF and raw[at + 1] != _PIXELS:
        size = int.from_bytes(raw[at + 2 : at + 4], "big")
        if raw[at + 1] not in _STRIPPED:
            yield raw[at : at + 2 + size]
        at += 2 + max(size, 2)
    yield raw[at:]


def _orientation_alone(raw: bytes) -> bytes:
    """An EXIF block of nothing but which side is up, where that is not plain."""
    from PIL import Image

    from sdcli.images.open_picture import DAMAGED

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


JPEG = PictureFormat(
    name="jpg",
    title="JPEG",
    pillow="JPEG",
    endings=(".jpg", ".jpeg"),
    options={"quality": 95, "subsampling": 0},
    lossless=False,
    begins=lambda start: start.startswith(b"\xff\xd8"),
    embed=_embed,
    read=_read,
    strip=_strip,
    transparent=False,
)
