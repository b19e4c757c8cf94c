"""What there is and what this machine can do: schedulers, models, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdcli import folders
from sdcli.cli import console, options
from sdcli.cli.run import examine_machine
from sdcli.errors import BadRequest
from sdcli.library.converted_models import (
    MOST_BYTES,
    clear_converted,
    converted_folder,
    list_converted,
)
from sdcli.library.find import list_models
from sdcli.library.open_file import is_ordinary_file
from sdcli.schedulers.table import SOLVERS, SPACINGS
from sdcli.weights import checkpoint
from sdcli.weights.clip_file import clip_from_header
from sdcli.weights.read_header import read_header


def schedulers(json: options.Json = False) -> None:
    """The schedulers, and what each is good for.

    Also what a step costs, and what other programs call them.
    """
    console.print_listing(
        ("name", "evaluations", "eta", "about", "also called"),
        [
            (
                row.name,
                row.evaluations,
                "-" if row.eta is None else row.eta,
                row.about,
                row.foreign_names,
            )
            for row in SOLVERS.values()
        ],
        as_json=json,
    )
    if not json:
        console.print_result("")
    console.print_listing(
        ("spacing", "about", "not with"),
        [
            (row.name, row.about, names_without_spacing(row.name))
            for row in SPACINGS.values()
            if row.about
        ],
        as_json=json,
    )
    console.Console(quiet=json).on_note("a solver over a spacing: `--scheduler euler-karras`")


def names_without_spacing(spacing: str) -> tuple[str, ...]:
    """The solvers that do not take a spacing."""
    return tuple(
        row.name for row in SOLVERS.values() if spacing not in (row.spacing, *row.spacings)
    )


def models(json: options.Json = False) -> None:
    """The models at hand.

    The built-in one, and those in the folder of models.
    """
    console.print_listing(
        ("name", "kind", "family", "GB", "path"),
        [(name, *model_line(path), str(path)) for name, path in list_models()],
        as_json=json,
    )
    for folder in folders.models_folder():
        console.Console(quiet=json).on_note(f"models are looked for in {folder}")


def model_line(path: Path) -> tuple[str, str, str]:
    """A file's kind, which one of its kind it is, and its size, from its header."""
    weight = sum(
        file.stat().st_size for file in ([path] if is_ordinary_file(path) else path.rglob("*"))
    )
    size = f"{weight / 1e9:.2f}"
    try:
        header = read_header(path)
        kind = checkpoint.kind_name(header)
        if kind == "checkpoint":
            return kind, checkpoint.identify_checkpoint(path).family.title, size
        return kind, clip_from_header(header).title if kind == "clip" else "", size
    except BadRequest as error:
        return "unreadable", error.fact, size


def doctor(json: options.Json = False) -> None:
    """What this machine draws with, and what is in its way."""
    console.print_listing(("what", "found"), examine_machine(), as_json=json)


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget all of it.")] = False,
    json: options.Json = False,
) -> None:
    """What is kept of converted models.

    `--backend openvino` converts them.
    """
    talk = console.Console(quiet=json)
    if clear:
        talk.on_note(f"{clear_converted() / 1e9:.2f} GB freed")
        return
    console.print_listing(
        ("path", "GB"),
        [(str(place), f"{size / 1e9:.2f}") for place, size in list_converted()],
        as_json=json,
    )
    talk.on_note(f"at most {MOST_BYTES / 1e9:.0f} GB are kept in {converted_folder()}")
