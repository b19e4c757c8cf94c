"""Draw pictures again from what they carry, and say how exactly they match."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from sdcli.cli import console, options
from sdcli.cli.output_mode import OutputMode, warm_wish
from sdcli.cli.run import print_plans
from sdcli.cli.run_training import train_again
from sdcli.engine.door import SessionLike
from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.metadata import codec
from sdcli.options.table import parse_assignments
from sdcli.outputs.records import picture_record
from sdcli.outputs.save import Destination, find_destination, prepare_destination, save_picture
from sdcli.plan import Plan
from sdcli.reproduce.compare import (
    IDENTICAL,
    Verdict,
    compare_with_original,
    provenance_differences,
)
from sdcli.reproduce.recall import RecalledPicture, recall_picture
from sdcli.request import Output
from sdcli.server.warm import choose_session
from sdcli.studies.progress import Drawing, RunProgress

Pictures = Annotated[
    list[Path],
    typer.Argument(
        metavar="PICTURE", help="Pictures, of this program or another; or a file of `sdcli train`."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Change something on purpose, like `steps=40` (repeat for more).",
    ),
]
Exact = Annotated[
    bool, typer.Option("--exact", help="Fail (exit code 1) unless every pixel is the same.")
]


TRAINED = ".safetensors"


@dataclass(frozen=True)
class Again:
    """One picture to be drawn again: what it said, what to draw, where to put it."""

    recalled: RecalledPicture
    plan: Plan
    differences: tuple[str, ...]
    place: Destination
    exact: bool


def reproduce(
    pictures: Pictures,
    changes: Changes = None,
    exact: Exact = False,
    out: options.Out = None,
    format: options.Format = None,  # noqa: A002
    force: options.Force = False,
    json: options.Json = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
    warm: options.Warm = None,
) -> None:
    """Draw pictures or train files again, and compare.

    Everything about them is read from what they carry.
    """
    values = parse_assignments(changes or ())
    if values and exact:
        raise BadRequest("`--exact` compares, and `--set` makes a difference", hint="say one")
    if any(path.suffix.lower() == TRAINED for path in pictures):
        if len(pictures) > 1 or values:
            raise BadRequest(
                "a trained file is trained again by itself, and as it was",
                hint="`sdcli train ... --like FILE` takes its settings and changes some",
            )
        again = None if out is None else Path(out)
        _train_again(pictures[0], again, OutputMode(json, dry_run, quiet), force=force, exact=exact)
        return
    place = find_destination(Output(out, format, force), len(pictures))
    output = Output(out, format, force)
    recalled = [
        _plan_again(recall_picture(one), values, output, place, exact=exact) for one in pictures
    ]
    manner = OutputMode(json, dry_run, quiet, warm_wish(warm))
    if dry_run:
        _print_plans_again(recalled, manner)
        return
    _draw_again(recalled, manner, compare=not values, exact=exact)


def _train_again(
    path: Path, out: Path | None, mode: OutputMode, *, force: bool, exact: bool
) -> None:
    found = train_again(path, out, mode, force=force)
    if exact and found is not None and not found.identical:
        raise SdcliError(
            f"`{path.name}` came out {found}",
            hint="another machine or torch rounds otherwise; without `--exact` that is no failure",
        )


def _print_plans_again(recalled: list[Again], manner: OutputMode) -> None:
    talk = console.Console(quiet=manner.quiet)
    for again in recalled:
        if manner.json:
            console.print_record(_record_of(again))
        else:
            print_plans([again.plan], manner)
            _tell(talk, again, again.differences)


def _tell(talk: Listener, again: Again, lines: Iterable[str]) -> None:
    for line in lines:
        talk.on_note(f"{again.recalled.path.name}: {line}")


def _plan_again(
    recalled: RecalledPicture,
    values: dict[str, Any],
    output: Output,
    place: Destination,
    *,
    exact: bool,
) -> Again:
    plan, differences = recalled.make_plan(values, exact=exact)
    plan = replace(plan, output=output)
    return Again(recalled, plan, differences, place, exact)


def _draw_again(recalled: list[Again], manner: OutputMode, *, compare: bool, exact: bool) -> None:
    for again in recalled:
        prepare_destination(again.place, again.plan)
    talk = console.Console(quiet=manner.quiet)
    with talk.live():
        progress = RunProgress(talk)
        progress.expect([Drawing(again.plan, again.recalled.path.name) for again in recalled])
        with choose_session(manner.warm, talk) as session:
            same = [
                _draw_and_compare(session, again, progress, manner, compare=compare)
                for again in recalled
            ]
    if exact and not all(same):
        raise SdcliError(
            f"{same.count(False)} of {len(recalled)} came out another",
            hint="what differs from then is said above; without `--exact` that is no failure",
        )


def _draw_and_compare(
    session: SessionLike,
    again: Again,
    progress: RunProgress,
    manner: OutputMode,
    *,
    compare: bool,
) -> bool:
    """Draw, save, compare and tell of one picture; whether it is the same."""
    _tell(progress, again, again.differences)
    progress.begin(Drawing(again.plan, again.recalled.path.name))
    picture = again.recalled.draw(session, again.plan, progress, exact=again.exact)
    progress.finish()
    path = save_picture(picture, again.place)
    found = compare_with_original(picture, again.recalled) if compare else None
    apart = provenance_differences(picture, again.recalled)
    _tell(progress, again, [*apart, *([str(found)] if found else [])])
    if manner.json:
        console.print_record(
            picture_record(picture, path) | _record_of(again) | _record_of_verdict(found, apart)
        )
    else:
        console.print_result(str(path))
    return found is not None and found.word == IDENTICAL


def _record_of(again: Again) -> dict[str, Any]:
    return {
        "picture": str(again.recalled.path),
        "program": again.recalled.program,
        "differences": list(again.differences),
        "plan": codec.to_data(again.plan),
    }


def _record_of_verdict(found: Verdict | None, apart: tuple[str, ...]) -> dict[str, Any]:
    if found is None:
        return {"apart": list(apart)}
    return {
        "verdict": found.word,
        "mean": found.mean,
        "largest": found.largest,
        "apart": list(apart),
    }
