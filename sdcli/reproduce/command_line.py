"""The command that draws a request or a plan: the one writer of command lines."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sdcli import folders
from sdcli.errors import SdcliError
from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.parse import Name, Switch, Whole, spell_value
from sdcli.options.table import OPTIONS, Option, given_values
from sdcli.plan import Plan
from sdcli.planning.enlarging import FLAGS
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.planning.resolve import draft_plan
from sdcli.request import Draw, Edit, Enlarge, Outpaint, Redraw, Repaint, Request, Task
from sdcli.schedulers.names import SCHEDULERS

COMMANDS: Mapping[type[Task], str] = {
    Draw: "txt2img",
    Redraw: "img2img",
    Repaint: "inpaint",
    Outpaint: "outpaint",
    Edit: "edit",
}
BUILTIN = "builtin"


def command_for_request(request: Request) -> str:
    """A line for a shell that asks for this: all that it says but for what everybody would assume."""
    return _write_command(request, worth_saying(request))


def command_for_plan(plan: Plan) -> str:
    """A line for a shell that draws this plan's pictures, as long as its files are in place: every
    option in which it differs from what its model would have done anyway."""
    return _write_command(plan_to_request(plan), _unusual_values(plan))


def _write_command(request: Request, values: Mapping[str, Any]) -> str:
    """The line of the command that does the request's task, with these values."""
    if isinstance(request.task, Enlarge):
        return shlex.join(["sdcli", "upscale", *_write_upscale(request, request.task, values)])
    return _write_line([COMMANDS[type(request.task)], *_write_flags(values)], request.prompt)


def _write_upscale(request: Request, task: Enlarge, values: Mapping[str, Any]) -> Iterator[str]:
    """What stands behind `upscale`: all words, since those of the small picture would be taken else."""
    yield from (str(task.image), "--with", name_file(request.model or ""))
    yield from ("--prompt", request.prompt, "--negative", request.negative or "")
    for name, value in values.items():
        if name in FLAGS and name != "negative":
            yield from (f"--{name}", spell_value(value))
        elif name not in ("image", "model", "negative", "device"):
            yield from _write_settings(name, value)
    if device := values.get("device"):
        yield from ("--device", device)


def _write_settings(name: str, value: Any) -> Iterator[str]:
    option = OPTIONS[name]
    for one in value if option.many else (value,):
        yield from ("--set", f"{name}={spell_value(_with_short_name(option, one))}")


def command_for_study(
    name: str,
    plan: Plan,
    more: Sequence[str],
    without: Collection[str],
    prompt: str | None = None,
) -> str:
    """A line for a shell that makes a study of this plan again: the command's own words are
    `more`, of the plan's flags those are left out that the study sets itself, and a `prompt` that
    is handed in stands for the plan's."""
    values = _unusual_values(plan)
    kept = {key: value for key, value in values.items() if f"--{key}" not in without}
    words = [name, *more, *_write_flags(kept)]
    return _write_line(words, plan.prompt if prompt is None else prompt)


def worth_saying(request: Request) -> dict[str, Any]:
    """What a request says, by option, but for the prompt and for what every model does anyway."""
    return {
        name: value
        for name, value in given_values(request).items()
        if name != "prompt" and value != OPTIONS[name].default_for(request.task)
    }


def _unusual_values(plan: Plan) -> dict[str, Any]:
    """What of a plan has to be said so that its model draws it: what its task needs, the seed, and
    whatever is not as usual."""
    request = plan_to_request(plan)
    try:
        # Only a file of this machine is looked at: a picture must not make us download its model.
        usual = _usual_request(request.task, str(plan.model.path.resolve(strict=True)))
    except (SdcliError, OSError, ValueError, RuntimeError):
        return worth_saying(request)  # what every model does goes without saying, nothing else
    if row := SCHEDULERS.get(plan.scheduler):
        usual = replace(usual, eta=row.solver.eta)
    if name_file(str(plan.model.path)) != BUILTIN:
        usual = replace(usual, model=None)
    usual = replace(usual, seed=None)
    return {
        name: value
        for name, value in given_values(request).items()
        if name != "prompt" and value != _usual_value(OPTIONS[name], usual)
    }


def _usual_value(option: Option, usual: Request) -> Any:
    """What an option has where nobody says it. Every task is usual to itself, so the table knows."""
    return option.default_for(usual.task) if option.of == "task" else option.value_in(usual)


@lru_cache(maxsize=64)
def _usual_request(task: Task, model: str) -> Request:
    """What the model would do for this task if nothing else was said."""
    return plan_to_request(draft_plan(Request(task, "", model=model, seed=0)))


def _write_flags(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        option = OPTIONS[name]
        for one in value if option.many else (value,):
            yield from _write_flag(option, one)


def _write_flag(option: Option, value: Any) -> Iterator[str]:
    if isinstance(option.parse, Switch):
        yield f"--{option.name}" if value else f"--no-{option.name}"
    else:
        yield from (option.short or option.flags[0], spell_value(_with_short_name(option, value)))


def _with_short_name(option: Option, value: Any) -> Any:
    """The value, a file of the package by its name there, and a 0 that has a name by that."""
    if isinstance(option.parse, Whole) and option.parse.zero and value == 0:
        return option.parse.zero
    if isinstance(option.parse, Name):
        return name_file(value)
    if isinstance(option.parse, LoraSpec | ControlSpec):
        return replace(value, name=name_file(value.name))
    return value


def name_file(path: str) -> str:
    """A file of the package by its name there, any other by its path."""
    place = Path(path)
    if place.parent == folders.assets_folder() and place.stem.startswith(BUILTIN):
        return place.stem.replace("-", ":", 1)
    return path


def _write_line(words: Sequence[str], prompt: str) -> str:
    # A prompt that begins like a flag is no flag after two dashes.
    return shlex.join(["sdcli", *words, *(["--"] if prompt.startswith("-") else []), prompt])
