"""PNG: texts in chunks of three kinds, before or after the pixels, and EXIF in a fourth."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from sdcli.images.formats.chunks import read_chunk_heads
from sdcli.images.formats.exif_texts import add_exif_texts
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.texts import (
    KEYWORD,
    LONGEST,
    EmbeddedTexts,
    decompress_text,
    utf8_or_latin1,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _embed(ours: str, theirs: str) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo  # 6 ms, needed by writers alone

    info = PngInfo()
    for name, text in (("parameters", theirs), (KEYWORD, ours)):
        if text and text.isascii():
            info.add_text(name, text)
        elif text:
            info.add_itxt(name, text)
    return {"pnginfo": info}


def _read(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(len(SIGNATURE))
    for kind, size in read_chunk_heads(file, ">I4s"):
        read = _TEXTS.get(kind)
        if read is None:
            file.seek(size + 4, 1)
            continue
        body = file.read(min(size, LONGEST))
        name = body[:80].partition(b"\0")[0].decode("latin-1")
        if size > LONGEST:
            texts.lose(name, f"of {size:,} bytes is longer than any is read")
            file.seek(size - LONGEST + 4, 1)
        elif file.read(4) != struct.pack(">I", zlib.crc32(kind + body)):
            texts.lose(name, "is damaged (its checksum does not match)")
        else:
            read(body, texts)


def _plain_text(body: bytes, texts: EmbeddedTexts) -> None:
    name, _, text = body.partition(b"\0")
    texts.add(name.decode("latin-1"), utf8_or_latin1(text))


def _packed_text(body: bytes, texts: EmbeddedTexts) -> None:
    name, _, packed = body.partition(b"\0")
    texts.add(name.decode("latin-1"), utf8_or_latin1(_inflated(name, packed[1:], texts)))


def _international_text(body: bytes, texts: EmbeddedTexts) -> None:
    name, _, rest = body.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    raw = _inflated(name, text, texts) if packed else text
    texts.add(name.decode("latin-1"), raw.decode("utf-8", "replace"))


def _inflated(name: bytes, packed: bytes, texts: EmbeddedTexts) -> bytes:
    before = len(texts.problems)
    text = decompress_text(packed, texts.problems)
    if len(texts.problems) > before:
        texts.lost[name.decode("latin-1")[:80]] = texts.problems[-1]
    return text


_TEXTS: Mapping[bytes, Callable[[bytes, EmbeddedTexts], None]] = {
    b"tEXt": _plain_text,
    b"zTXt": _packed_text,
    b"iTXt": _international_text,
    b"eXIf": add_exif_texts,
}
_STRIPPED = (*_TEXTS, b"tIME")


def _strip(raw: bytes) -> Iterator[bytes]:
    yield SIGNATURE
    at = len(SIGNATURE)
    while at + 12 <= len(raw):
        size, kind = struct.unpack_from(">I4s", raw, at)
        if kind not in _STRIPPED:
            yield raw[at : at + 12 + size]
        at += 12 + size


PNG = PictureFormat(
    name="png",
    title="PNG",
    pillow="PNG",
    endings=(".png",),
    # Level 1 writes three to five times faster than Pillow's 6 and a tenth larger.
    options={"compress_level": 1},
    lossless=True,
    begins=lambda start: start.startswith(SIGNATURE),
    embed=_embed,
    read=_read,
    strip=_strip,
)
