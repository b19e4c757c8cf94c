"""Settings kept for later, in a TOML file of them.

    # ~/.config/sdcli/presets/ink.toml
    scheduler = "dpm++2m-karras"
    steps = 30
    lora = ["ink.safetensors:0.8"]

What the user says goes before what the environment says, then comes the preset, then the picture
that is to be like, and only then what the model and its family are used to.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from sdcli import folders
from sdcli.errors import BadRequest, SdcliError
from sdcli.library.listed_only import is_listed_only
from sdcli.library.open_file import expand_path, is_folder, is_there, open_regular_file
from sdcli.options.parse import spell_value
from sdcli.options.table import OPTIONS, Option, find_option, given_values
from sdcli.request import Request

LONGEST = 2**20  # bytes of a preset; a long prompt is a few thousand


@dataclass(frozen=True)
class Preset:
    """Values by option, where they come from, and what is not as it was there."""

    source: str
    values: Mapping[str, Any]
    differences: tuple[str, ...] = ()
    lacks: str = ""  # why the picture's model cannot be had


def read_preset(name: str) -> Preset:
    """The preset in a TOML file, or of that name in the user's folder of presets."""
    path = _find_preset(name)
    try:
        with open_regular_file(path) as opened:
            text = opened.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise BadRequest(f"the preset `{path}` is longer than any", hint="it is to be TOML")
        table = tomllib.loads(text.decode())
    except OSError as error:
        raise BadRequest(
            f"the preset `{path}` cannot be read: {error.strerror}", hint="name another file"
        ) from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f"the preset `{path}` is not TOML: {str(error)[:120]}",
            hint="write lines like `steps = 30`",
        ) from None
    try:
        values = {find_option(key).name: _read_value(key, value) for key, value in table.items()}
    except BadRequest as error:
        raise BadRequest(f"the preset `{path}`: {error.fact}", hint=error.hint) from None
    return Preset(f"preset {name}", values)


def write_preset(request: Request) -> str:
    """What a request says, as a preset that can be edited and kept."""
    lines: list[str] = []
    for name, value in given_values(request).items():
        plain = isinstance(value, (bool, int, float, str))
        data = value if plain else spell_value(value)
        # JSON's texts, numbers, truths and lists are TOML's too, but for one letter.
        lines.append(f"{name} = {json.dumps(data, ensure_ascii=False)}".replace("\x7f", "\\u007f"))
    return "\n".join(lines)


def fill_from_presets(
    request: Request,
    presets: Iterable[Preset],
    *,
    prompt_given: bool,
    default_model: str | None = None,
) -> Request:
    """The request with what it leaves open filled from the environment's model, then from the
    presets, the first one first; BadRequest where there is no prompt after that."""
    if request.model is None and default_model is not None:
        sources = {**request.sources, "model": "environment"}
        request = replace(request, model=default_model, sources=sources)
    for preset in presets:
        for option in (OPTIONS[name] for name in OPTIONS if name in preset.values):
            if option.name == "prompt" and prompt_given:
                continue
            if _is_open(request, option):
                request = option.put(request, preset.values[option.name])
                sources = {**request.sources, option.field: preset.source}
                request = replace(request, sources=sources)
        prompt_given = prompt_given or "prompt" in preset.values
        if preset.lacks and request.model is None:
            raise SdcliError(preset.lacks, hint="name a model with `-m`")
    if not prompt_given:
        raise BadRequest(
            "missing argument 'PROMPT'", hint='say it, like "a red fox"; see `sdcli txt2img --help`'
        )
    return request


def _is_open(request: Request, option: Option) -> bool:
    """Whether the request leaves an option open, and has a use for it."""
    if option.of == "task":
        has = option.field in {each.name for each in fields(request.task)}
        return has and getattr(request.task, option.field) is None
    if option.field == "prompt":
        return "prompt" not in request.sources
    return option.is_open_in(request)


def _find_preset(name: str) -> Path:
    path = expand_path(Path(name))
    if not is_listed_only() and is_there(path):
        return path
    folder = folders.config_folder() / "presets"
    known = sorted(each.stem for each in folder.glob("*.toml")) if is_folder(folder) else []
    if name.removesuffix(".toml") in known:
        return folder / f"{name.removesuffix('.toml')}.toml"
    place = "the server has none" if is_listed_only() else f"presets are TOML files in `{folder}`"
    hint = f"there is {', '.join(known)}" if known else place
    raise BadRequest(f"there is no preset `{name}`", hint=hint)


def _read_value(key: str, value: Any) -> Any:
    """A TOML value as the text that it would be on the command line, and that as a value."""
    option = find_option(key)
    if isinstance(value, list) != option.many:
        kind = "a list" if option.many else "one value"
        raise BadRequest(f"`{key}` is to be {kind}", hint='a list is written like `["a", "b"]`')
    if option.many:
        return tuple(option.read(spell_data(key, each)) for each in cast(list[Any], value))
    return option.read(spell_data(key, value))


def spell_data(key: str, value: Any) -> str:
    """A text, number or truth from a data file as it would be written on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadRequest(f"`{key}` is neither a text nor a number", hint="write it as text")
