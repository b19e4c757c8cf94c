"""Forms into fields: texts read as what they stand for, pictures kept as uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL.Image import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.load import load_transparency
from sdcli.library.find import find_checkpoint
from sdcli.library.listed_only import listed_only
from sdcli.options.adapter_values import ControlSpec
from sdcli.options.parse import parse_yes_or_no
from sdcli.options.table import Option
from sdcli.server.http.body import Form
from sdcli.server.http.failures import HttpFailure, bad_field
from sdcli.server.http.read_request import client_options
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads
from sdcli.weights.checkpoint import identify_checkpoint

PICTURES = ("image", "mask")
_NUMBERS = ("n", "partial_images", "output_compression")


def read_edit(form: Form, settings: ServeSettings, uploads: Uploads) -> dict[str, Any]:
    """The fields of a form that edits a picture, or varies one."""
    form = {name.removesuffix("[]"): parts for name, parts in form.items()}
    pictures = {name: _one_file(name, form.pop(name)) for name in PICTURES if name in form}
    fields: dict[str, Any] = {name: _read_part(name, parts) for name, parts in form.items()}
    if "image" not in pictures:
        raise bad_field("image", "it is missing", hint="send the picture as a file")
    image = fields["image"] = uploads.add("image", pictures["image"])
    mask = None
    if "mask" in pictures:
        mask = _mask(uploads.add("mask", pictures["mask"]), "mask")
    elif _follows_instructions(fields.get("model"), settings):
        fields["task"] = "edit"
    else:
        mask = _mask(image, "image")
    if mask is not None:
        mask.save(uploads.folder / "repaint.png")
        fields["mask"] = uploads.folder / "repaint.png"
    return fields


def _mask(path: Path, name: str) -> Image | None:
    """White where the picture is transparent, which is where it is to be painted; None where a picture
    that is its own mask has no such place, or a mask is nothing else."""
    clear = load_transparency(path, name)
    levels = [0] * 256 if clear is None else clear.histogram()
    open_to_change, kept = any(levels[128:]), any(levels[:128])
    if name == "mask" and not open_to_change:
        raise bad_field(name, "nothing in it is transparent", hint="what is transparent is painted")
    return clear if open_to_change and kept else None


def _follows_instructions(name: Any, settings: ServeSettings) -> bool:
    """Whether the model is one that edits by instructions."""
    wanted = name if isinstance(name, str) else settings.model
    with listed_only(settings.more_models):
        try:
            return identify_checkpoint(find_checkpoint(wanted)).family.task == "edit"
        except SdcliError:
            return False  # which the planning says


def _one_file(name: str, parts: list[str | bytes]) -> bytes:
    (first, *more) = parts
    if more:
        raise bad_field(name, f"{len(parts)} pictures are too many", hint="send one")
    if not isinstance(first, bytes):
        raise bad_field(name, "a picture is sent as a file of the form", hint="no path, no address")
    return first


def _read_part(name: str, parts: list[str | bytes]) -> Any:
    """What the text of a part stands for: a number, yes or no, a text."""
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) < len(parts):
        raise bad_field(name, "that is no picture", hint="send it as text")
    option = client_options().get(name.lower().replace("_", "-"))
    try:
        if option is not None and option.many:
            return _several(name, option, texts)
        (text,) = texts
        if name in _NUMBERS:
            return int(text)
        if name == "stream":
            return parse_yes_or_no(text)
        return text if option is None else _read_option(option, text)
    except BadRequest as error:
        raise HttpFailure(400, error.fact, hint=error.hint, field=name) from None
    except ValueError:
        raise bad_field(name, "it is no number, or said twice", hint="say it once") from None


def _several(name: str, option: Option, texts: list[str]) -> list[str]:
    if isinstance(option.parse, ControlSpec):
        raise bad_field(name, "a form holds no ControlNets", hint="/v1/jobs takes them")
    return texts


def _read_option(option: Option, text: str) -> Any:
    named = option.of == "run" or option.name == "format"
    return text if named else option.read(text)
