"""The commands, and the one place where a failure becomes an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, NamedTuple

import typer

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli.usage import explain_usage
from sdcli.environment import is_completing, read_environment
from sdcli.errors import SdcliError


class Command(NamedTuple):
    """A command: its name, where its function (or its group) is, and its line in the list of all."""

    name: str
    place: str
    help: str


# Only the command that is asked for is imported: a help text need not wait for the others.
COMMANDS = (
    Command("txt2img", "generate:txt2img_command", "Draw a picture from words."),
    Command("img2img", "generate:img2img_command", "Redraw a picture from words."),
    Command("inpaint", "generate:inpaint_command", "Repaint the white of a mask."),
    Command("outpaint", "generate:outpaint_command", "Draw on beyond a picture's edges."),
    Command("edit", "generate:edit_command", "Follow an instruction about a picture."),
    Command(
        "compare-schedulers",
        "studies:compare_schedulers",
        "The same noise under several schedulers, measured.",
    ),
    Command(
        "compare-fast",
        "studies:compare_fast",
        "The same noise by every way to be faster, measured.",
    ),
    Command("sweep", "studies:sweep", "A labelled sheet over up to three options."),
    Command("trace", "trace:trace", "The denoising, as a film strip and an animation."),
    Command("batch", "batch:batch", "Draw many pictures from a file of jobs."),
    Command("explain", "explain:explain", "Show how a prompt is read."),
    Command(
        "reproduce",
        "reproduce:reproduce",
        "Draw pictures or train files again, and compare.",
    ),
    Command("upscale", "upscale:upscale", "Make pictures larger."),
    Command("score", "score:score", "Say how good pictures are."),
    Command("show", "show:show", "Say what a file is, and what a picture carries."),
    Command("lora", "lora:app", "LoRAs: what they hold; baked into a model, drawn out."),
    Command("train", "train:app", "A LoRA or a word from a folder of pictures."),
    Command("warm", "warm:app", "A process that keeps models in memory."),
    Command("serve", "serve:serve", "Draw for other programs."),
    Command("schedulers", "info:schedulers", "The schedulers, and what each is good for."),
    Command("models", "info:models", "The models at hand."),
    Command(
        "cache",
        "info:cache",
        "What is kept of converted models.",
    ),
    Command("doctor", "info:doctor", "What this machine draws with, and what is in its way."),
)


def build_app(words: Sequence[str]) -> typer.Typer:
    """The command line as Typer knows it; of its commands only the one that the words name is more
    than its name, or all of them where a shell asks what could come next."""
    app = typer.Typer(
        help="Pictures from words with any Stable Diffusion checkpoint, offline.",
        rich_markup_mode=None,  # markup would eat `[cat:dog:0.5]`
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(sdcli)
    named = next((word for word in words if not word.startswith("-")), "")
    for command in COMMANDS:
        if command.name == named or is_completing():
            _add_command(app, command)
        else:
            app.command(command.name, help=command.help)(_not_named)
    return app


def _add_command(app: typer.Typer, command: Command) -> None:
    module, _, name = command.place.partition(":")
    found = getattr(import_module(f"sdcli.cli.{module}"), name)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=command.name)
    else:
        app.command(command.name)(found)


def _not_named() -> None:
    """Stands in the list of commands for one that was not asked for."""


def _version(wanted: bool) -> None:
    if wanted:
        console.print_result(f"sdcli {__version__}")
        raise typer.Exit


def sdcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and stop.")
    ] = False,
) -> None:
    """Pictures from words with any Stable Diffusion checkpoint, offline."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. No failure that is not a bug leaves a traceback."""
    words = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        code = build_app(words)(words, prog_name="sdcli", standalone_mode=False)
    except SdcliError as error:
        _debug()
        console.print_error(error)
        return error.exit_code
    except typer.TyperException as error:
        console.print_error(explain_usage(error, words))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return code if isinstance(code, int) else 0


def _debug() -> None:
    """With SDCLI_DEBUG=1 the failure shows where it was raised."""
    if read_environment().debug:
        import traceback

        traceback.print_exc()
