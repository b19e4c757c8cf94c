"""What every drawing command can be told: made from the table of options, spread into each signature."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any

from sdcli.cli.console import Console
from sdcli.cli.options import is_switch, typer_option, typer_type, value_unless_said
from sdcli.cli.output_mode import OutputMode, warm_wish
from sdcli.environment import read_environment
from sdcli.errors import BadRequest
from sdcli.options.parse import LONGEST_PROMPT, Switch
from sdcli.options.presets import Preset, fill_from_presets, read_preset
from sdcli.options.table import ALL_OPTIONS, Option, change_request
from sdcli.reproduce.as_preset import preset_from_picture
from sdcli.request import Draw, Request, Task


@dataclass(frozen=True)
class DrawingOptions:
    """The values of one drawing command's flags, by the names of the options."""

    values: Mapping[str, Any]

    @property
    def mode(self) -> OutputMode:
        """How the run is to talk."""
        return OutputMode(
            bool(self.values["json"]),
            bool(self.values["dry-run"]),
            bool(self.values["quiet"]),
            warm_wish(self.values["warm"]),
        )

    def request(self, kind: type[Task] = Draw, prompt: str | None = None) -> Request:
        """The request of these flags, for a task, over what the environment and presets fill in;
        a `prompt` handed in stands for the one that was not asked for."""
        prompt = self.values.get("prompt") if prompt is None else prompt
        given = {name: value for name, value in self.values.items() if _is_given(name, value)}
        if prompt is not None:
            given["prompt"] = read_prompt(prompt)
        task = kind(**{name: given.pop(name) for name in required_fields(kind)})
        request = change_request(Request(task, ""), given)
        return fill_from_presets(
            request,
            self._presets(),
            prompt_given=prompt is not None,
            default_model=read_environment().model,
        )

    def _presets(self) -> Iterator[Preset]:
        if name := self.values["preset"]:
            yield read_preset(name)
        if path := self.values["like"]:
            preset = preset_from_picture(path)
            console = Console(quiet=self.mode.quiet)
            for line in preset.differences:
                console.on_note(f"{preset.source}: {line}")
            yield preset


def _is_given(name: str, value: Any) -> bool:
    option = ALL_OPTIONS[name]
    return option.of != "run" and value is not None and value != ()


def required_fields(kind: type[Task]) -> list[str]:
    """The fields that a task cannot be without."""
    return [each.name for each in fields(kind) if each.default is MISSING]


def spread_options(
    *kinds: type[Task], without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose first parameter is a `DrawingOptions`: it gets one flag for each option that
    has a meaning for it. Those of a task are there for the tasks it draws: one that the only task
    requires is required; `without` names the options that the command sets itself."""

    def spread(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        named = {parameter.name for parameter in own}
        options = [
            option
            for option in ALL_OPTIONS.values()
            if option.name not in without and option.field not in named and _applies(option, kinds)
        ]
        required = set(required_fields(kinds[0])) if len(kinds) == 1 else set[str]()
        only = kinds[0] if len(kinds) == 1 else None
        parameters = {
            option.name: _parameter(option, only, required=option.field in required)
            for option in options
        }
        prompt = [parameters.pop("prompt")] if "prompt" in parameters else []
        start = [parameters.pop(o.name) for o in options if o.needs_picture]
        kept = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        signature = inspect.Signature([*prompt, *start, *kept, *parameters.values()])

        @functools.wraps(command)
        def with_flags(**flags: Any) -> None:
            mine = {name: flags.pop(name) for name in named}
            given = {option.name: _value_of(option, flags) for option in options}
            unused = dict.fromkeys(
                name for name, option in ALL_OPTIONS.items() if option.of == "run"
            )
            command(DrawingOptions({**unused, **given}), **mine)

        with_flags.__signature__ = signature  # type: ignore[attr-defined]
        with_flags.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return with_flags

    return spread


def _value_of(option: Option, flags: Mapping[str, Any]) -> Any:
    """The option's value, None where the flag was not given."""
    flag = flags[option.name.replace("-", "_")]
    if isinstance(option.parse, Switch) and is_switch(option):
        return option.parse.value if flag else None
    return flag


def _applies(option: Option, kinds: Collection[type[Task]]) -> bool:
    if option.of != "task":
        return True
    return any(option.field in {each.name for each in fields(kind)} for kind in kinds)


def _parameter(option: Option, kind: type[Task] | None, *, required: bool) -> inspect.Parameter:
    """The parameter of a command's signature that Typer makes this option's flag of."""
    return inspect.Parameter(
        option.name.replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if required else value_unless_said(option),
        annotation=Annotated[
            typer_type(option),
            typer_option(option.name, default=option.default_of_task(kind).shown),
        ],
    )


def read_prompt(prompt: str) -> str:
    """The prompt; `-` is what stdin says, read to its end."""
    if prompt != "-":
        return prompt
    text = sys.stdin.read(LONGEST_PROMPT + 1).strip()
    if not text:
        raise BadRequest("stdin held no prompt", hint='echo "a fox" | sdcli txt2img -')
    return text
