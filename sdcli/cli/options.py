"""How Typer is told of an option: everything from the table, once.

Drawing commands get all their flags by `drawing_options.spread_options`. The aliases below are for
the other commands, which repeat a name and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sdcli.cli import completion
from sdcli.errors import BadRequest
from sdcli.options.parse import FilePath, Real, Switch, Toggle, Whole
from sdcli.options.table import ALL_OPTIONS, Option
from sdcli.request import Lora

Pictures = Annotated[
    list[Path],
    typer.Argument(
        metavar="PICTURE", help="Pictures, and folders of pictures.", show_default=False
    ),
]

COMPLETIONS = {
    "models": completion.complete_models,
    "adapters": completion.complete_adapters,
    "schedulers": completion.complete_schedulers,
}


def typer_option(name: str, *, about: str = "", default: str = "") -> Any:
    """What Typer is told of an option: its flags, its help, its default, how its text is read.

    A command that means something of its own by it says what it is `about` and its `default`.
    """
    option = ALL_OPTIONS[name]
    if name == "prompt":
        return typer.Argument(metavar=option.metavar, show_default=False, help=option.help)
    return option_to_typer(option, about=about, default=default)


def option_to_typer(option: Option, *, about: str = "", default: str = "") -> Any:
    """The same of a row that need not stand in the table of drawing's options."""
    shown = default or option.default.shown or False
    flags = option.flags
    if isinstance(option.parse, Switch):
        if isinstance(option.parse, Toggle):
            flags = (f"{flags[0]}/--no-{option.name}",)
        return typer.Option(*flags, help=option.help, show_default=shown)
    return typer.Option(
        *flags,
        parser=_reader(option),
        metavar=option.metavar,
        autocompletion=COMPLETIONS.get(option.complete),
        show_default=shown,
        help=about or _help_with_bounds(option),
    )


def typer_type(option: Option) -> Any:
    """The type by which Typer tells a switch, a list and a value apart."""
    if is_switch(option):
        return bool
    if isinstance(option.parse, Toggle):
        return bool | None
    kinds: dict[type, Any] = {Whole: int, Real: float, FilePath: Path}
    value = kinds.get(type(option.parse), str)
    return list[value] | None if option.many else value | None


def value_unless_said(option: Option) -> Any:
    """What Typer hands over where the flag is not there."""
    return False if is_switch(option) else None


def is_switch(option: Option) -> bool:
    """Whether an option is a flag without a value that is there or not."""
    return isinstance(option.parse, Switch) and not isinstance(option.parse, Toggle)


def _help_with_bounds(option: Option) -> str:
    """The help, with the bounds of a whole number where they tell something."""
    parse = option.parse
    if isinstance(parse, Whole) and parse.multiple == 1 and parse.most < 2**32:
        return f"{option.help.rstrip('.')} ({parse.range})."
    return option.help


def _reader(option: Option) -> Callable[[str], Any]:
    """Reads the option's text; what is wrong with it is said of the flag."""

    def read(text: str) -> Any:
        try:
            return option.parse(text)
        except BadRequest as error:
            raise _refuse(option, text, error) from None

    return read


def _refuse(option: Option, text: str, error: BadRequest) -> BadRequest:
    """The refusal with the flag as its subject: "`--steps 0` is out of bounds"."""
    flag, rest = option.flags[0], error.fact
    for subject in (f"`{text.strip()}` ", f"{text.strip()} "):
        if rest.startswith(subject):
            return BadRequest(f"`{flag} {text}` {rest.removeprefix(subject)}", hint=error.hint)
    return BadRequest(f"`{flag}`: {rest}", hint=error.hint)


Model = Annotated[str | None, typer_option("model")]
Loras = Annotated[list[Lora] | None, typer_option("lora")]
LoraPartial = Annotated[bool, typer_option("lora-partial")]
Out = Annotated[str | None, typer_option("out")]
Format = Annotated[str | None, typer_option("format")]
Force = Annotated[bool, typer_option("force")]
Json = Annotated[bool, typer_option("json")]
DryRun = Annotated[bool, typer_option("dry-run")]
Device = Annotated[str | None, typer_option("device")]
Quiet = Annotated[bool, typer_option("quiet")]
Warm = Annotated[float | None, typer_option("warm")]
