"""What a file is, and what a picture carries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sdcli.cli import console, options
from sdcli.errors import BadRequest, PartFailed, SdcliError
from sdcli.images import strip
from sdcli.library.find import find_file
from sdcli.options import presets
from sdcli.outputs.save import Destination, format_of_name, names_file, put_file
from sdcli.reproduce.recall import read_request
from sdcli.request import Output
from sdcli.show.fact_sheet import fact_record
from sdcli.show.picture import is_picture_file, picture_facts, picture_facts_record, picture_lines
from sdcli.show.weights import weights_facts, weights_lines

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE", help="Files to look at, by their paths or names.", show_default=False
    ),
]
Strip = Annotated[
    bool, typer.Option("--strip", help="Write copies of pictures without what they carry.")
]
Toml = Annotated[
    bool, typer.Option("--toml", help="Print a picture's settings as a preset for `--preset`.")
]


def show(
    files: Files,
    json: options.Json = False,
    toml: Toml = False,
    strip_: Strip = False,
    out: options.Out = None,
    force: options.Force = False,
) -> None:
    """Say what a file is, and what a picture carries.

    Of weights: checkpoint, LoRA, embedding, ControlNet or VAE.
    """
    if strip_:
        _stripped([Path(file) for file in files], Output(out, force=force))
        return
    if toml:
        for file in files:
            console.print_result(
                console.escape_controls(presets.write_preset(read_request(Path(file))), r"\u{:04x}")
            )
        return
    if out is not None or force:
        raise BadRequest("`--out` and `--force` are for `--strip`", hint="showing writes no file")
    failed = [error for file in files if (error := _told(file, json)) is not None]
    if len(files) == 1 and failed:
        raise failed[0]
    for error in failed:
        console.print_error(error)
    if failed:
        raise PartFailed(
            f"{len(failed)} of {len(files)} files could not be read",
            hint="what each of them is, is said above",
        )


def _told(name: str, json: bool) -> SdcliError | None:
    """Say what one file is, or give back why not: the others are still to be said."""
    try:
        file = find_file(name)
        record, lines = _picture(file) if is_picture_file(file) else _weights(file)
    except SdcliError as error:
        return error
    if json:
        console.print_record(record)
    else:
        for line in lines:
            console.print_result(console.escape_controls(line))
    return None


def _picture(file: Path) -> tuple[dict[str, Any], list[str]]:
    facts = picture_facts(file)
    return picture_facts_record(facts), picture_lines(facts)


def _weights(file: Path) -> tuple[dict[str, Any], list[str]]:
    facts = weights_facts(file)
    return fact_record(facts), weights_lines(facts)


def _stripped(files: list[Path], output: Output) -> None:
    """Copies without metadata: `fox-plain.png` beside `fox.png`, or where `--out` says."""
    if output.path is not None and names_file(output.path) and len(files) > 1:
        raise BadRequest(
            f"`{output.path}` is one file, and {len(files)} are to be stripped",
            hint="name a folder, or end its name with `/`",
        )
    copies = [(file, strip.strip_metadata(file)) for file in files]
    for file, copy in copies:
        path = _copy_path(file, copy, output)
        place = Destination(str(path), copy.format, exact=True, force=output.force)
        console.print_result(str(put_file(path, lambda to, raw=copy.raw: to.write(raw), place)))


def _copy_path(file: Path, copy: strip.StrippedPicture, output: Output) -> Path:
    """Where the copy of a picture goes, under a name that says what it is."""
    if output.path is None:
        return file.with_stem(f"{file.stem}-plain")
    if not names_file(output.path):
        return Path(output.path) / file.name
    if format_of_name(output.path) != copy.format:
        raise BadRequest(
            f"`{output.path}` ends as no {copy.format}, and `{file.name}` is one",
            hint="a stripped picture is a copy in the format that it has",
        )
    return Path(output.path)
