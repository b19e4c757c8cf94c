"""The texts a picture file carries, read without decoding a pixel and without trusting a length.

PNG text chunks of all three kinds, before or after the pixels; EXIF, XMP and comments of PNG, JPEG
and WebP; of other formats what pillow finds. The watermark in the alpha channel is in `stealth`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images import exif
from sdcli.images.open_picture import DAMAGED, open_picture
from sdcli.library.open_file import open_regular_file

LONGEST = 8 * 2**20  # of one text, in bytes
MOST_TEXT = 32 * 2**20  # of all of them
MOST_CHUNKS = 100_000
PNG = b"\x89PNG\r\n\x1a\n"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass
class EmbeddedTexts:
    """Texts by name, in the order found, and what could not be read."""

    named: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[str] = field(default_factory=list[str])
    lost: dict[str, str] = field(default_factory=dict[str, str])  # what is there but unreadable
    size: int = 0

    def add(self, name: str, text: str) -> None:
        """Keep one more text, unless there are already too many; of one name the last counts."""
        self.size += len(text)
        if self.size > MOST_TEXT:
            self.lose(name, "is beyond what is read of one picture")
        elif text:
            self.named[name[:80]] = text

    def lose(self, name: str, why: str) -> None:
        """Note a text that is there and cannot be read."""
        problem = f"the text `{name[:40]}` {why}"
        self.lost[name[:80]] = problem
        self.problems.append(problem)


def read_embedded_texts(path: Path) -> EmbeddedTexts:
    """Every text in the picture at `path`; BadRequest where it is no picture."""
    texts = EmbeddedTexts()
    try:
        with open_regular_file(path) as file:
            start = file.read(16)
            for fits, walk in _FORMATS:
                if fits(start):
                    walk(file, texts)
                    return texts
            _by_pillow(path, texts)
    except OSError as error:
        raise BadRequest(
            f"`{path}` cannot be read: {error.strerror or error}", hint="name another file"
        ) from None
    return texts


def _png(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(len(PNG))
    for kind, size in _chunks(file, ">I4s"):
        read = _PNG_TEXTS.get(kind)
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


def _chunks(file: BinaryIO, form: str) -> Iterator[tuple[bytes, int]]:
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        one, other = struct.unpack(form, head)
        yield (other, one) if isinstance(other, bytes) else (one, other)


def _plain_text(body: bytes, texts: EmbeddedTexts) -> None:
    name, _, text = body.partition(b"\0")
    # Some programs write UTF-8 here in spite of the standard; of Latin-1 little is valid UTF-8.
    texts.add(name.decode("latin-1"), _utf8_or_latin1(text))


def _packed_text(body: bytes, texts: EmbeddedTexts) -> None:
    name, _, packed = body.partition(b"\0")
    texts.add(name.decode("latin-1"), _utf8_or_latin1(_inflated(name, packed[1:], texts)))


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


def decompress_text(packed: bytes, problems: list[str], wbits: int = zlib.MAX_WBITS) -> bytes:
    """What `packed` inflates to, no further than a text may be long."""
    inflate = zlib.decompressobj(wbits)
    try:
        text = inflate.decompress(packed, LONGEST)
    except zlib.error:
        problems.append("a compressed text is damaged")
        return b""
    if inflate.unconsumed_tail:
        problems.append("a compressed text inflates to more than is read of one text")
        return b""
    return text


def _utf8_or_latin1(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _exif(block: bytes, texts: EmbeddedTexts) -> None:
    for tag, value in exif.read_exif(block).items():
        if tag == exif.USER_COMMENT:
            texts.add("UserComment", exif.decode_comment(value))
        elif tag in _TAGS:
            text = exif.decode_plain_text(value)
            name, _, rest = text.partition(":")
            # ComfyUI's WebP: "prompt:{...}" and "workflow:{...}" in tags meant for cameras.
            known = name in ("prompt", "workflow") and rest.lstrip()[:1] == "{"
            texts.add(name if known else _TAGS[tag], rest if known else text)


_TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x927C: "MakerNote",
}


def _xmp(block: bytes, texts: EmbeddedTexts) -> None:
    texts.add("xmp", block.decode("utf-8", "replace"))


def _jpeg(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(2)
    comments: list[bytes] = []
    for _ in range(MOST_CHUNKS):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):
            break  # the pixels begin, or it is no marker: nothing more to read
        if marker[1] == 0xFF:
            file.seek(-1, 1)
            continue
        size = file.read(2)
        body = file.read(max(0, int.from_bytes(size, "big") - 2))
        if marker[1] == 0xE1 and body.startswith(b"Exif\0\0"):
            _exif(body, texts)
        elif marker[1] == 0xE1 and body.startswith(XMP):
            _xmp(body[len(XMP) :], texts)
        elif marker[1] == 0xFE and len(comments) < 1024:
            comments.append(body)
    texts.add("comment", _utf8_or_latin1(b"".join(comments)))


def _webp(file: BinaryIO, texts: EmbeddedTexts) -> None:
    file.seek(12)
    for kind, size in _chunks(file, "<4sI"):
        read = {b"EXIF": _exif, b"XMP ": _xmp}.get(kind)
        if read is None or size > LONGEST:
            file.seek(size + size % 2, 1)
            continue
        read(file.read(size), texts)
        file.seek(size % 2, 1)


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
    "exif": _exif,
    "xmp": _xmp,
    "comment": lambda block, texts: texts.add("comment", _utf8_or_latin1(block)),
}
_PNG_TEXTS: Mapping[bytes, Callable[[bytes, EmbeddedTexts], None]] = {
    b"tEXt": _plain_text,
    b"zTXt": _packed_text,
    b"iTXt": _international_text,
    b"eXIf": _exif,
}
_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, EmbeddedTexts], None]], ...] = (
    (lambda start: start.startswith(PNG), _png),
    (lambda start: start.startswith(b"\xff\xd8"), _jpeg),
    (lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP", _webp),
)
