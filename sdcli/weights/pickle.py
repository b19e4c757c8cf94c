"""PyTorch's own files (`.ckpt`, `.pt`, `.pth`, `.bin`): their tensors' names, shapes and places.

Nothing from the file is ever run, and no weight is read.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from sdcli.errors import BadRequest
from sdcli.weights.safetensors import ITEM_SIZES, Header, Tensor, damaged_file
from sdcli.weights.unpickler import Husk, Piece, Storage, Unpickler

LONGEST_PICKLE = 1 << 26  # the pickle of a real checkpoint is one megabyte; its weights lie outside
DEEPEST = 8  # state_dict inside a wrapper inside a wrapper
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
BROKEN = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
# Keys under which programs put a state dict.
WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "params_ema",
    "params-ema",
    "params",
    "model",
    "net",
    "module",
)


def read_pickle(path: Path) -> Header:
    """The header of a PyTorch file, zipped or legacy."""
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            root, places = _zipped(path, file) if zipped else _legacy(path, file)
        tensors = dict(_placed(path, root, places))
    except BROKEN as error:
        raise damaged_file(path, f"it is no PyTorch file that can be read ({error})") from None
    return Header(path, "pickle", tensors, facts=_facts(root))


def _zipped(path: Path, file: IO[bytes]) -> tuple[Any, Callable[[Storage], int]]:
    archive = zipfile.ZipFile(file)
    entries = {info.filename: info for info in archive.infolist()}
    name = next((name for name in entries if name.split("/")[1:] == ["data.pkl"]), None)
    if name is None:
        raise BadRequest(f"`{path.name}` is a zip archive, not a model", hint="unpack it first")
    folder = name.removesuffix("data.pkl")
    if entries[name].file_size > LONGEST_PICKLE:
        raise damaged_file(path, f"its description takes {entries[name].file_size:,} bytes")
    if folder + "byteorder" in entries and archive.read(folder + "byteorder") != b"little":
        raise BadRequest(
            f"`{path.name}` was written on a big-endian machine", hint="convert it there"
        )
    with archive.open(name) as pickled:  # its claimed size is a claim, too
        text = pickled.read(LONGEST_PICKLE)
    unpickler = Unpickler(path, io.BytesIO(text))
    root = unpickler.load()
    total = path.stat().st_size
    found = {
        key: _start(path, file, entries[f"{folder}data/{key}"], storage, total)
        for key, storage in unpickler.storages.items()
    }
    return root, lambda storage: found[storage.key]


def _start(path: Path, file: IO[bytes], info: zipfile.ZipInfo, storage: Storage, total: int) -> int:
    """Where a storage's bytes begin. PyTorch never compresses them: they are read in place."""
    size = storage.count * ITEM_SIZES[storage.dtype]
    if info.compress_type != zipfile.ZIP_STORED or info.file_size < size:
        raise damaged_file(path, f"`{info.filename}` is not what PyTorch writes")
    file.seek(info.header_offset)
    local = file.read(30)
    name, extra = struct.unpack("<HH", local[26:30])
    start = info.header_offset + 30 + name + extra
    if start + size > total:
        raise damaged_file(path, f"`{info.filename}` reaches beyond its end")
    return start


def _legacy(path: Path, file: IO[bytes]) -> tuple[Any, Callable[[Storage], int]]:
    stream = io.BytesIO(file.read(LONGEST_PICKLE))
    if Unpickler(path, stream).load() != LEGACY_MAGIC:
        raise BadRequest(
            f"`{path.name}` is a pickle, but not one that PyTorch wrote",
            hint="is it really a model?",
        )
    for _ in ("protocol", "system"):
        Unpickler(path, stream).load()
    unpickler = Unpickler(path, stream)
    root = unpickler.load()
    keys: Any = Unpickler(path, stream).load()
    found: dict[str, int] = {}
    place, total = stream.tell(), path.stat().st_size
    for key in map(str, keys):
        file.seek(place)
        (count,) = struct.unpack("<q", file.read(8))
        storage = unpickler.storages[key]
        place += 8
        found[key] = place
        if not storage.count <= count:
            raise damaged_file(
                path, f"storage {key} holds {count:,} numbers, not {storage.count:,}"
            )
        place += count * ITEM_SIZES[storage.dtype]
        if place > total:
            raise BadRequest(
                f"`{path.name}` is cut short: {total:,} of {place:,} bytes or more are here",
                hint="the download or the copy stopped early; fetch it again",
            )
    return root, lambda storage: found[storage.key]


def _placed(
    path: Path, root: Any, places: Callable[[Storage], int]
) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the state dict, with their places in the file."""
    for name, piece in _flat(_unwrapped(root)):
        storage, item = piece.storage, ITEM_SIZES[piece.dtype]
        sides = list(zip(piece.shape, piece.strides, strict=True))
        span = 1 + sum((side - 1) * stride for side, stride in sides) if 0 not in piece.shape else 0
        first = (storage.start + piece.start) * item
        if first + span * item > (storage.start + storage.count) * ITEM_SIZES[storage.dtype]:
            raise ValueError(f"`{name}` reaches beyond its storage")
        plain = all(
            side == 1 or stride == math.prod(piece.shape[axis + 1 :])
            for axis, (side, stride) in enumerate(sides)
        )
        strides = () if plain else piece.strides
        yield name, Tensor(piece.dtype, piece.shape, path, places(storage) + first, strides)


def _held(value: Any) -> dict[Any, Any] | None:
    found = value.held if isinstance(value, Husk) else value
    return cast("dict[Any, Any]", found) if isinstance(found, dict) else None


def _unwrapped(root: Any) -> Any:
    for _ in range(DEEPEST):
        held = _held(root) or {}
        inner = next((held[key] for key in WRAPPERS if _held(held.get(key))), None)
        if inner is None:
            return root
        root = inner
    return root


def _flat(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Piece]]:
    """Every tensor by its path: state dicts are flat, embeddings are two deep."""
    held = _held(value) or {}
    inner = held.get("_parameters") if depth else None  # a module's husk, such as a ParameterDict
    inside = cast("dict[Any, Any]", inner) if isinstance(inner, dict) else held
    for key, item in inside.items():
        if isinstance(item, Piece):
            yield f"{prefix}{key}", item
        elif depth < 2 and _held(item):
            yield from _flat(item, f"{prefix}{key}.", depth + 1)


def _facts(root: Any) -> dict[str, Any]:
    plain = (str, int, float)
    held = _held(root) or {}
    return {str(key): value for key, value in held.items() if isinstance(value, plain)}
