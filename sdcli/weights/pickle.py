"""PyTorch's own files (`.ckpt`, `.pt`, `.pth`, `.bin`): their tensors' names, shapes and places.

Nothing from the file is ever run, and no weight is read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from sdcli.errors import BadRequest
from sdcli.library.open_file import open_regular_file
from sdcli.weights.pickle_builders import Husk, ScriptModule, Storage, TensorView
from sdcli.weights.safetensors import ITEM_SIZES, Header, Tensor, damaged_file
from sdcli.weights.unpickler import Unpickler
from sdcli.weights.zip_entries import ZipEntry, find_start, read_entries, read_entry

LONGEST_PICKLE = 1 << 24  # the pickle of a real checkpoint is one megabyte; its weights lie outside
MOST_TENSORS = 100_000
LONGEST_NAME = 1_000  # of a tensor, or of a text beside the tensors
DEEPEST = 8  # state_dict inside a wrapper inside a wrapper; modules of an archive likewise
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# What reading a damaged file leads to: everything in it is of a kind that nobody promised.
READ_ERRORS = (
    ValueError,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
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
Places = Callable[[Storage], int]


def read_pickle(path: Path) -> Header:
    """The header of a PyTorch file, zipped or legacy."""
    try:
        with open_regular_file(path) as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            root, places = _read_zipped(path, file) if zipped else _read_legacy(path, file)
        tensors = dict(_tensors(path, root, places))
    except READ_ERRORS as error:
        raise damaged_file(path, f"it is no PyTorch file that can be read ({error})") from None
    form = "torchscript" if isinstance(root, ScriptModule) else "pickle"
    return Header(path, form, tensors, facts=_facts(root))


def _read_zipped(path: Path, file: BinaryIO) -> tuple[Any, Places]:
    total = path.stat().st_size
    entries = read_entries(file, total)
    name = next((name for name in entries if name.split("/")[1:] == ["data.pkl"]), None)
    if name is None:
        raise BadRequest(f"`{path.name}` is a zip archive, not a model", hint="unpack it first")
    folder = name.removesuffix("data.pkl")
    if order := entries.get(folder + "byteorder"):
        _check_byte_order(path, read_entry(file, order, total, longest=16))
    unpickler = Unpickler(path, read_entry(file, entries[name], total, LONGEST_PICKLE))
    root = unpickler.load()
    places = {
        key: _find_storage(file, entries[f"{folder}data/{key}"], storage, total)
        for key, storage in unpickler.storages.items()
    }
    return root, lambda storage: places[storage.key]


def _check_byte_order(path: Path, order: bytes) -> None:
    if order == b"big":
        raise BadRequest(
            f"`{path.name}` was written on a big-endian machine", hint="convert it there"
        )
    if order != b"little":
        raise ValueError("the order of its bytes is unknown")


def _find_storage(file: BinaryIO, entry: ZipEntry, storage: Storage, total: int) -> int:
    """Where a storage's bytes begin."""
    start = find_start(file, entry, total)
    if storage.count * ITEM_SIZES[storage.dtype] > entry.size:
        raise ValueError(f"`{entry.name[:100]}` holds less than its tensors need")
    return start


def _read_legacy(path: Path, file: BinaryIO) -> tuple[Any, Places]:
    unpickler = Unpickler(path, file.read(LONGEST_PICKLE))
    if unpickler.load() != LEGACY_MAGIC:
        raise BadRequest(
            f"`{path.name}` is a pickle, but not one that PyTorch wrote",
            hint="is it really a model?",
        )
    for _ in ("protocol", "system"):
        unpickler.load()
    root, keys = unpickler.load(), unpickler.load()
    places: dict[str, int] = {}
    place, total = unpickler.place, path.stat().st_size
    for key in map(str, keys):
        file.seek(place)
        (count,) = struct.unpack("<q", file.read(8))
        storage = unpickler.storages[key]
        place += 8
        places[key] = place
        if not storage.count <= count:
            raise ValueError(f"storage {key[:100]} holds {count:,} numbers, not {storage.count:,}")
        place += count * ITEM_SIZES[storage.dtype]
        if place > total:
            raise BadRequest(
                f"`{path.name}` is cut short: {total:,} of {place:,} bytes or more are here",
                hint="the download or the copy stopped early; fetch it again",
            )
    return root, lambda storage: places[storage.key]


def _tensors(path: Path, root: Any, places: Places) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the state dict, with their places in the file."""
    for count, (name, view) in enumerate(_flat(_unwrapped(root))):
        if count >= MOST_TENSORS or len(name) > LONGEST_NAME:
            raise ValueError("no model has so many tensors, or such names for them")
        storage, item = view.storage, ITEM_SIZES[view.dtype]
        sides = list(zip(view.shape, view.strides, strict=True))
        span = 1 + sum((side - 1) * stride for side, stride in sides) if 0 not in view.shape else 0
        first = (storage.start + view.start) * item
        if first + span * item > (storage.start + storage.count) * ITEM_SIZES[storage.dtype]:
            raise ValueError(f"`{name}` reaches beyond its storage")
        plain = all(
            side == 1 or stride == math.prod(view.shape[axis + 1 :])
            for axis, (side, stride) in enumerate(sides)
        )
        strides = () if plain else view.strides
        yield name, Tensor(view.dtype, view.shape, path, places(storage) + first, strides)


def _table(value: Any) -> dict[Any, Any]:
    """What a table or a husk holds; of anything else, nothing."""
    held = value.held if isinstance(value, Husk) else value
    return cast("dict[Any, Any]", held) if isinstance(held, dict) else {}


def _unwrapped(root: Any) -> Any:
    for _ in range(DEEPEST):
        table = _table(root)
        inner = next((table[key] for key in WRAPPERS if _table(table.get(key))), None)
        if inner is None:
            return root
        root = inner
    return root


def _flat(root: Any) -> Iterator[tuple[str, TensorView]]:
    """Every tensor by its path: state dicts are flat, embeddings are two deep."""
    return _flat_modules(root) if isinstance(root, ScriptModule) else _flat_tables(root)


def _flat_tables(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, TensorView]]:
    table = _table(value)
    inner = table.get("_parameters") if depth else None  # a module's husk, such as a ParameterDict
    inside = cast("dict[Any, Any]", inner) if isinstance(inner, dict) else table
    for key, item in inside.items():
        if isinstance(item, TensorView):
            yield f"{prefix}{str(key)[:LONGEST_NAME]}", item
        elif depth < 2 and _table(item):
            yield from _flat_tables(item, f"{prefix}{str(key)[:LONGEST_NAME]}.", depth + 1)


def _flat_modules(root: ScriptModule) -> Iterator[tuple[str, TensorView]]:
    """Of a TorchScript archive, whose modules lie in each other as they do in the model: each of
    them once, however often it is put somewhere."""
    waiting, known = [("", root, 0)], {id(root)}
    while waiting:
        prefix, module, depth = waiting.pop()
        for key, item in module.held.items():
            name = f"{prefix}{str(key)[:LONGEST_NAME]}"
            if isinstance(item, TensorView):
                yield name, item
            elif isinstance(item, ScriptModule) and depth < DEEPEST and id(item) not in known:
                known.add(id(item))
                waiting.append((f"{name}.", item, depth + 1))


def _facts(root: Any) -> dict[str, Any]:
    plain = (str, int, float)
    return {
        str(key): value
        for key, value in _table(root).items()
        if isinstance(value, plain) and len(str(value)) <= LONGEST_NAME
    }
