"""PyTorch's own files (`.ckpt`, `.pt`, `.pth`, `.bin`), read by an unpickler that can build nothing
but descriptions of tensors. Nothing from the file is ever run, and no weight is read."""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from sdcli.errors import BadRequest
from sdcli.header import ITEM_SIZES, Header, Tensor, damaged

LONGEST_PICKLE = 1 << 26  # the pickle of a real checkpoint is one megabyte; its weights lie outside
DEEPEST = 8  # state_dict inside a wrapper inside a wrapper
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
STORAGES: Mapping[str, str] = {
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "DoubleStorage": "F64",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "UntypedStorage": "U8",
}
TORCH_DTYPES: Mapping[str, str] = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float64": "F64",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}
# Trainers leave objects of theirs in checkpoints. They become empty husks: no code of theirs is
# imported, let alone run. Anything from elsewhere has no business in a file of weights.
HUSKS = {
    "argparse",
    "collections",
    "copyreg",
    "datetime",
    "diffusers",
    "fairscale",
    "ldm",
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "numpy",
    "omegaconf",
    "pathlib",
    "pytorch_lightning",
    "sgm",
    "torch",
    "torchmetrics",
    "transformers",
    "typing",
}
HARMLESS_BUILTINS = {
    "set",
    "frozenset",
    "list",
    "dict",
    "tuple",
    "object",
    "int",
    "float",
    "complex",
}
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


@dataclass(frozen=True)
class _Kind:
    """Stands for a class of storage, or a dtype."""

    dtype: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    count: int
    start: int = 0  # in elements, of a view


@dataclass(frozen=True)
class _Piece:
    """A tensor as the pickle describes it: a window on a storage."""

    storage: _Storage
    dtype: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Husk:
    """Whatever an object of somebody else's held; its own code stays where it was."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        self.held: dict[Any, Any] = {}

    def __setstate__(self, state: Any) -> None:
        held = self.__dict__.setdefault("held", {})
        if isinstance(state, dict):
            held.update(cast("dict[Any, Any]", state))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__.setdefault("held", {})[key] = value

    def __call__(self, *_args: Any, **_kwargs: Any) -> _Husk:
        return _Husk()

    def append(self, _item: Any) -> None:
        """Lists of theirs hold no weights."""

    def extend(self, _items: Any) -> None:
        """Lists of theirs hold no weights."""

    def add(self, _item: Any) -> None:
        """Nor do sets."""


def _tensor(
    storage: Any, start: Any, shape: Any, strides: Any, *rest: Any, dtype: str = ""
) -> _Piece:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor without a storage")
    numbers = (start, *shape, *strides)
    if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
        raise ValueError("a tensor with a size that is no number")
    return _Piece(storage, dtype or storage.dtype, start, tuple(shape), tuple(strides))


def _typed_tensor(
    storage: Any, start: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, kind: Any, *_: Any
) -> _Piece:
    return _tensor(storage, start, shape, strides, dtype=kind.dtype)


def _first(value: Any, *_: Any) -> Any:
    return value


def _encoded(text: Any, *_: Any) -> bytes:
    return str(text).encode("latin1", "replace")


BUILDERS: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _typed_tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda _f, _type, args, _state: _tensor(*args),
    ("torch", "Size"): tuple,
    ("_codecs", "encode"): _encoded,
    **{
        (module, name): _Kind(STORAGES[name])
        for module in ("torch", "torch.storage")
        for name in STORAGES
    },
    **{("torch", name): _Kind(dtype) for name, dtype in TORCH_DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Builds descriptions of tensors, plain containers, and husks of the rest."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__(stream, encoding="latin1")
        self.path = path
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Something of ours in place of what the file names; never the thing itself."""
        if (module, name) in BUILDERS:
            return BUILDERS[module, name]
        if module in ("builtins", "__builtin__") and name in HARMLESS_BUILTINS:
            return {"set": set, "frozenset": frozenset, "dict": dict, "list": list}.get(name, _Husk)
        if module.partition(".")[0] in HUSKS and (module, name) != (
            "torch.storage",
            "_load_from_bytes",
        ):
            return _Husk
        self.refuse(f"{module}.{name}")

    def refuse(self, what: str) -> NoReturn:
        """The answer to a file that names code which no file of weights needs."""
        raise BadRequest(
            f"`{self.path.name}` wants to run `{what}`: nothing in it was run",
            hint="such a file can be malicious; get the `.safetensors` version",
        )

    def persistent_load(self, pid: Any, /) -> Any:
        """A storage by its description; its numbers stay in the file."""
        _, kind, key, _place, count, *view = pid
        storage = _Storage(str(key), kind.dtype, count, view[0][1] if view and view[0] else 0)
        if type(count) is not int or count < 0:
            raise ValueError("a storage with a size that is no number")
        self.storages.setdefault(storage.key, storage)
        return storage


