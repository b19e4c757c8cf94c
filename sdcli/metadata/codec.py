"""Frozen dataclasses to JSON and back: exactly, and within bounds when the data is a stranger's.

Only data comes in and only dataclasses, texts and numbers come out: nothing is imported, called or
executed because a picture says so. Fields that a dataclass leaves out of its comparison are left
out here too: what decides nothing is not worth carrying.

Data outlives the code that wrote it, so a class or a field that is renamed keeps the name that data
knows it by: `STORED_AS = ("oldname",)` on the class, `field(metadata={STORED_AS: ("old_name",)})` on
the field. The first name is written, every one of them is read. Values that were renamed are read by
`OLD_VALUES: {old: new}` on the field.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sdcli.errors import SdcliError

T = TypeVar("T")

STORED_AS = "STORED_AS"
OLD_VALUES = "OLD_VALUES"
TYPE_KEY = "is"  # the key that says which of several dataclasses an object is
LONGEST_TEXT = 4_096
LONGEST_LIST = 1_024
LARGEST_WHOLE = 2**64 - 1
LARGEST_REAL = 1e9


class BadData(SdcliError):
    """Data that is not what it should be: which field, and why."""


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a reader accepts beyond the type: by field name, (least, most) or the longest text."""

    numbers: Mapping[str, tuple[float, float]] = dataclasses.field(
        default_factory=dict[str, tuple[float, float]]
    )
    texts: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])


def stored_fields(kind: Any) -> list[dataclasses.Field[Any]]:
    """The fields of a dataclass that decide something."""
    return [field for field in dataclasses.fields(kind) if field.compare]


def type_names(kind: Any) -> tuple[str, ...]:
    """What data calls a dataclass: the name that is written, then those of earlier versions."""
    names: tuple[str, ...] = getattr(kind, STORED_AS, (kind.__name__.lower(),))
    return names


def field_names(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    """What data calls a field: the name that is written, then those of earlier versions."""
    names: tuple[str, ...] = field.metadata.get(STORED_AS, (field.name,))
    return names


def to_data(value: Any) -> Any:
    """`value` as JSON data. Dataclasses are tagged, so that unions need no guessing."""
    if dataclasses.is_dataclass(value):
        named = {
            field_names(field)[0]: to_data(getattr(value, field.name))
            for field in stored_fields(value)
        }
        return {TYPE_KEY: type_names(type(value))[0], **named}
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, Any], value)
        return {name: to_data(item) for name, item in pairs.items()}
    if isinstance(value, tuple):
        return [to_data(item) for item in cast(tuple[Any, ...], value)]
    return path_to_text(value) if isinstance(value, Path) else value


def path_to_text(path: Path) -> str:
    """A path as text, the home folder as `~`: pictures travel, and need not name their owner."""
    text, home = path.as_posix(), _home()
    if home and (text == home or text.startswith(home + "/")):
        return "~" + text[len(home) :]
    return "./" + text if text == "~" or text.startswith("~/") else text


def path_from_text(text: str) -> Path:
    """The path that `written` wrote."""
    home = _home()
    return Path(home + text[1:]) if home and (text == "~" or text.startswith("~/")) else Path(text)


def _home() -> str:
    try:
        return Path.home().as_posix().rstrip("/")
    except RuntimeError:  # a user whom the system does not know
        return ""


def to_json(data: Any) -> str:
    """`data` as one line that any text encoding holds, letters of every script as themselves."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half a surrogate pair (a broken file name) is no Unicode, but JSON can spell it.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def from_json(text: str) -> Any:
    """The data in `text`, or BadData: no endless number, no abyss of brackets, no NaN."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadData(f"this is not JSON: {str(error)[:120]}") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


class DataReader:
    """Reads data into dataclasses; `strange` collects the fields that nobody here knows."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.unknown_fields: list[str] = []

    def read(self, kind: type[T], data: Any, where: str = "") -> T:
        """`data` as a `kind`, or BadData naming the first field that cannot be one."""
        return cast(T, self._read_value(kind, data, where))

    def _read_value(self, kind: Any, data: Any, where: str) -> Any:
        if dataclasses.is_dataclass(kind):
            return self._read_dataclass(kind, data, where)
        origin = get_origin(kind)
        if origin in (types.UnionType, Union):
            return self._read_union(get_args(kind), data, where)
        if origin is tuple:
            return self._read_tuple(get_args(kind)[0], data, where)
        if origin is not None and issubclass(origin, Mapping):
            return self._read_mapping(data, where)
        return _SCALAR_READERS[kind](self, data, where)

    def _read_dataclass(self, kind: Any, data: Any, where: str) -> Any:
        entries = _expect_object(data, where)
        tags = type_names(kind)
        if entries.get(TYPE_KEY, tags[0]) not in tags:
            raise BadData(f"{_describe_place(where)} should be a {tags[0]}")
        hints = get_type_hints(kind)
        known = {name: field for field in stored_fields(kind) for name in field_names(field)}
        strangers = [name for name in entries if name not in {TYPE_KEY, *known}]
        self.unknown_fields += [f"{where}.{name}".strip(".")[:200] for name in strangers[:100]]
        values: dict[str, Any] = {}
        for field in stored_fields(kind):
            stored = next((name for name in field_names(field) if name in entries), None)
            if stored is not None:
                place = f"{where}.{field.name}".strip(".")
                data = _current_value(field, entries[stored])
                values[field.name] = self._read_value(hints[field.name], data, place)
            elif _is_required(field):
                raise BadData(f"{_describe_place(where)} lacks `{field_names(field)[0]}`")
        return kind(**values)

    def _read_union(self, kinds: tuple[Any, ...], data: Any, where: str) -> Any:
        if data is None and types.NoneType in kinds:
            return None
        if not isinstance(data, dict):
            plain = [
                k for k in kinds if k is not types.NoneType and not dataclasses.is_dataclass(k)
            ]
            if not plain:
                raise BadData(f"{_describe_place(where)} should be an object")
            return self._read_value(plain[0], data, where)
        tag = cast(dict[str, Any], data).get(TYPE_KEY)
        for kind in kinds:
            if dataclasses.is_dataclass(kind) and tag in type_names(kind):
                return self._read_dataclass(kind, data, where)
        raise BadData(f"{_describe_place(where)} is of no kind known here")

    def _read_tuple(self, kind: Any, data: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(data, list) or len(cast(list[Any], data)) > LONGEST_LIST:
            raise BadData(f"{_describe_place(where)} should be a list of at most {LONGEST_LIST}")
        items = cast(list[Any], data)
        return tuple(self._read_value(kind, item, f"{where}[{n}]") for n, item in enumerate(items))

    def _read_mapping(self, data: Any, where: str) -> dict[str, str]:
        entries = _expect_object(data, where)
        if len(entries) > LONGEST_LIST:
            raise BadData(f"{_describe_place(where)} has more than {LONGEST_LIST} entries")
        return {
            self._read_text(name, where): self._read_text(item, f"{where}.{name[:40]}")
            for name, item in entries.items()
        }

    def _read_text(self, data: Any, where: str) -> str:
        longest = self.bounds.texts.get(_field_name(where), LONGEST_TEXT)
        if not isinstance(data, str) or len(data) > longest:
            raise BadData(
                f"{_describe_place(where)} should be a text of at most {longest} characters"
            )
        return data

    def _read_path(self, data: Any, where: str) -> Path:
        text = self._read_text(data, where)
        if "\0" in text:
            raise BadData(f"{_describe_place(where)} is not a path")
        return path_from_text(text)

    def _read_whole(self, data: Any, where: str) -> int:
        least, most = self.bounds.numbers.get(_field_name(where), (0, LARGEST_WHOLE))
        if isinstance(data, bool) or not isinstance(data, int) or not least <= data <= most:
            raise BadData(
                f"{_describe_place(where)} should be a whole number from {least} to {most}"
            )
        return data

    def _read_real(self, data: Any, where: str) -> float:
        least, most = self.bounds.numbers.get(_field_name(where), (-LARGEST_REAL, LARGEST_REAL))
        numeric = isinstance(data, (int, float)) and not isinstance(data, bool)
        if not numeric or not least <= data <= most:  # which no NaN and no infinity passes
            raise BadData(f"{_describe_place(where)} should be a number from {least} to {most}")
        return float(data)

    def _read_bool(self, data: Any, where: str) -> bool:
        if not isinstance(data, bool):
            raise BadData(f"{_describe_place(where)} should be true or false")
        return data


_SCALAR_READERS: Mapping[Any, Any] = {
    str: DataReader._read_text,  # pyright: ignore[reportPrivateUsage]
    int: DataReader._read_whole,  # pyright: ignore[reportPrivateUsage]
    float: DataReader._read_real,  # pyright: ignore[reportPrivateUsage]
    bool: DataReader._read_bool,  # pyright: ignore[reportPrivateUsage]
    Path: DataReader._read_path,  # pyright: ignore[reportPrivateUsage]
}


def _expect_object(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise BadData(f"{_describe_place(where)} should be an object")
    return cast(dict[str, Any], data)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    """Whether the field's absence is an error; one with a default was added after the data was."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _current_value(field: dataclasses.Field[Any], data: Any) -> Any:
    """What is called now what data of an earlier version calls `data`."""
    renamed = field.metadata.get(OLD_VALUES, {})
    return renamed.get(data, data) if isinstance(data, str | bool) else data


def _field_name(where: str) -> str:
    return where.rpartition(".")[2].partition("[")[0]


def _describe_place(where: str) -> str:
    return f"`{where[:120]}`" if where else "the whole"
