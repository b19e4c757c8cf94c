"""An unpickler that can build nothing but descriptions of tensors, and the containers they lie in.

PyTorch's files are programs for a small machine, and Python's runs whatever they name. This one
looks every name up in a table of ours: what is not in it is refused or becomes an empty husk.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from sdcli.errors import BadRequest

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
BUILTINS = ("builtins", "__builtin__")


@dataclass(frozen=True)
class _Kind:
    """Stands for a class of storage, or a dtype."""

    dtype: str


@dataclass(frozen=True)
class Storage:
    """The numbers that tensors are windows on."""

    key: str
    dtype: str
    count: int
    start: int = 0  # in elements, of a view


@dataclass(frozen=True)
class Piece:
    """A tensor as the pickle describes it: a window on a storage."""

    storage: Storage
    dtype: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Husk:
    """Whatever an object of somebody else's held; its own code stays where it was."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        self.held: dict[Any, Any] = {}

    def __setstate__(self, state: Any) -> None:
        held = self.__dict__.setdefault("held", {})
        if isinstance(state, dict):
            held.update(cast("dict[Any, Any]", state))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__.setdefault("held", {})[key] = value

    def __call__(self, *_args: Any, **_kwargs: Any) -> Husk:
        """Another husk, where theirs would have made something."""
        return Husk()

    def append(self, _item: Any) -> None:
        """Lists of theirs hold no weights."""

    def extend(self, _items: Any) -> None:
        """Lists of theirs hold no weights."""

    def add(self, _item: Any) -> None:
        """Nor do sets."""


def _tensor(
    storage: Any, start: Any, shape: Any, strides: Any, *rest: Any, dtype: str = ""
) -> Piece:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    numbers = (start, *shape, *strides)
    if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
        raise ValueError("a tensor with a size that is no number")
    return Piece(storage, dtype or storage.dtype, start, tuple(shape), tuple(strides))


def _typed_tensor(
    storage: Any, start: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, kind: Any, *_: Any
) -> Piece:
    return _tensor(storage, start, shape, strides, dtype=kind.dtype)


def _subclass(_build: Any, _type: Any, args: Any, _state: Any) -> Piece:
    """A tensor of a class of theirs, as the plain tensor it is."""
    return _tensor(*args)


def _first(value: Any, *_: Any) -> Any:
    return value


def _encoded(text: Any, *_: Any) -> bytes:
    return str(text).encode("latin1", "replace")


HARMLESS_BUILTINS: Mapping[str, Any] = {
    "set": set,
    "frozenset": frozenset,
    "list": list,
    "dict": dict,
    **dict.fromkeys(("tuple", "object", "int", "float", "complex"), Husk),
}
BUILDERS: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _typed_tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch._tensor", "_rebuild_from_type_v2"): _subclass,
    ("torch", "Size"): tuple,
    ("_codecs", "encode"): _encoded,
    **{
        (module, name): _Kind(STORAGES[name])
        for module in ("torch", "torch.storage")
        for name in STORAGES
    },
    **{("torch", name): _Kind(dtype) for name, dtype in TORCH_DTYPES.items()},
}


class Unpickler(pickle.Unpickler):
    """Builds descriptions of tensors, plain containers, and husks of the rest."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__(stream, encoding="latin1")
        self.path = path
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        """Something of ours in place of what the file names; never the thing itself."""
        if (module, name) in BUILDERS:
            return BUILDERS[module, name]
        if module in BUILTINS and name in HARMLESS_BUILTINS:
            return HARMLESS_BUILTINS[name]
        if module.partition(".")[0] in HUSKS and name != "_load_from_bytes":
            return Husk
        raise BadRequest(
            f"`{self.path.name}` wants to run `{module}.{name}`: nothing in it was run",
            hint="such a file can be malicious; get the `.safetensors` version",
        )

    def persistent_load(self, pid: Any, /) -> Any:
        """A storage by its description; its numbers stay in the file."""
        _, kind, key, _place, count, *view = pid
        storage = Storage(str(key), kind.dtype, count, view[0][1] if view and view[0] else 0)
        if type(count) is not int or count < 0:
            raise ValueError("a storage with a size that is no number")
        self.storages.setdefault(storage.key, storage)
        return storage
