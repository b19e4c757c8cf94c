"""Values of that program's JSON, read as leniently as it reads them: `"20"` and 20.0 are 20."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.options.table import OPTIONS
from sdcli.server.http.failures import HttpFailure

Read = Callable[[Any], Any]  # a value of JSON as it is kept; ValueError where it cannot be


def anything(value: Any) -> Any:
    """The value, whatever it is."""
    return value


def text(value: Any) -> str:
    """A text."""
    if isinstance(value, str):
        return value
    raise ValueError("that is no text")


def name(value: Any) -> str:
    """A text without the blanks around it."""
    return text(value).strip()


def number(value: Any) -> float:
    """A finite number, or a text that is one."""
    if isinstance(value, int | float | str):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = math.nan
        if math.isfinite(found):
            return found
    raise ValueError("that is no number")


def whole(value: Any) -> int:
    """A whole number, however it is written."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and len(value) < 40 and value.strip().lstrip("+-").isdecimal():
        return int(value)
    found = number(value)
    if not found.is_integer():
        raise ValueError("that is no whole number")
    return int(found)


def yes_or_no(value: Any) -> bool:
    """Yes or no, in the words of JSON and of forms."""
    known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    said = str(value).strip().lower()
    if isinstance(value, bool | int | str) and said in known:
        return known[said]
    raise ValueError("that is neither true nor false")


def object_of(value: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError("that is no object")


def list_of(value: Any) -> Sequence[Any]:
    """A JSON list without empty texts; a text is a list of itself."""
    several = cast("list[Any]", value if isinstance(value, list) else [value])
    if isinstance(value, list | str):
        return [each for each in several if each != ""]
    raise ValueError("that is no list")


def asks_for_nothing(value: Any) -> bool:
    """Whether a value is one by which nobody asks for anything: null, false, zero, empty."""
    if isinstance(value, float | int):
        return value == 0
    return value is None or value in ("", "None") or value == [] or value == {}


def refuse(
    field: str, why: str, hint: str = "leave it away, or send its usual value"
) -> HttpFailure:
    """The refusal of a field that is wrong, or asks for what is not provided."""
    return HttpFailure(422, f"`{field}`: {why}", hint=hint, field=field)


def check_option(option: str, value: Any, field: str) -> Any:
    """A value within the bounds of one of our options; it is refused by the name of their field."""
    try:
        return OPTIONS[option].parse.check(value)
    except BadRequest as error:
        raise refuse(field, error.fact, error.hint) from None
