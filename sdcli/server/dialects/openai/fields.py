"""OpenAI's fields into those of the table. A field at a value that changes nothing is taken; one that
asks for what is not done here is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.table import OPTIONS
from sdcli.server.http.failures import HttpFailure, bad_field

MOST_PICTURES = 10
MOST_PARTIAL = 3
FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
# Values that ask for nothing, or for what is done anyway.
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "background": ("auto", "opaque"),
    "moderation": ("auto", "low"),
    "style": ("vivid",),
    "quality": ("auto", "standard"),
    "input_fidelity": ("low",),
}


@dataclass(frozen=True)
class Wanted:
    """How the pictures are to be handed over."""

    output_format: str = "png"
    as_url: bool = False
    stream: bool = False
    partial_images: int = 0
    quality: str = "auto"


def read_fields(given: Mapping[str, Any]) -> tuple[dict[str, Any], Wanted]:
    """Fields for `read_order`, and how to answer."""
    fields = {name: value for name, value in given.items() if value is not None}
    fields.pop("user", None)  # a name for their statistics
    for name in NEUTRAL:
        _check_neutral(name, fields.get(name))
    wanted = Wanted(
        _one_of("output_format", fields.pop("output_format", "png"), tuple(FORMATS)),
        _one_of("response_format", fields.pop("response_format", "b64_json"), _ANSWERS) == "url",
        _true("stream", fields.pop("stream", False)),
        _whole("partial_images", fields.pop("partial_images", 0), 0, MOST_PARTIAL),
        fields.get("quality", "auto"),
    )
    _check_together(wanted)
    compression = fields.pop("output_compression", None)
    for name in NEUTRAL:
        fields.pop(name, None)
    _put(fields, "format", FORMATS[wanted.output_format])
    if compression is not None:
        fields |= _compression(compression, wanted.output_format)
    if "n" in fields:
        _put(fields, "count", _whole("n", fields.pop("n"), 1, MOST_PICTURES))
    for name, side in _size(fields.pop("size", "auto")).items():
        _put(fields, name, side)
    fields["preview"] = wanted.partial_images > 0
    return fields, wanted


_ANSWERS = ("b64_json", "url")


def _check_neutral(name: str, value: Any) -> None:
    if value is not None and value not in NEUTRAL[name]:
        raise bad_field(
            name, f"`{str(value)[:60]}` is not done here", hint=f"{' or '.join(NEUTRAL[name])}"
        )


def _check_together(wanted: Wanted) -> None:
    if wanted.partial_images and not wanted.stream:
        raise bad_field(
            "partial_images", "they come in a stream alone", hint="`stream` is to be true"
        )
    if wanted.stream and wanted.as_url:
        raise bad_field("response_format", "a stream holds pictures", hint="ask for b64_json")


def _compression(value: Any, output_format: str) -> dict[str, int]:
    level = _whole("output_compression", value, 0, 100)
    if output_format != "png":
        return {"quality": level}
    if level != 100:
        raise bad_field("output_compression", "PNG loses nothing", hint="100, or jpeg, or webp")
    return {}


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Say a field of the table, unless the client has said it in the table's own words."""
    if fields.setdefault(name, value) != value:
        raise bad_field(name, "two fields say different things of it", hint="say it once")


def _size(value: Any) -> dict[str, int]:
    if value == "auto":
        return {}
    found = re.fullmatch(r"(\d{1,6})x(\d{1,6})", value) if isinstance(value, str) else None
    if found is None:
        raise bad_field("size", "it is no size", hint='"auto", or like "512x768"')
    try:
        return {
            name: OPTIONS[name].check(int(number))
            for name, number in zip(("width", "height"), found.groups(), strict=True)
        }
    except BadRequest as error:
        raise bad_field("size", error.fact, hint=error.hint) from None


def _one_of(name: str, value: Any, words: tuple[str, ...]) -> str:
    if value not in words:
        raise bad_field(name, f"there is no `{str(value)[:60]}`", hint=f"one of {', '.join(words)}")
    return str(value)


def _true(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise bad_field(name, "it is true or false", hint="write no quotes around it")
    return value


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise HttpFailure(
            400, f"`{name}`: it is no such number", hint=f"{least} to {most}", field=name
        )
    return value
