"""A row of the table as JSON Schema: what its value is, for programs that ask before they send one."""

from __future__ import annotations

from typing import Any

from sdcli.images.formats.table import FORMATS
from sdcli.options.adapter_values import LARGEST_WEIGHT, ControlSpec, LoraSpec
from sdcli.options.parse import LONGEST_NAME, FilePath, Name, Real, Switch, Text, Whole, Word
from sdcli.options.table import MOST_OF_A_KIND, Option

PICTURE_SCHEMA = {"type": "string", "contentEncoding": "base64", "description": "A picture file."}
_WEIGHT = {"type": "number", "minimum": -LARGEST_WEIGHT, "maximum": LARGEST_WEIGHT}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}


def option_schema(option: Option) -> dict[str, Any]:
    """An option of the table as JSON takes it."""
    schema = _value_schema(option)
    if option.many:
        schema = {"type": "array", "items": schema, "maxItems": MOST_OF_A_KIND}
    default = option.default.shown
    return {**schema, "description": option.help + (f" Default: {default}." if default else "")}


def _value_schema(option: Option) -> dict[str, Any]:
    match option.parse:
        case Whole(least=least, most=most, multiple=multiple):
            step = {"multipleOf": multiple} if multiple > 1 else {}
            return {"type": "integer", "minimum": least, "maximum": most, **step}
        case Real(least=least, most=most):
            return {"type": "number", "minimum": least, "maximum": most}
        case Word(words=words):
            return {"type": "string", "enum": list(words)}
        case Text(longest=longest):
            return {"type": "string", "maxLength": longest}
        case Switch():
            return {"type": "boolean"}
        case _:
            return _thing_schema(option)


def _thing_schema(option: Option) -> dict[str, Any]:
    """What names a thing: a picture, a file of weights, a format."""
    match option.parse:
        case FilePath():
            return PICTURE_SCHEMA
        case LoraSpec():
            return {
                "oneOf": [_NAME, object_schema(("name",), name=_NAME, weight=_WEIGHT, te=_WEIGHT)]
            }
        case ControlSpec():
            parts = {"weight": _WEIGHT, "start": _SHARE, "end": _SHARE}
            return object_schema(("name", "image"), name=_NAME, image=PICTURE_SCHEMA, **parts)
        case Name() if option.name == "format":
            return {"type": "string", "enum": list(FORMATS)}
        case _:
            return _NAME


def object_schema(required: tuple[str, ...], **fields: Any) -> dict[str, Any]:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }
