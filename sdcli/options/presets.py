"""Settings kept for later: a TOML file of them, or any picture that says how it was drawn.

    # ~/.config/sdcli/presets/ink.toml
    scheduler = "dpm++2m-karras"
    steps = 30
    lora = ["ink.safetensors:0.8"]

What the user says goes before what the environment says, then comes the preset, then the picture
that is to be like, and only then what the model and its family are used to.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from sdcli import folders
from sdcli.errors import BadRequest, SdcliError
from sdcli.options import table as settings
from sdcli.reproduce import recall as reproduce
from sdcli.request import Request

LONGEST = 2**20  # bytes of a preset; a long prompt is a few thousand
# What says how this machine is to work, not what the picture is.
OF_MACHINES = ("device", "dtype", "offload", "count")


@dataclass(frozen=True)
class Preset:
    """Values by setting, where they come from, and what is not as it was there."""

    source: str
    values: Mapping[str, Any]
    differences: tuple[str, ...] = ()
    lacks: str = ""  # why the picture's model cannot be had


def read_preset(name: str) -> Preset:
    """The preset in a TOML file, or of that name in the user's folder of presets."""
    path = _found(name)
    try:
        with path.open("rb") as opened:
            text = opened.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise BadRequest(f"the preset `{path}` is longer than any", hint="it is to be TOML")
        table = tomllib.loads(text.decode())
    except OSError as error:
        raise BadRequest(f"the preset `{path}` cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the preset `{path}` is not TOML: {str(error)[:120]}") from None
    try:
        values = {settings.find_option(key).name: _value(key, held) for key, held in table.items()}
    except BadRequest as error:
        raise BadRequest(f"the preset `{path}`: {error.fact}", hint=error.hint) from None
    return Preset(f"preset {name}", values)


def write_preset(asked: Request) -> str:
    """What a request says, as a preset that can be edited and kept."""
    lines: list[str] = []
    for name, value in settings.given_values(asked).items():
        plain = isinstance(value, (bool, int, float, str, tuple))
        held = value if plain and not isinstance(value, tuple) else settings.spell_value(value)
        # JSON's texts, numbers, truths and lists are TOML's too, but for one letter.
        lines.append(f"{name} = {json.dumps(held, ensure_ascii=False)}".replace("\x7f", "\\u007f"))
    return "\n".join(lines)


def preset_from_picture(path: Path) -> Preset:
    """A picture as a preset: everything that it says of how it was drawn."""
    recalled = reproduce.recall_picture(path)
    values = settings.given_values(recalled.request)
    kept = {name: value for name, value in values.items() if name not in OF_MACHINES}
    if recalled.strength is not None:
        kept["strength"] = recalled.strength
    return Preset(f"picture {path.name}", kept, recalled.differences, recalled.missing_model)


def fill_from_presets(asked: Request, presets: tuple[Preset, ...], *, prompt_said: bool) -> Request:
    """The request with what it leaves open filled from the presets, the first one first."""
    for preset in presets:
        for name in (name for name in settings.OPTIONS if name in preset.values):
            known = settings.OPTIONS[name]
            if name == "prompt" and prompt_said:
                continue
            if _open(asked, known) and not (name == "model" and os.environ.get("SDCLI_MODEL")):
                asked = known.put(asked, preset.values[name])
                sources = {**asked.sources, known.field: preset.source}
                asked = replace(asked, sources=sources)
        prompt_said = prompt_said or "prompt" in preset.values
        if preset.lacks and asked.model is None and not os.environ.get("SDCLI_MODEL"):
            raise SdcliError(preset.lacks, hint="name a model with `-m`")
    if not prompt_said:
        raise BadRequest(
            "missing argument 'PROMPT'", hint='say it, like "a red fox"; see `sdcli txt2img --help`'
        )
    return asked


def _open(asked: Request, known: settings.Option) -> bool:
    """Whether the request leaves a setting open, and has a use for it."""
    if known.of_task:
        has = known.field in {field.name for field in fields(asked.task)}
        return has and getattr(asked.task, known.field) is None
    if known.field == "prompt":
        return "prompt" not in asked.sources
    return known.unsaid(asked)


def _found(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path
    folder = folders.config() / "presets"
    if "/" not in name and (kept := folder / f"{name.removesuffix('.toml')}.toml").is_file():
        return kept
    known = sorted(each.stem for each in folder.glob("*.toml")) if folder.is_dir() else []
    hint = f"there is {', '.join(known)}" if known else f"presets are TOML files in `{folder}`"
    raise BadRequest(f"there is no preset `{name}`", hint=hint)


def _value(key: str, held: Any) -> Any:
    """A TOML value as the text that it would be on the command line, and that as a value."""
    known = settings.find_option(key)
    if isinstance(held, list) != known.many:
        kind = "a list" if known.many else "one value"
        raise BadRequest(f"`{key}` is to be {kind}")
    if known.many:
        return tuple(known.value(_spelled(key, each)) for each in cast(list[Any], held))
    return known.value(_spelled(key, held))


def _spelled(key: str, held: Any) -> str:
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, (str, int, float)):
        return str(held)
    raise BadRequest(f"`{key}` is neither a text nor a number")
