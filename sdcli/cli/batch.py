"""`sdcli batch`: many pictures from a file of jobs, which stops and resumes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sdcli.batch.job_file import BatchLedger, read_jobs
from sdcli.batch.run import (
    DuePicture,
    FailedJob,
    FinishedPicture,
    PlannedJob,
    batch_folder,
    draw_due,
    list_due,
    plan_jobs,
)
from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options_without
from sdcli.cli.run import OutputMode, open_session, print_picture, print_plans
from sdcli.errors import BadRequest, PartFailed
from sdcli.request import Draw, Request
from sdcli.text import count_of

JobFile = Annotated[
    str, typer.Argument(metavar="FILE", help="A prompt or a JSON object a line; `-` is stdin.")
]


@spread_options_without("prompt")
def batch(said: DrawingOptions, file: JobFile) -> None:
    """Draw many pictures from a file of jobs; begun again, go on where it stopped."""
    base = replace(said, prompt="").request(Draw())
    failures = _run(_read_job_text(file), base, said.manner)
    if failures:
        raise PartFailed(
            f"{count_of(failures, 'job')} failed", hint="the same command tries them again"
        )


def _read_job_text(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(
            f"the jobs in `{name}` cannot be read: {error}", hint="name a text file, a job a line"
        ) from None


def _run(text: str, base: Request, mode: OutputMode) -> int:
    """Plan every job, then draw what is not finished; how many jobs failed."""
    planned: list[PlannedJob] = []
    failures = 0
    for one in plan_jobs(read_jobs(text, base)):
        if isinstance(one, PlannedJob):
            planned.append(one)
        else:
            console.print_error(one.error)
            failures += 1
    if mode.dry_run:
        print_plans((one.plan for one in planned), mode)
        return failures
    ledger = BatchLedger(batch_folder(base))
    due = list_due(planned, ledger)
    total = sum(one.plan.count for one in planned)
    talk = console.Console(quiet=mode.quiet)
    talk.note(f"{count_of(len(due), 'picture')} to draw, {total - len(due)} finished before")
    with talk.live():
        return failures + _print_drawn(_draw(due, ledger, talk), mode)


def _draw(
    due: list[DuePicture], ledger: BatchLedger, talk: console.Console
) -> Iterable[FinishedPicture | FailedJob]:
    if not due:
        return ()
    talk.stage("loading torch")
    return draw_due(due, open_session(talk), ledger)


def _print_drawn(drawn: Iterable[FinishedPicture | FailedJob], mode: OutputMode) -> int:
    """A line for every picture as it is finished; how many failed."""
    failures = 0
    for one in drawn:
        if isinstance(one, FinishedPicture):
            print_picture(one.picture, one.path, mode)
        else:
            console.print_error(one.error)
            failures += 1
    return failures
