"""A file's bytes into tensors: each read once, into its own memory, and nothing kept beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from io import FileIO
from pathlib import Path
from threading import local
from typing import Any

import torch

from sdcli.engine.unpack_blocks import unpack_blocks
from sdcli.errors import BadRequest, SdcliError
from sdcli.weights.components import Component
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header, Packing, Scale
from sdcli.weights.safetensors import Tensor as Place
from sdcli.weights.tensor_names import Part

STORED_DTYPES: Mapping[str, torch.dtype] = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I16": torch.int16,
    "U16": torch.uint16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "F32": torch.float32,
    "I64": torch.int64,
    "U64": torch.uint64,
    "F64": torch.float64,
}
THREADS = 2  # one converts while the other reads; more gain nothing from a page cache


class TensorReader:
    """Reads tensors from the files that a header names; close it when done."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._mine = local()  # file handles have a place in the file, so each thread has its own

    def __enter__(self) -> TensorReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self, place: Place, third: int | None = None) -> torch.Tensor:
        """One tensor as it is stored; or the first, second or last third of its rows."""
        return self.read_into_scratch(place, third).clone()

    def read_into_scratch(self, place: Place, third: int | None = None) -> torch.Tensor:
        """The same, in memory that this thread's next reading fills anew.

        Touching new memory costs more than reading a file from the page cache does.
        """
        if place.packing is not None:
            return self._unpacked(place, place.packing, third)
        if place.scale is not None:
            return self._multiplied(place, place.scale, third)
        shape, offset = place.shape, place.offset
        if third is not None:
            shape = (shape[0] // 3, *shape[1:])
            offset += third * (place.size // 3)
        if place.strides:
            return self._strided(place)
        tensor = self._scratch(math.prod(shape), STORED_DTYPES[place.dtype])
        self._fill(place.file, offset, tensor)
        return tensor.view(shape)

    def _unpacked(self, place: Place, packing: Packing, third: int | None) -> torch.Tensor:
        """What blocks of numbers stand for; a third of the rows is a third of the blocks."""
        raw = self._scratch(place.size, torch.uint8)
        self._fill(place.file, place.offset, raw)
        numbers = unpack_blocks(packing.name, raw.view(-1, packing.bytes))
        whole = numbers.to(STORED_DTYPES[place.dtype]).view(place.shape)
        return whole if third is None else whole.chunk(3)[third]

    def _multiplied(self, place: Place, scale: Scale, third: int | None) -> torch.Tensor:
        """What smaller numbers stand for: each row, or the whole, times its factor."""
        stored = replace(place, dtype=scale.dtype, scale=None)
        numbers = self.read_into_scratch(stored, third).to(torch.float32)
        factor = self.read_into_scratch(scale.factor).to(torch.float32).flatten()
        if third is not None and len(factor) > 1:
            factor = factor.chunk(3)[third]
        numbers *= factor.view(-1, *[1] * (numbers.ndim - 1))
        return numbers.to(STORED_DTYPES[place.dtype])

    def _strided(self, place: Place) -> torch.Tensor:
        sides = zip(place.shape, place.strides, strict=True)
        span = 1 + sum((side - 1) * stride for side, stride in sides) if place.count else 0
        flat = self._scratch(span, STORED_DTYPES[place.dtype])
        self._fill(place.file, place.offset, flat)
        return flat.as_strided(place.shape, place.strides)

    def _scratch(self, count: int, dtype: torch.dtype) -> torch.Tensor:
        """Room for so many numbers, in this thread's own memory."""
        needed = count * dtype.itemsize
        held = getattr(self._mine, "scratch", None)
        if held is None or held.numel() < needed:
            held = self._mine.scratch = torch.empty(needed, dtype=torch.uint8)
        return held[:needed].view(dtype)

    def _fill(self, path: Path, offset: int, tensor: torch.Tensor) -> None:
        # Plain reads: pages of a memory map would stay in the process beside the tensors.
        flat: Any = tensor.reshape(-1).view(torch.uint8).numpy()
        bytes_ = memoryview(flat)
        file = self._file(path)
        file.seek(offset)
        while bytes_:
            got = file.readinto(bytes_)
            if not got:
                raise SdcliError(
                    f"`{path.name}` ends where a tensor should be", hint="was it changed meanwhile?"
                )
            bytes_ = bytes_[got:]

    def _file(self, path: Path) -> FileIO:
        files: dict[Path, FileIO] = self._mine.__dict__.setdefault("files", {})
        if path not in files:
            files[path] = self._open.enter_context(path.open("rb", buffering=0))
        return files[path]


def check_finite(tensor: torch.Tensor, path: Path, name: str) -> torch.Tensor:
    """The same tensor, if all its numbers are numbers: one that is not makes every picture black."""
    if not bool(torch.isfinite(tensor).all()):
        raise BadRequest(
            f"`{path.name}` is damaged: `{name}` holds numbers that are infinite or none at all",
            hint="its training failed, or its file was spoilt; use another version of it",
        )
    return tensor


def load_tensors(path: Path, want: Callable[[str], bool] | None = None) -> dict[str, torch.Tensor]:
    """A file's tensors under their own names and in their own types; all, or those wanted."""
    with TensorReader() as reader:
        return {
            name: reader.read(place)
            for name, place in read_header(path).tensors.items()
            if want is None or want(name)
        }


def load_component(
    header: Header,
    component: Component,
    shapes: Mapping[str, torch.Size],
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
) -> dict[str, torch.Tensor]:
    """A component's tensors by their modules' names, shaped as asked, in the working dtype.

    Convolutions' weights lie channels last: on a CPU that is 40 % faster, on a GPU no slower.
    """

    def one(target: str) -> torch.Tensor:
        part: Part = component.parts[target]
        found = reader.read_into_scratch(header.tensors[part.name], part.third)
        found = found.mT if part.transposed else found
        shape = shapes[target]
        lies = torch.channels_last if len(shape) == 4 else torch.contiguous_format
        made = torch.empty(shape, dtype=dtype, device=device, memory_format=lies)
        # A 1x1 convolution may be stored as the linear layer it is, and the other way round.
        return made.copy_(found.reshape(shape))

    with TensorReader() as reader, ThreadPoolExecutor(THREADS) as pool:
        # In the order they lie in the file, so that a cold one is read from front to back.
        targets = sorted(
            shapes, key=lambda target: header.tensors[component.parts[target].name].offset
        )
        return dict(zip(targets, pool.map(one, targets), strict=True))
