"""One value of a client's JSON, as an option of the table takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.images.formats.table import FORMAT_BY_ENDING, FORMATS
from sdcli.library.find import LORA, find_adapter, find_checkpoint
from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.parse import FilePath, Name, Whole
from sdcli.options.presets import read_preset
from sdcli.options.table import Option
from sdcli.planning.hires import find_upscaler
from sdcli.reproduce.as_preset import preset_from_picture
from sdcli.request import Control, Lora
from sdcli.server.http.failures import bad_field
from sdcli.server.http.uploads import Uploads

LIKE = "like"
FINDERS: Mapping[str, Callable[[str], object]] = {
    "model": find_checkpoint,
    "vae": lambda name: find_adapter(name, "VAE"),
    "preview-vae": lambda name: find_adapter(name, "TAESD"),
    "hires-upscaler": find_upscaler,
}


def read_value(option: Option, value: Any, uploads: Uploads) -> Any:
    """The value of an option, as a client said it."""
    match option.name:
        case "preset":
            return read_preset(_text("preset", value))
        case "like":
            return preset_from_picture(uploads.add_text(LIKE, value))
        case "format":
            return _format(value)
        case _ if option.many:
            several = cast("Sequence[Any]", value if isinstance(value, list) else [value])
            return option.check([_read_one(option, each, uploads) for each in several])
        case _:
            return _read_single(option, value, uploads)


def _read_single(option: Option, value: Any, uploads: Uploads) -> Any:
    match option.parse:
        case FilePath():  # no JSON can hold a path: that is an upload already
            return value if isinstance(value, Path) else uploads.add_text(option.name, value)
        case Whole(zero=zero) if zero and value == zero:
            return option.read(value)
        case Name():
            name = option.check(_text(option.name, value))
            if find := FINDERS.get(option.name):
                find(name)  # so that the refusal of an unknown name is one of this field
            return name
        case _:
            return option.check(value)


def _read_one(option: Option, value: Any, uploads: Uploads) -> Any:
    """One of several values."""
    if isinstance(option.parse, ControlSpec):
        return _read_control(option, value, uploads)
    if isinstance(option.parse, LoraSpec):
        spoken = isinstance(value, dict)
        lora = _read_lora(cast("dict[str, Any]", value)) if spoken else _spelt(option, value)
        find_adapter(lora.name, LORA)
        return lora
    word = _spelt(option, value)
    if option.name == "embedding":
        find_adapter(word, "embedding")
    return word


def _spelt(option: Option, value: Any) -> Any:
    return option.read(_text(option.name, value))


def _read_lora(value: dict[str, Any]) -> Lora:
    known = _only(value, "lora", ("name", "weight", "unet", "te"))
    weight = _number("lora", known.get("weight", 1.0))
    unet, te = (_number("lora", known.get(part, weight)) for part in ("unet", "te"))
    return Lora(_text("lora", known.get("name")), unet, te)


def _read_control(option: Option, value: Any, uploads: Uploads) -> Control:
    name = option.name
    if not isinstance(value, dict):
        raise bad_field(
            name, "a ControlNet is said as an object", hint='{"name": ..., "image": base64}'
        )
    known = _only(cast("dict[str, Any]", value), name, ("name", "image", "weight", "start", "end"))
    weight, start, end = (
        _number(name, known.get(part, usual))
        for part, usual in (("weight", 1.0), ("start", 0.0), ("end", 1.0))
    )
    assert isinstance(option.parse, ControlSpec)
    image = uploads.add_text(name, known.get("image"))
    control = Control(_text(name, known.get("name")), image, weight, start, end)
    return replace(control, preprocessor=option.parse.preprocessor)


def _only(value: dict[str, Any], field: str, names: Sequence[str]) -> dict[str, Any]:
    if stray := next((name for name in value if name not in names), None):
        raise bad_field(field, f"it has no `{stray[:60]}`", hint=f"it has {', '.join(names)}")
    return value


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise bad_field(field, "that is no text", hint="name it in quotes")
    return value


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        raise bad_field(field, "a weight is a number", hint="write it like 0.8")
    return float(value)


def _format(value: Any) -> str:
    word = _text("format", value).lower()
    row = FORMATS.get(word) or FORMAT_BY_ENDING.get(f".{word}")
    if row is None:
        raise BadRequest(
            f"no picture format is called `{word[:60]}`", hint=f"one of {', '.join(FORMATS)}"
        )
    return row.name
