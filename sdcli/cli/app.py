"""The commands, and the one place where a failure becomes an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from sdcli import __version__
from sdcli.cli import batch, console, explain, generate, lora, reproduce, show, warm
from sdcli.cli.info import cache, doctor, models, schedulers
from sdcli.cli.studies import compare_schedulers, sweep
from sdcli.cli.trace import trace
from sdcli.cli.usage import explain_usage
from sdcli.environment import read_environment
from sdcli.errors import SdcliError

app = typer.Typer(
    help="Pictures from words with any Stable Diffusion checkpoint, offline.",
    rich_markup_mode=None,  # markup would eat `[cat:dog:0.5]`
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command("txt2img")(generate.txt2img_command)
app.command("img2img")(generate.img2img_command)
app.command("inpaint")(generate.inpaint_command)
app.command("edit")(generate.edit_command)
app.command()(compare_schedulers)
app.command()(sweep)
app.command()(trace)
app.command()(batch.batch)
app.command()(explain.explain)
app.command()(reproduce.reproduce)
app.command()(show.show)
app.add_typer(lora.app)
app.add_typer(warm.app)
app.command()(schedulers)
app.command()(models)
app.command()(doctor)
app.command()(cache)


def _version(wanted: bool) -> None:
    if wanted:
        console.print_result(f"sdcli {__version__}")
        raise typer.Exit


@app.callback()
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
        code = app(words, prog_name="sdcli", standalone_mode=False)
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
