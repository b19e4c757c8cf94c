"""What a file is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdcli import console, shown
from sdcli.cli import options
from sdcli.errors import PartFailed, SdcliError

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Files to look at.", show_default=False)
]


def show(files: Files, json: options.Json = False) -> None:
    """Say what a file is: checkpoint, LoRA, embedding, ControlNet, VAE."""
    failed = [error for file in files if (error := _told(file, json)) is not None]
    if len(files) == 1 and failed:
        raise failed[0]
    for error in failed:
        console.complain(error)
    if failed:
        raise PartFailed(f"{len(failed)} of {len(files)} files could not be read")


def _told(file: Path, json: bool) -> SdcliError | None:
    """Say what one file is, or give back why not: the others are still to be said."""
    try:
        found = shown.facts(file)
    except SdcliError as error:
        return error
    if json:
        console.record(found)
    else:
        for line in shown.lines(found):
            console.result(line)
    return None
