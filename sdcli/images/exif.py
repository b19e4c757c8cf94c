"""EXIF as pictures use it for text: a small writer, and a reader that believes nothing it reads."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
SOFTWARE = 0x0131
_EXIF_FOLDER = 0x8769
_TEXT, _LONG, _UNDEFINED = 2, 4, 7
_SIZES = {1: 1, _TEXT: 1, 3: 2, _LONG: 4, 5: 8, _UNDEFINED: 1}
_MOST_ENTRIES = 512
_HEADER = b"Exif\0\0"
_TIFF = b"MM\0\x2a\0\0\0\x08"  # big-endian, the first folder right behind this


def write_exif(software: str, entries: Mapping[int, bytes]) -> bytes:
    """An EXIF block: who wrote it, and `entries` as undefined bytes. Big-endian, as A1111's is.

    Pillow's `Image.Exif` would write them as numbers of one byte, which piexif and with it A1111
    do not take for a comment; so the two folders are made here, of Pillow's own parts.
    """
    from PIL.TiffImagePlugin import ImageFileDirectory_v2  # 10 ms, needed by writers alone

    root, folder = ImageFileDirectory_v2(_TIFF), ImageFileDirectory_v2(_TIFF)
    for tag, value in entries.items():
        folder.tagtype[tag] = _UNDEFINED
        folder[tag] = value
    root[SOFTWARE] = software
    root[_EXIF_FOLDER] = 0
    folder_at = len(_TIFF) + len(root.tobytes(len(_TIFF)))
    root[_EXIF_FOLDER] = folder_at
    return _HEADER + _TIFF + root.tobytes(len(_TIFF)) + folder.tobytes(folder_at)


def read_exif(block: bytes) -> dict[int, bytes]:
    """The texts and undefined bytes of an EXIF block, by tag; of rubbish, nothing."""
    tiff = block.removeprefix(_HEADER)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    found: dict[int, bytes] = {}
    folders = [_number(tiff, 4, f"{order}I")] if order else []
    for folder in folders:  # grows while it is walked: a folder names its subfolder
        for tag, kind, value in _entries(tiff, folder, order or ">"):
            if tag == _EXIF_FOLDER and len(folders) < 4:
                folders.append(_number(value, 0, f"{order}I"))
            elif kind in (_TEXT, _UNDEFINED, 1):
                found.setdefault(tag, value)
    return found


def decode_comment(value: bytes) -> str:
    """The text of a user comment: UNICODE in either byte order, ASCII, or unannounced."""
    label, text = value[:8], value[8:]
    if label == b"UNICODE\0":
        return _utf16(text)
    if label in (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0" * 8):
        return decode_plain_text(text)
    return decode_plain_text(value)


def decode_plain_text(value: bytes) -> str:
    """Bytes of no announced encoding as text."""
    return value.decode("utf-8", "replace").strip("\0")


def encode_comment(text: str) -> bytes:
    """`text` as a user comment in A1111's way: big-endian UTF-16."""
    return b"UNICODE\0" + text.encode("utf-16-be", "replace")


def _utf16(text: bytes) -> str:
    """UTF-16 whose order is told by its mark, or by where the zeros of Latin letters are."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace").rstrip("\0")
    little = text[1::2].count(0) > text[::2].count(0)
    return text.decode("utf-16-le" if little else "utf-16-be", "replace").rstrip("\0")


def _entries(tiff: bytes, folder: int, order: str) -> Iterator[tuple[int, int, bytes]]:
    count = min(_number(tiff, folder, f"{order}H"), _MOST_ENTRIES) if folder else 0
    for n in range(count):
        at = folder + 2 + n * 12
        if at + 12 > len(tiff):
            return
        tag, kind, items = struct.unpack_from(f"{order}HHI", tiff, at)
        size = _SIZES.get(kind, 0) * items
        start = at + 8 if size <= 4 else _number(tiff, at + 8, f"{order}I")
        if 0 < size <= len(tiff) - start:
            yield tag, kind, tiff[start : start + size]


def _number(data: bytes, at: int, form: str) -> int:
    end = at + struct.calcsize(form)
    return int(struct.unpack_from(form, data, at)[0]) if end <= len(data) else 0
