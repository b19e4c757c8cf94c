"""`sdcli batch` in this process: job after job, each picture before the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sdcli.batch.job_file import BatchJob, UnreadableLine
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
    picture_cell,
    plan_jobs,
)
from sdcli.cli import console
from sdcli.cli.measure_options import open_measures, plan_measures
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import describe_measured, print_picture, print_plans
from sdcli.request import Request
from sdcli.server import warm
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.progress import RunProgress
from sdcli.text import count_of

if TYPE_CHECKING:
    from sdcli.measures.table import Values
    from sdcli.picture import Picture
    from sdcli.studies.judged import JudgedStudy


def draw_in_turn(
    jobs: Iterable[BatchJob | UnreadableLine],
    base: Request,
    wish: JudgingWish,
    mode: OutputMode,
    *,
    arriving: bool,
) -> int:
    """Draw job after job in this process; how many failed."""
    panel = plan_measures(wish, None, 0)
    planned = plan_jobs(jobs)
    if mode.dry_run:
        return _print_plans(planned, mode)
    judged = None if wish == NO_WISH else open_measures(panel, wish)
    return _draw(planned, batch_folder(base), mode, judged, arriving=arriving)


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
    with BatchJournal(folder, say_waiting) as journal, talk.live():
        _recall_measured(judged, journal)
        due = (
            due_as_they_arrive(planned, journal)
            if arriving
            else _list_due(planned, journal, progress)
        )
        session = partial(warm.choose_session, mode.warm, talk)
        drawn = draw_due(due, session, journal, progress, _measuring(judged))
        try:
            failures = _tell_each(drawn, mode, judged, talk)
        except BaseException:
            talk.on_note(f"{progress.summary(folder)}; the same command goes on from there")
            raise
    for line in judged.summary() if judged else ():
        talk.on_note(line)
    if progress.pictures_done:
        talk.on_note(progress.summary(folder))
    return failures


def _tell_each(
    drawn: Iterable[FinishedPicture | FailedJob],
    mode: OutputMode,
    judged: JudgedStudy | None,
    talk: console.Console,
) -> int:
    """A line for every picture as it is finished; how many jobs failed."""
    failures = 0
    for one in drawn:
        if isinstance(one, FailedJob):
            console.print_error(one.error)
            failures += 1
        else:
            _tell(one, mode, judged, talk)
    return failures


def _measuring(judged: JudgedStudy | None) -> Callable[[BatchJob, Picture], Values]:
    """What is measured of each picture."""

    def measure(job: BatchJob, picture: Picture) -> Values:
        if judged is None:
            return {}
        cell = picture_cell(job.name, picture.index)
        return judged.measure(cell, picture.plan, picture.image)

    return measure


def _tell(
    one: FinishedPicture, mode: OutputMode, judged: JudgedStudy | None, talk: console.Console
) -> None:
    """A line for a picture, and what was measured of it."""
    print_picture(one.picture, one.path, mode, one.measured)
    if judged is not None:
        talk.on_note(describe_measured(judged, one.picture.plan, one.path, one.cell))


def _recall_measured(judged: JudgedStudy | None, journal: BatchJournal) -> None:
    """Let what was measured by earlier runs count."""
    if judged is None:
        return
    for (job, index), values in journal.measured():
        judged.found[picture_cell(job, index)] = {0: values}  # a cell has one picture


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
