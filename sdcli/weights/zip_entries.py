"""The entries of a zip archive of weights: stored, not compressed, each at its place in the file.

PyTorch compresses nothing, so that a weight is read where it lies. Whatever is compressed or
encrypted, lies over the end or is said twice is refused, and no claim makes us take more memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_ENTRIES = 100_000
LONGEST_DIRECTORY = 16_000_000
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_IN_DIRECTORY, _AT_PLACE = b"PK\x01\x02", b"PK\x03\x04"
_FULL_2, _FULL_4 = 0xFFFF, 0xFFFFFFFF  # "the number is in the 64-bit part"


@dataclass(frozen=True)
class ZipEntry:
    """A file in the archive: how many bytes it has, and where its own header lies."""

    name: str
    size: int
    header: int
    plain: bool  # neither compressed nor encrypted


def read_entries(file: BinaryIO, total: int) -> dict[str, ZipEntry]:
    """Every entry by its name. ValueError: the archive is damaged."""
    count, size, start = _find_directory(file, total)
    if count > MOST_ENTRIES or size > LONGEST_DIRECTORY or start + size > total:
        raise ValueError("its list of entries cannot be true")
    file.seek(start)
    directory = file.read(size)
    entries: dict[str, ZipEntry] = {}
    for entry in _entries(directory, count):
        if entry.name in entries:
            raise ValueError(f"`{entry.name[:100]}` is in it twice")
        entries[entry.name] = entry
    return entries


def find_start(file: BinaryIO, entry: ZipEntry, total: int) -> int:
    """Where an entry's bytes begin; they are all there."""
    file.seek(entry.header)
    local = file.read(30)
    if not entry.plain or len(local) < 30 or local[:4] != _AT_PLACE:
        raise ValueError(f"`{entry.name[:100]}` is not what PyTorch writes")
    name, extra = struct.unpack("<HH", local[26:30])
    start = entry.header + 30 + name + extra
    if start + entry.size > total:
        raise ValueError(f"`{entry.name[:100]}` reaches beyond its end")
    return start


def read_entry(file: BinaryIO, entry: ZipEntry, total: int, longest: int) -> bytes:
    """An entry's bytes, of which there may be so many."""
    if entry.size > longest:
        raise ValueError(f"`{entry.name[:100]}` takes {entry.size:,} bytes")
    file.seek(find_start(file, entry, total))
    return file.read(entry.size)


def _find_directory(file: BinaryIO, total: int) -> tuple[int, int, int]:
    """How many entries there are, how long their list is, and where it begins."""
    tail_start = max(0, total - (1 << 16) - 22 - 20)
    file.seek(tail_start)
    tail = file.read(total - tail_start)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise ValueError("its end is missing")
    count, size, start = struct.unpack("<HII", tail[at + 10 : at + 20])
    if count != _FULL_2 and _FULL_4 not in (size, start):
        return count, size, start
    if at < 20 or tail[at - 20 : at - 16] != _LOCATOR_64:
        return count, size, start
    (place,) = struct.unpack("<Q", tail[at - 12 : at - 4])
    file.seek(min(place, total))
    end = file.read(56)
    if len(end) < 56 or end[:4] != _END_64:
        raise ValueError("its end is damaged")
    return struct.unpack("<QQQ", end[32:56])


def _entries(directory: bytes, count: int) -> Iterator[ZipEntry]:
    at = 0
    for _ in range(count):
        fixed = directory[at : at + 46]
        if len(fixed) < 46 or fixed[:4] != _IN_DIRECTORY:
            raise ValueError("its list of entries is damaged")
        flags, method = struct.unpack("<HH", fixed[8:12])
        packed, size, name, extra, comment = struct.unpack("<IIHHH", fixed[20:34])
        (header,) = struct.unpack("<I", fixed[42:46])
        at += 46
        text = directory[at : at + name].decode("utf-8", "replace")
        more = directory[at + name : at + name + extra]
        at += name + extra + comment
        size, packed, header = _in_full((size, packed, header), more)
        plain = method == 0 and not flags & 1 and packed == size
        yield ZipEntry(text, size, header, plain)


def _in_full(numbers: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """The numbers, those that do not fit 32 bits taken from the 64-bit part."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[at : at + 4])
        if kind == 1:
            wide = iter(struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8]))
            size, packed, header = (
                next(wide, (number,))[0] if number == _FULL_4 else number for number in numbers
            )
            return size, packed, header
        at += 4 + length
    return numbers
