"""What may be made from a pickle: descriptions of tensors, plain tables, and husks of the rest.

PyTorch's files name functions that build tensors. Each that weights need has a stand-in here, which
takes the same arguments and returns a description; what else comes from a library that trainers use
becomes an empty husk, and everything from elsewhere is refused. No stand-in can be changed by a
file, or keeps anything of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

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
SCRIPT = "__torch__"  # where TorchScript keeps the classes whose code lies in the archive


MOST_SIDES = 16  # of a tensor
MOST_REPEATED = 1 << 24  # numbers of a tensor that repeats those of a smaller storage
Spend = Callable[[int], None]


@dataclass(frozen=True)
class NumberKind:
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
class TensorView:
    """A tensor as the pickle describes it: a window on a storage."""

    storage: Storage
    dtype: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(eq=False)
class Husk:
    """An object of somebody else's: what was put into it by name, and nothing of its code."""

    held: dict[Any, Any] = field(default_factory=dict[Any, Any])


class ScriptModule(Husk):
    """A module of a TorchScript archive: its tensors by their names, and none of its code."""


class Call(NamedTuple):
    """What a pickle wants to be called, and with what."""

    target: Any
    arguments: tuple[Any, ...]


def make_storage(description: Any) -> Storage:
    """A storage by its description; its numbers stay in the file."""
    _, kind, key, _device, count, *view = description
    if not isinstance(kind, NumberKind) or not isinstance(key, str | int):
        raise ValueError("a storage of no kind of number")
    start = view[0][1] if view and view[0] else 0
    if not _are_sizes((count, start)):
        raise ValueError("a storage with a size that is no number")
    return Storage(str(key), kind.dtype, count, start)


def _are_sizes(numbers: Any) -> bool:
    return all(type(number) is int and 0 <= number < 1 << 48 for number in numbers)


def _tensor(
    storage: Any, start: Any, shape: Any, strides: Any, *_rest: Any, dtype: str = ""
) -> TensorView:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    for sides in (shape, strides):
        if not isinstance(sides, tuple | list) or len(cast("list[Any]", sides)) > MOST_SIDES:
            raise ValueError("a tensor without a shape")
    if len(shape) != len(strides) or not _are_sizes((start, *shape, *strides)):
        raise ValueError("a tensor with a size that is no number")
    if math.prod(shape) > max(storage.count, MOST_REPEATED):
        raise ValueError("a tensor that is larger than its numbers")
    return TensorView(storage, dtype or storage.dtype, start, tuple(shape), tuple(strides))


def _build_tensor(arguments: tuple[Any, ...], _spend: Spend) -> Any:
    return _tensor(*arguments)


def _build_typed_tensor(arguments: tuple[Any, ...], _spend: Spend) -> Any:
    storage, start, shape, strides, _grad, _hooks, kind, *_ = arguments
    if not isinstance(kind, NumberKind):
        raise ValueError("a tensor of no kind of number")
    return _tensor(storage, start, shape, strides, dtype=kind.dtype)


def _build_subclass(arguments: tuple[Any, ...], _spend: Spend) -> Any:
    """A tensor of a class of theirs, as the plain tensor it is."""
    _builder, _class, inner, *_ = arguments
    return _tensor(*inner)


def _build_first(arguments: tuple[Any, ...], _spend: Spend) -> Any:
    """A parameter is its tensor; a shape is its sides."""
    return arguments[0]


def _build_table(arguments: tuple[Any, ...], spend: Spend) -> Any:
    """A new table, from pairs if there are any, as Python 2 wrote it."""
    table: dict[Any, Any] = {}
    pairs: Any = arguments[0] if arguments else None
    if isinstance(pairs, list | tuple):
        known = cast("list[Any]", pairs)
        spend(len(known))
        for pair in known:
            if isinstance(pair, list | tuple) and len(cast("list[Any]", pair)) == 2:
                key, value = cast("list[Any]", pair)
                if isinstance(key, str | int):
                    table[key] = value
    return table


def _build_list(_arguments: tuple[Any, ...], _spend: Spend) -> Any:
    """A new list: what is in lists is never a weight of a model."""
    return list[Any]()


def _build_husk(_arguments: tuple[Any, ...], _spend: Spend) -> Any:
    return Husk()


def _build_script_module(_arguments: tuple[Any, ...], _spend: Spend) -> Any:
    return ScriptModule()


Builder = Callable[[tuple[Any, ...], Spend], Any]
_BUILTINS: Mapping[str, Builder] = {
    "dict": _build_table,
    **dict.fromkeys(("set", "frozenset", "list"), _build_list),
    **dict.fromkeys(("tuple", "object", "int", "float", "complex"), _build_husk),
}
_STAND_INS: Mapping[tuple[str, str], Builder | NumberKind] = {
    ("collections", "OrderedDict"): _build_table,
    ("torch._utils", "_rebuild_tensor"): _build_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _build_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _build_typed_tensor,
    ("torch._utils", "_rebuild_parameter"): _build_first,
    ("torch._utils", "_rebuild_parameter_with_state"): _build_first,
    ("torch._tensor", "_rebuild_from_type_v2"): _build_subclass,
    ("torch", "Size"): _build_first,
    ("_codecs", "encode"): _build_husk,
    **{
        (module, name): NumberKind(STORAGES[name])
        for module in ("torch", "torch.storage")
        for name in STORAGES
    },
    **{("torch", name): NumberKind(dtype) for name, dtype in TORCH_DTYPES.items()},
}


def find_stand_in(path: Path, module: str, name: str) -> Builder | NumberKind:
    """Something of ours in place of what the file names; never the thing itself."""
    if stand_in := _STAND_INS.get((module, name)):
        return stand_in
    if module in BUILTINS and name in _BUILTINS:
        return _BUILTINS[name]
    if module.partition(".")[0] == SCRIPT:
        return _build_script_module
    if module.partition(".")[0] in HUSKS and name != "_load_from_bytes":
        return _build_husk
    raise BadRequest(
        f"`{path.name}` wants to run `{module}.{name}`: nothing in it was run",
        hint="such a file can be malicious; get the `.safetensors` version",
    )


def build(call: Call, spend: Spend) -> Any:
    """What a call makes; of anything but a stand-in, another husk."""
    if callable(call.target):
        return call.target(call.arguments, spend)
    return Husk()
