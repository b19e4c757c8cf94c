"""A batch: every job planned, then every picture that is not finished drawn and saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli.batch.job_file import BatchJob, BatchLedger, UnreadableLine
from sdcli.errors import BadRequest, SdcliError
from sdcli.outputs import save as outputs
from sdcli.picture import Picture
from sdcli.plan import Plan, nth_picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Request

if TYPE_CHECKING:
    from sdcli.engine.session import Studio


@dataclass(frozen=True)
class PlannedJob:
    """A job and the plan of its pictures."""

    job: BatchJob
    plan: Plan


@dataclass(frozen=True)
class FailedJob:
    """A line of the job file of which something could not be done, and why."""

    line: int
    error: SdcliError


@dataclass(frozen=True)
class DuePicture:
    """One picture to be drawn: of which job, and where it goes."""

    job: BatchJob
    index: int
    plan: Plan
    place: outputs.Destination


@dataclass(frozen=True)
class FinishedPicture:
    """One picture, drawn and on disk."""

    job: BatchJob
    picture: Picture
    path: Path


def plan_jobs(lines: Iterable[BatchJob | UnreadableLine]) -> Iterator[PlannedJob | FailedJob]:
    """The plan of every job, in order; a line that cannot be planned costs only itself."""
    for line in lines:
        if isinstance(line, UnreadableLine):
            yield _failed(line.line, line.error)
            continue
        try:
            yield PlannedJob(line, make_plan(line.request))
        except SdcliError as error:
            yield _failed(line.line, error)


def list_due(planned: Sequence[PlannedJob], ledger: BatchLedger) -> list[DuePicture]:
    """Every picture that is not finished, those of one model and its LoRAs in a row."""
    due = [
        DuePicture(
            one.job,
            index,
            nth_picture(one.plan, index),
            outputs.destination(one.plan.output, one.plan.count),
        )
        for one in planned
        for index in range(one.plan.count)
        if not ledger.is_finished(one.job.name, index)
    ]
    groups = list(dict.fromkeys(_model_of(each.plan) for each in due))
    return sorted(due, key=lambda each: groups.index(_model_of(each.plan)))


def draw_due(
    due: Iterable[DuePicture], session: Studio, ledger: BatchLedger
) -> Iterator[FinishedPicture | FailedJob]:
    """Draw and save each picture before the next.

    A job that cannot be drawn costs only itself; a place that cannot be written ends the run, since
    the next picture would be lost too.
    """
    for each in due:
        try:
            drawn = next(session.draw(each.plan))
        except SdcliError as error:
            yield _failed(each.job.line, error)
            continue
        picture = replace(drawn, index=each.index)
        try:
            path = outputs.save(picture, each.place)
        except BadRequest as error:  # a file of that name is there
            yield _failed(each.job.line, error)
            continue
        ledger.add(each.job.name, each.index, path)
        yield FinishedPicture(each.job, picture, path)


def batch_folder(base: Request) -> Path:
    """Where the pictures go: the part of the place that is the same for all of them."""
    folder = Path(outputs.destination(base.output).template).parent
    while "{" in str(folder):
        folder = folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _model_of(plan: Plan) -> tuple[Any, ...]:
    return plan.model, plan.vae, plan.loras


def _failed(line: int, error: SdcliError) -> FailedJob:
    """The failure, with the line it came from."""
    return FailedJob(line, type(error)(f"line {line}: {error.fact}", hint=error.hint))
