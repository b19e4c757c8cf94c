"""What is said of words that are no command line: Typer's finding as a fact, and what was meant."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any, cast

import typer

from sdcli.cli.options_elsewhere import find_command, find_ours
from sdcli.errors import BadRequest
from sdcli.library.open_file import is_ordinary_file
from sdcli.text import closest, did_you_mean, suggest

_TOO_MANY = "Got unexpected extra argument(s) ("
_NO_OPTION = "No such option"
_NO_COMMAND = "No such command "


def explain_usage(error: typer.TyperException, words: Sequence[str]) -> BadRequest:
    """The fact and the hint for `words`, which Typer found to be no command line."""
    text = error.format_message()
    context = cast("typer.Context | None", getattr(error, "ctx", None))
    # Of an option without its value Typer does not say whose it is.
    path = context.command_path if context else " ".join(["sdcli", *_first_plain(words)])
    see = f"see `{path} --help`"
    if context and text.startswith(_NO_COMMAND):
        return _explain_command(context, words, see)
    if context and text.startswith(_TOO_MANY):
        return _explain_extra(context, text.removeprefix(_TOO_MANY).rstrip(")."), see)
    if text.startswith(_NO_OPTION):
        return _explain_option(context, str(getattr(error, "option_name", "")), see)
    fact, _, more = text.partition("\n")
    fact = fact.rstrip(".")
    return BadRequest(fact[:1].lower() + fact[1:], hint=" ".join(more.split()) or see)


def _explain_option(context: typer.Context | None, name: str, see: str) -> BadRequest:
    """A word with dashes that is no option: another program's, a slip, or a prompt's."""
    fact = f"there is no option `{name}`"
    params = cast("Sequence[Any]", context.command.params if context else ())
    known = {word for param in params for word in param.opts if word.startswith("--")}
    if ours := find_ours(name, known):
        return BadRequest(fact, hint=f"here it is {' and '.join(f'`{o}`' for o in ours)}; {see}")
    if name == "--prompt" and any(param.name == "prompt" for param in params):
        path = context.command_path if context else "sdcli"
        return BadRequest(fact, hint=f'the prompt is the first word: {path} "a red fox"')
    if elsewhere := find_command(name):
        command, option = elsewhere
        return BadRequest(fact, hint=f"`{option}` is an option of `sdcli {command}`; {see}")
    slips = closest(name.lstrip("-"), (word.lstrip("-") for word in known), most=2)
    return BadRequest(fact, hint=f"{did_you_mean(f'--{slip}' for slip in slips)}{see}")


def _explain_command(context: typer.Context, words: Sequence[str], see: str) -> BadRequest:
    """A first word that is no command: a slip, a file, or a prompt without its command."""
    depth = len(context.command_path.split()) - 1
    name, *more = [*dropwhile(_is_option, words)][depth:]
    known = list(cast("dict[str, Any]", getattr(context.command, "commands", {})))
    fact = (
        f"`{context.command_path}` has no command `{name}`" if depth else f"`{name}` is no command"
    )
    if is_ordinary_file(Path(name)):
        return BadRequest(fact, hint=f"`sdcli show {shlex.quote(name)}` says what a file is; {see}")
    if depth or name == "help" or suggest(name, known):
        return BadRequest(fact, hint=f"{suggest(name, known)}{see}")
    plain = [name, *takewhile(lambda word: not _is_option(word), more)]
    prompt = next((word for word in plain if " " in word), " ".join(plain))
    return BadRequest(fact, hint=f"to draw it: sdcli txt2img {_quote(prompt)}")


def _explain_extra(context: typer.Context, extra: str, see: str) -> BadRequest:
    """More words than a command takes: mostly a prompt that has lost its quotes."""
    prompt = context.params.get("prompt")
    if not prompt:
        return BadRequest(f"`{extra}` is more than `{context.command_path}` takes", hint=see)
    return BadRequest(
        f"`{extra}` stands behind the prompt, which is one argument",
        hint=f"put all of it in quotes: {context.command_path} {_quote(f'{prompt} {extra}')}",
    )


def _first_plain(words: Sequence[str]) -> Sequence[str]:
    """The command, where the words begin with one."""
    return [word for word in words[:1] if not _is_option(word)]


def _is_option(word: str) -> bool:
    return word.startswith("-")


def _quote(prompt: str) -> str:
    """The prompt as one argument: in double quotes, which every shell knows, where they do."""
    return f'"{prompt}"' if not set('"$`\\!') & set(prompt) else shlex.quote(prompt)