def read_pickle(path: Path) -> Header:
    """The header of a PyTorch file, zipped or legacy."""
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            root, places = _zipped(path, file) if zipped else _legacy(path, file)
        tensors = dict(_placed(path, root, places))
    except BROKEN as error:
        raise damaged(path, f"it is no PyTorch file that can be read ({error})") from None
    return Header(path, "pickle", tensors, facts=_facts(root))


def _zipped(path: Path, file: IO[bytes]) -> tuple[Any, Callable[[_Storage], int]]:
    archive = zipfile.ZipFile(file)
    entries = {info.filename: info for info in archive.infolist()}
    name = next((name for name in entries if name.split("/")[1:] == ["data.pkl"]), None)
    if name is None:
        raise BadRequest(f"`{path.name}` is a zip archive, not a model", hint="unpack it first")
    folder = name.removesuffix("data.pkl")
    if entries[name].file_size > LONGEST_PICKLE:
        raise damaged(path, f"its description takes {entries[name].file_size:,} bytes")
    if folder + "byteorder" in entries and archive.read(folder + "byteorder") != b"little":
        raise BadRequest(
            f"`{path.name}` was written on a big-endian machine", hint="convert it there"
        )
    with archive.open(name) as pickled:  # its claimed size is a claim, too
        text = pickled.read(LONGEST_PICKLE)
    unpickler = _Unpickler(path, io.BytesIO(text))
    root = unpickler.load()
    total = path.stat().st_size
    found = {
        key: _start(path, file, entries[f"{folder}data/{key}"], storage, total)
        for key, storage in unpickler.storages.items()
    }
    return root, lambda storage: found[storage.key]


def _start(
    path: Path, file: IO[bytes], info: zipfile.ZipInfo, storage: _Storage, total: int
) -> int:
    """Where a storage's bytes begin. PyTorch never compresses them: they are read in place."""
    size = storage.count * ITEM_SIZES[storage.dtype]
    if info.compress_type != zipfile.ZIP_STORED or info.file_size < size:
        raise damaged(path, f"`{info.filename}` is not what PyTorch writes")
    file.seek(info.header_offset)
    local = file.read(30)
    name, extra = struct.unpack("<HH", local[26:30])
    start = info.header_offset + 30 + name + extra
    if start + size > total:
        raise damaged(path, f"`{info.filename}` reaches beyond its end")
    return start


def _legacy(path: Path, file: IO[bytes]) -> tuple[Any, Callable[[_Storage], int]]:
    stream = io.BytesIO(file.read(LONGEST_PICKLE))
    if _Unpickler(path, stream).load() != LEGACY_MAGIC:
        raise BadRequest(
            f"`{path.name}` is a pickle, but not one that PyTorch wrote",
            hint="is it really a model?",
        )
    for _ in ("protocol", "system"):
        _Unpickler(path, stream).load()
    unpickler = _Unpickler(path, stream)
    root = unpickler.load()
    keys: Any = _Unpickler(path, stream).load()
    found: dict[str, int] = {}
    place, total = stream.tell(), path.stat().st_size
    for key in map(str, keys):
        file.seek(place)
        (count,) = struct.unpack("<q", file.read(8))
        storage = unpickler.storages[key]
        place += 8
        found[key] = place
        if not storage.count <= count:
            raise damaged(path, f"storage {key} holds {count:,} numbers, not {storage.count:,}")
        place += count * ITEM_SIZES[storage.dtype]
        if place > total:
            raise BadRequest(
                f"`{path.name}` is cut short: {total:,} of {place:,} bytes or more are here",
                hint="the download or the copy stopped early; fetch it again",
            )
    return root, lambda storage: found[storage.key]


def _placed(
    path: Path, root: Any, places: Callable[[_Storage], int]
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
    found = value.held if isinstance(value, _Husk) else value
    return cast("dict[Any, Any]", found) if isinstance(found, dict) else None


def _unwrapped(root: Any) -> Any:
    for _ in range(DEEPEST):
        held = _held(root) or {}
        inner = next((held[key] for key in WRAPPERS if _held(held.get(key))), None)
        if inner is None:
            return root
        root = inner
    return root


def _flat(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, _Piece]]:
    """Every tensor by its path: state dicts are flat, embeddings are two deep."""
    held = _held(value) or {}
    if depth == 0 or not isinstance(held.get("_parameters"), dict):
        inside = held
    else:
        inside = held["_parameters"]  # a module's husk, such as a ParameterDict
    for key, item in inside.items():
        if isinstance(item, _Piece):
            yield f"{prefix}{key}", item
        elif depth < 2 and _held(item):
            yield from _flat(item, f"{prefix}{key}.", depth + 1)


def _facts(root: Any) -> dict[str, Any]:
    plain = (str, int, float)
    held = _held(root) or {}
    return {str(key): value for key, value in held.items() if isinstance(value, plain)}
