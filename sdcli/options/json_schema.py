"""A row of the table as JSON Schema: what its value is, for programs that ask before they send one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.parse import FilePath, Real, Switch, Whole, Word
from sdcli.options.table import Option


def option_schema(option: Option) -> dict[str, Any]:
    """What the option's value may be: kind, bounds, words; its help and usual value in words."""
    usual = f" Usually {option.default.shown}." if option.default.shown else ""
    one = _kind(option)
    schema = {"type": "array", "items": one} if option.many else one
    return {**schema, "description": option.help + usual}


def _kind(option: Option) -> Mapping[str, Any]:
    match option.parse:
        case Whole(least, most, multiple):
            step = {"multipleOf": multiple} if multiple > 1 else {}
            return {"type": "integer", "minimum": least, "maximum": most, **step}
        case Real(least, most):
            return {"type": "number", "minimum": least, "maximum": most}
        case Word() as word:
            return {"type": "string", "enum": list(word.words)}
        case Switch():
            return {"type": "boolean"}
        case LoraSpec():
            return {"type": "string", "description": "NAME or NAME:WEIGHT"}
        case FilePath() | ControlSpec():
            return {"type": "string", "description": "a picture"}
        case _:
            return {"type": "string"}
