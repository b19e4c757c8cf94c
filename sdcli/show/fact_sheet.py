"""Facts about a file: a dataclass says what there is, and from it come the object for programs
and the lines for people.

A field that is None is not known, and in neither. What else is special about a field is said where
it stands, by one of the functions here: `facts: int = field(metadata=key("for"))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LONGEST_TEXT = 160  # a file's metadata can hold a whole dataset's tags


def fact_key(name: str, words: Callable[[Any], str] | None = None) -> Mapping[str, Any]:
    """A field that is called something else in the object for programs."""
    return {"key": name, "words": words}


def in_words(words: Callable[[Any], str]) -> Mapping[str, Any]:
    """A field that people read otherwise than its value is written."""
    return {"words": words}


def with_rows(
    label: str, words: Callable[[Any], str], rows: Callable[[Any], Mapping[str, str]]
) -> Mapping[str, Any]:
    """A field that people read as a line and a table under it."""
    return {"label": label, "words": words, "rows": rows}


HEADING: Mapping[str, Any] = {"hidden": True}  # people read it in the line above the others
INLINE: Mapping[str, Any] = {"inline": True}  # its own fields stand in its place


class Row(NamedTuple):
    """One line for people, and those under it."""

    name: str
    text: str
    rows: tuple[Row, ...] = ()


def fact_record(facts: DataclassInstance) -> dict[str, Any]:
    """The facts as an object of JSON."""
    record: dict[str, Any] = {}
    for place, value in _known_fields(facts):
        if place.metadata.get("inline"):
            record |= fact_record(value)
        else:
            record[_key(place)] = _plain(value)
    return record


def fact_lines(facts: DataclassInstance, heading: str = "") -> list[str]:
    """The facts for people: names and values in two columns, under a heading if there is one."""
    rows = tuple(_rows(facts))
    return [heading, *_aligned(rows, 2)] if heading else _aligned(rows, 0)


def one_line(text: str) -> str:
    """A text without line ends, cut where it gets too long to be read."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _known_fields(facts: DataclassInstance) -> Iterator[tuple[Field[Any], Any]]:
    for place in fields(facts):
        value = getattr(facts, place.name)
        if value is not None:
            yield place, value


def _key(place: Field[Any]) -> str:
    return place.metadata.get("key", place.name)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return fact_record(cast("DataclassInstance", value))
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[Any]", value)]
    return value


def _rows(facts: DataclassInstance) -> Iterator[Row]:
    for place, value in _known_fields(facts):
        if place.metadata.get("inline"):
            yield from _rows(value)
        elif not place.metadata.get("hidden") and value not in ((), [], {}, ""):
            yield _row(place, value)


def _row(place: Field[Any], value: Any) -> Row:
    name = place.metadata.get("label", _key(place)).replace("_", " ")
    words: Callable[[Any], str] | None = place.metadata.get("words")
    rows: Callable[[Any], Mapping[str, str]] | None = place.metadata.get("rows")
    if words and rows:
        return Row(name, words(value), tuple(Row(*each) for each in rows(value).items()))
    if words is None and isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        return Row(name, "", tuple(Row(each, _text(inner)) for each, inner in table.items()))
    return Row(name, one_line(words(value)) if words else _text(value))


def _text(value: Any, between: str = ", ") -> str:
    if is_dataclass(value):
        known = _known_fields(cast("DataclassInstance", value))
        return ", ".join(f"{_key(place)} {_text(inner, ' ')}" for place, inner in known)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value > 9999:
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return one_line(between.join(map(str, cast("list[Any]", value))))
    return one_line(str(value))


def _aligned(rows: tuple[Row, ...], indent: int) -> list[str]:
    width = max([12, *(len(row.name) for row in rows)]) + 2 + (2 if indent > 2 else 0)
    lines: list[str] = []
    for row in rows:
        lines.append(f"{' ' * indent}{row.name:<{width}}{row.text}".rstrip())
        lines += _aligned(row.rows, max(indent, 2) + 2)
    return lines
