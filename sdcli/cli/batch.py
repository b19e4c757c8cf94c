"""`sdcli batch`: many pictures from a file of jobs, which stops and resumes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdcli.batch.job_file import read_jobs, split_lines
from sdcli.batch.journal import BatchJournal
from sdcli.batch.run import (
    DuePicture,
    FailedJob,
    FinishedPicture,
    PlannedJob,
    batch_folder,
    draw_due,
    due_as_they_arrive,
    list_due,
    plan_jobs,
)
from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import Measures, With, open_measures, plan_measures
from sdcli.cli.options import typer_option
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import describe_measured, print_picture, print_plans
from sdcli.errors import BadRequest, PartFailed
from sdcli.library.open_file import expand_path, open_regular_file
from sdcli.request import Draw
from sdcli.server import warm
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.progress import RunProgress
from sdcli.text import count_of

if TYPE_CHECKING:
    from sdcli.studies.judged import JudgedStudy

STDIN = "-"

JobFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A prompt or a JSON object a line; `-` is stdin, drawn while lines arrive.",
    ),
]
BatchSeed = Annotated[
    int | None,
    typer_option(
        "seed",
        about="The seed of every job whose line names none.",
        default="made from what the job says, so the same whenever it is drawn",
    ),
]


@spread_options(Draw, without={"prompt", "batch"})
def batch(
    options: DrawingOptions,
    file: JobFile,
    seed: BatchSeed = None,
    measure: Measures = None,
    with_: With = None,
) -> None:
    """Draw many pictures from a file of jobs.

    Begun again, it goes on where it stopped.
    """
    base = replace(options.request(prompt=""), seed=seed)
    wish = JudgingWish(measure, tuple(with_ or ()))
    panel = plan_measures(wish, None, 0)
    planned = plan_jobs(read_jobs(_read_lines(file), base))
    if options.mode.dry_run:
        failures = _print_plans(planned, options.mode)
    else:
        judged = None if wish == NO_WISH else open_measures(panel, wish)
        failures = _draw(planned, batch_folder(base), options.mode, judged, arriving=file == STDIN)
    if failures:
        raise PartFailed(
            f"{count_of(failures, 'job')} failed", hint="the same command tries them again"
        )


def _read_lines(name: str) -> Iterable[bytes]:
    """The lines of the job file; those of stdin as they arrive."""
    if name == STDIN:
        return split_lines(sys.stdin.buffer)
    try:
        with open_regular_file(expand_path(Path(name))) as file:
            return [*split_lines(file)]
    except BadRequest as error:
        hint = "name a text file, a job a line; `-` reads them from stdin"
        raise BadRequest(error.fact, hint=hint) from None


def _print_plans(planned: Iterable[PlannedJob | FailedJob], mode: OutputMode) -> int:
    """What would be drawn; how many jobs failed."""
    failures = 0
    for one in planned:
        if isinstance(one, FailedJob):
            console.print_error(one.error)
            failures += 1
        else:
            print_plans([one.plan], mode)
    return failures


def _draw(
    planned: Iterable[PlannedJob | FailedJob],
    folder: Path,
    mode: OutputMode,
    judged: JudgedStudy | None,
    *,
    arriving: bool,
) -> int:
    """Draw what is not finished, with a line for every picture; how many jobs failed."""
    talk = console.Console(quiet=mode.quiet)

    def say_waiting() -> None:
        talk.on_note(f"another batch is drawing into `{folder}`: waiting until it is done")

    progress = RunProgress(talk)
    failures = 0
    with BatchJournal(folder, say_waiting) as journal, talk.live():
        due = (
            due_as_they_arrive(planned, journal)
            if arriving
            else _list_due(planned, journal, progress)
        )
        try:
            for one in draw_due(
                due, lambda: warm.choose_session(mode.warm, talk), journal, progress
            ):
                if isinstance(one, FinishedPicture):
                    _tell(one, mode, judged, talk)
                else:
                    console.print_error(one.error)
                    failures += 1
        except BaseException:
            talk.on_note(f"{progress.summary(folder)}; the same command goes on from there")
            raise
    for line in judged.summary() if judged else ():
        talk.on_note(line)
    if progress.pictures_done:
        talk.on_note(progress.summary(folder))
    return failures


def _tell(
    one: FinishedPicture, mode: OutputMode, judged: JudgedStudy | None, talk: console.Console
) -> None:
    """A line for a picture, and what was measured of it."""
    if judged is None:
        print_picture(one.picture, one.path, mode)
        return
    cell, plan = (one.job.name, str(one.picture.index)), one.picture.plan
    print_picture(one.picture, one.path, mode, judged.measure(cell, plan, one.picture.image))
    talk.on_note(describe_measured(judged, plan, one.path, cell))


def _list_due(
    jobs: Iterable[PlannedJob | FailedJob], journal: BatchJournal, progress: RunProgress
) -> list[DuePicture | FailedJob]:
    """What failed to be planned, then what is to be drawn; said how much that is."""
    all_jobs = [*jobs]
    planned = [one for one in all_jobs if isinstance(one, PlannedJob)]
    failed = [one for one in all_jobs if isinstance(one, FailedJob)]
    due = list_due(planned, journal)
    before = sum(one.plan.count for one in planned) - len(due)
    progress.expect([one.drawing for one in due])
    progress.on_note(f"{count_of(len(due), 'picture')} to draw, {before:,} finished before")
    return [*failed, *due]
