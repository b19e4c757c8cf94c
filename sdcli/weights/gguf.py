"""GGUF files, as stable-diffusion.cpp and llama.cpp's tools write them: the header, without torch.

The numbers of a quantised tensor lie in blocks; `engine/read_tensors` multiplies them out. Nothing
that the header claims is believed before it is held against the file's size.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from sdcli.errors import BadRequest
from sdcli.library.open_file import open_regular_file
from sdcli.weights.safetensors import Header, Packing, Tensor, damaged_file

MAGIC = b"GGUF"
MOST_TENSORS = 100_000
MOST_VALUES = 1_000_000  # of all metadata together
LONGEST_TEXT = 1 << 16
MOST_SIDES = 4
LARGEST_NUMBER = 1 << 48
ORIGINAL_SHAPE = "comfy.gguf.orig_shape."  # of a tensor that was laid out otherwise to be packed

# GGUF's numbers for kinds of numbers: those that are stored as they are, and those in blocks.
PLAIN: Mapping[int, str] = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64"} | {
    28: "F64",
    30: "BF16",
}
PACKED: Mapping[int, Packing] = {
    2: Packing("Q4_0", 32, 18),
    3: Packing("Q4_1", 32, 20),
    6: Packing("Q5_0", 32, 22),
    7: Packing("Q5_1", 32, 24),
    8: Packing("Q8_0", 32, 34),
}
UNKNOWN: Mapping[int, str] = {10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K"}
UNPACKED = "F16"
_SCALARS: Mapping[int, str] = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_TEXT, _ARRAY = 8, 9


def read_gguf(path: Path) -> Header:
    """The header of a GGUF file."""
    try:
        with open_regular_file(path) as file:
            return _Reader(path, file).read()
    except (ValueError, struct.error) as error:
        raise damaged_file(path, f"it is no GGUF file that can be read ({error})") from None


class _Reader:
    """Reads one header from front to back."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._total = os.fstat(file.fileno()).st_size
        self._values = 0

    def read(self) -> Header:
        """The tensors and the metadata."""
        magic, version, tensors, values = struct.unpack("<4sIQQ", self._take(24))
        if magic != MAGIC or version not in (2, 3):
            raise ValueError(f"version {version}")
        if tensors > MOST_TENSORS or values > MOST_TENSORS:
            raise ValueError("more tensors than any model has")
        metadata = dict(self._entry() for _ in range(values))
        described = [self._tensor() for _ in range(tensors)]
        align = metadata.get("general.alignment", 32)
        if type(align) is not int or not 1 <= align <= 1 << 16:
            raise ValueError("an alignment that cannot be")
        start = -(-self._file.tell() // align) * align
        return self._header(described, start, metadata)

    def _header(
        self, described: list[tuple[str, Tensor]], start: int, metadata: Mapping[str, Any]
    ) -> Header:
        placed: dict[str, Tensor] = {}
        for name, tensor in described:
            shape = _original_shape(metadata.get(ORIGINAL_SHAPE + name), tensor.shape)
            at = start + tensor.offset
            if name in placed:
                raise ValueError(f"`{name[:100]}` stands twice")
            if at + tensor.size > self._total:
                raise BadRequest(
                    f"`{self._path.name}` is cut short: {self._total:,} of {at + tensor.size:,} "
                    "bytes or more are here",
                    hint="the download or the copy stopped early; fetch it again",
                )
            placed[name] = Tensor(tensor.dtype, shape, self._path, at, packing=tensor.packing)
        texts = {key: value for key, value in metadata.items() if isinstance(value, str)}
        return Header(self._path, "gguf", placed, texts)

    def _take(self, count: int) -> bytes:
        taken = self._file.read(count)
        if len(taken) < count:
            raise ValueError("it ends too early")
        return taken

    def _text(self) -> str:
        (length,) = struct.unpack("<Q", self._take(8))
        if length > LONGEST_TEXT:
            raise ValueError("a text that is too long")
        return self._take(length).decode("utf-8", "replace")

    def _entry(self) -> tuple[str, Any]:
        key = self._text()
        (kind,) = struct.unpack("<I", self._take(4))
        return key, self._value(kind)

    def _value(self, kind: int) -> Any:
        self._values += 1
        if self._values > MOST_VALUES:
            raise ValueError("more metadata than any model has")
        if kind == _TEXT:
            return self._text()
        if kind == _ARRAY:
            inner, count = struct.unpack("<IQ", self._take(12))
            if inner == _ARRAY or count > MOST_VALUES:
                raise ValueError("a list that cannot be")
            return [self._value(inner) for _ in range(count)]
        if kind not in _SCALARS:
            raise ValueError(f"metadata of the unknown kind {kind}")
        form = _SCALARS[kind]
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _tensor(self) -> tuple[str, Tensor]:
        """One tensor, its place told from the first byte of all tensors."""
        name = self._text()
        (sides,) = struct.unpack("<I", self._take(4))
        if sides > MOST_SIDES or len(name) > 1000:
            raise ValueError(f"`{name[:100]}` is no tensor of any model")
        shape = struct.unpack(f"<{sides}Q", self._take(8 * sides))[::-1]
        kind, offset = struct.unpack("<IQ", self._take(12))
        if any(side >= LARGEST_NUMBER for side in (*shape, offset)):
            raise ValueError(f"`{name[:100]}` has a size that cannot be")
        if kind in PLAIN:
            return name, Tensor(PLAIN[kind], shape, offset=offset)
        if kind not in PACKED:
            raise BadRequest(
                f"`{self._path.name}` stores `{name}` as {UNKNOWN.get(kind, f'type {kind}')}, "
                "which sdcli cannot read",
                hint="use its Q8_0 or F16 version",
            )
        if not shape or shape[-1] % PACKED[kind].numbers:
            raise ValueError(f"`{name[:100]}` does not fill its blocks")
        return name, Tensor(UNPACKED, shape, offset=offset, packing=PACKED[kind])


def _original_shape(told: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(told, list):
        return shape
    sides = cast("list[Any]", told)
    whole = all(type(side) is int and 0 < side < LARGEST_NUMBER for side in sides)
    if not whole or len(sides) > 16 or math.prod(sides) != math.prod(shape):
        raise ValueError("a shape that does not hold the same numbers")
    return tuple(sides)
