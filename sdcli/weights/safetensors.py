"""safetensors files: the header read, every claim in it checked; a header to write; and the
`Tensor` and `Header` that every other format is read into."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.library.open_file import open_regular_file

# Bytes per element, by safetensors' names, which are our names for every format.
ITEM_SIZES: Mapping[str, int] = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}
FLOATS = ("F8_E4M3", "F8_E5M2", "F16", "BF16", "F32", "F64")
ALIGN = 8  # where the first tensor of a file that is written begins
LONGEST_HEADER = 16_000_000  # the longest real one is a few megabytes, most of it metadata
MOST_BRACKETS = 500_000  # of its JSON: three for each tensor, and real files have ten thousand
MOST_SIDES = 16  # of a tensor
LONGEST_NAME = 1_000
LARGEST_NUMBER = 1 << 48


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header describes it, and where its bytes lie."""

    dtype: str
    shape: tuple[int, ...]
    file: Path = Path()
    offset: int = 0
    strides: tuple[int, ...] = ()  # in elements; empty: contiguous
    scale: Scale | None = None  # where the file holds smaller numbers, to be multiplied
    packing: Packing | None = None  # where it holds them in blocks

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """How many bytes its numbers take in the file."""
        if self.packing:
            return self.count // self.packing.numbers * self.packing.bytes
        return self.count * ITEM_SIZES[self.scale.dtype if self.scale else self.dtype]


@dataclass(frozen=True)
class Packing:
    """How numbers are packed: GGUF's name for it, how many are in a block, and its bytes."""

    name: str
    numbers: int
    bytes: int


@dataclass(frozen=True)
class Scale:
    """How a tensor is stored in smaller numbers: in which, and where their factor is, or factors."""

    dtype: str
    factor: Tensor


@dataclass(frozen=True)
class Header:
    """A file of weights without its weights."""

    path: Path
    form: str  # safetensors, pickle, torchscript, gguf, diffusers
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])  # numbers beside the tensors
    scaled: int = 0  # how many tensors have a scale

    @property
    def size(self) -> int:
        """How many bytes all its tensors take."""
        return sum(tensor.size for tensor in self.tensors.values())

    @property
    def dtype(self) -> str:
        """The floating-point type that most of its bytes are in."""
        bytes_in = dict.fromkeys(FLOATS, 0)
        for tensor in self.tensors.values():
            if tensor.dtype in bytes_in:
                bytes_in[tensor.dtype] += tensor.size
        return max(bytes_in, key=lambda name: bytes_in[name])


def damaged_file(path: Path, what: str) -> BadRequest:
    """The error for a file whose header cannot be true."""
    return BadRequest(f"`{path.name}` is damaged: {what}", hint="download or copy it again")


def read_safetensors(path: Path) -> Header:
    """The header of a safetensors file, every claim in it checked against the file's size."""
    with open_regular_file(path) as file:
        total = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length > min(total - 8, LONGEST_HEADER):
            raise damaged_file(path, f"its header claims {length:,} bytes, the file has {total:,}")
        text = file.read(length)
    entries = _parsed(path, text)
    metadata = entries.pop("__metadata__", {})
    start = 8 + length
    tensors = {name: _tensor(path, name, entry, start) for name, entry in entries.items()}
    _check_places(path, tensors, start, total)
    return Header(path, "safetensors", tensors, _texts(metadata))


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        if text.count(b"{") + text.count(b"[") > MOST_BRACKETS:
            raise ValueError("more tensors than any model has")
        entries: Any = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise damaged_file(path, f"its header is not what safetensors writes ({error})") from None
    if not isinstance(entries, dict):
        raise damaged_file(path, "its header is not a table of tensors")
    return cast("dict[str, Any]", entries)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _texts(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {str(key): str(value) for key, value in cast("dict[Any, Any]", metadata).items()}


def _tensor(path: Path, name: str, entry: Any, start: int) -> Tensor:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
    except (TypeError, KeyError, ValueError):
        raise damaged_file(path, f"`{name[:100]}` is not described as a tensor") from None
    if len(name) > LONGEST_NAME or len(shape) > MOST_SIDES or not isinstance(dtype, str):
        raise damaged_file(path, f"`{name[:100]}` is no tensor of any model")
    if not all(type(number) is int and 0 <= number < LARGEST_NUMBER for number in numbers):
        raise damaged_file(path, f"`{name}` has a size or a place that is no number")
    if dtype not in ITEM_SIZES:
        raise BadRequest(
            f"`{path.name}` stores `{name}` as {dtype[:20]!r}, which sdcli cannot read",
            hint=f"it reads {', '.join(ITEM_SIZES)}",
        )
    tensor = Tensor(dtype, tuple(shape), path, start + begin)
    if tensor.size != end - begin:
        raise damaged_file(
            path, f"`{name}` {list(shape)} needs {tensor.size:,} bytes, not {end - begin:,}"
        )
    return tensor


def _check_places(path: Path, tensors: Mapping[str, Tensor], start: int, total: int) -> None:
    free = start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].size)):
        if tensor.offset < free:
            raise damaged_file(path, f"`{name}` lies over another tensor")
        free = tensor.offset + tensor.size
    if free > total:
        raise BadRequest(
            f"`{path.name}` is cut short: {total:,} of {free:,} bytes are here",
            hint="the download or the copy stopped early; fetch it again",
        )


def safetensors_head(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A new file's first bytes: the tensors are to follow in this order, without gaps."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, tensor in tensors.items():
        place = [at, at + tensor.count * ITEM_SIZES[tensor.dtype]]
        entries[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": place}
        at = place[1]
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGN)
    return len(text).to_bytes(8, "little") + text
