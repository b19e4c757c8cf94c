"""A batch: every job planned, then every picture that is not finished drawn and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli.batch.job_file import BatchJob, UnreadableLine
from sdcli.batch.journal import BatchJournal
from sdcli.errors import BadRequest, SdcliError
from sdcli.outputs.save import Destination, find_destination, save_picture
from sdcli.outputs.study_folder import plain_value
from sdcli.picture import Picture
from sdcli.plan import Plan, nth_picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Request
from sdcli.studies.progress import Drawing, RunProgress

if TYPE_CHECKING:
    from sdcli.engine.door import SessionLike
    from sdcli.measures.table import Values


@dataclass(frozen=True)
class PlannedJob:
    """A job, the plan of its pictures, and where they go."""

    job: BatchJob
    plan: Plan
    place: Destination


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
    place: Destination

    @property
    def drawing(self) -> Drawing:
        """The picture as a part of a run."""
        return Drawing(self.plan, f"line {self.job.line}")


@dataclass(frozen=True)
class FinishedPicture:
    """One picture, drawn and on disk."""

    job: BatchJob
    picture: Picture
    path: Path
    measured: Values  # what was asked to be measured of it

    @property
    def cell(self) -> tuple[str, str]:
        """What its numbers are remembered under."""
        return picture_cell(self.job.name, self.picture.index)


def picture_cell(job: str, index: int) -> tuple[str, str]:
    """What the numbers of a job's picture are remembered under."""
    return job, str(index)


def plan_jobs(lines: Iterable[BatchJob | UnreadableLine]) -> Iterator[PlannedJob | FailedJob]:
    """The plan of every job, in order; a line that cannot be planned costs only itself."""
    for line in lines:
        if isinstance(line, UnreadableLine):
            yield failed_line(line.line, line.error)
            continue
        try:
            plan = make_plan(line.request)
            yield PlannedJob(line, plan, find_destination(plan.output, plan.count))
        except Exception as error:  # noqa: BLE001 - whatever a line does, the others go on
            yield failed_line(line.line, error)


def list_due(planned: Sequence[PlannedJob], journal: BatchJournal) -> list[DuePicture]:
    """Every picture that is not finished, those of one model and its LoRAs in a row."""
    due = [
        DuePicture(one.job, index, nth_picture(one.plan, index), one.place)
        for one in planned
        for index in range(one.plan.count)
        if not journal.is_finished(one.job.name, index)
    ]
    groups = {_model_of(each.plan): place for place, each in reversed([*enumerate(due)])}
    return sorted(due, key=lambda each: groups[_model_of(each.plan)])


def due_as_they_arrive(
    planned: Iterable[PlannedJob | FailedJob], journal: BatchJournal
) -> Iterator[DuePicture | FailedJob]:
    """The pictures of each job that are not finished, before the next job is read."""
    for one in planned:
        yield from [one] if isinstance(one, FailedJob) else list_due([one], journal)


def _nothing_measured(job: BatchJob, picture: Picture) -> Values:
    """Nobody asked for numbers."""
    return {}


def draw_due(
    due: Iterable[DuePicture | FailedJob],
    open_session: Callable[[], SessionLike],
    journal: BatchJournal,
    progress: RunProgress,
    measure: Callable[[BatchJob, Picture], Values] = _nothing_measured,
) -> Iterator[FinishedPicture | FailedJob]:
    """Draw, save and measure each picture before the next is asked for; the session is opened for the
    first.

    What failed before is handed on. A job that cannot be drawn costs only itself; a place or a
    journal that cannot be written ends the run, since the next picture would be lost too.
    """
    session: SessionLike | None = None
    for each in due:
        if isinstance(each, FailedJob):
            yield each
            continue
        session = session or open_session()
        progress.begin(each.drawing)
        try:
            drawn = next(session.run(each.plan, progress))
        except Exception as error:  # noqa: BLE001 - whatever a job does, the others go on
            progress.finish(failed=True)
            yield failed_line(each.job.line, error)
            continue
        progress.finish()
        picture = replace(drawn, index=each.index)
        try:
            path = _save(picture, each, journal)
        except BadRequest as error:  # a file of that name is there
            yield failed_line(each.job.line, error)
            continue
        measured = measure(each.job, picture)
        yield FinishedPicture(
            each.job, picture, path, measured
        )  # told even if the journal fails now
        journal.finish(each.job.name, each.index, path, plain_value(measured))


def batch_folder(base: Request) -> Path:
    """Where the pictures go: the part of the place that is the same for all of them."""
    folder = Path(find_destination(base.output).template).parent
    while "{" in str(folder):
        folder = folder.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SdcliError(
            f"the folder `{folder}` cannot be made: {error.strerror}",
            hint="choose another place with `--out`",
        ) from error
    return folder


def _save(picture: Picture, due: DuePicture, journal: BatchJournal) -> Path:
    """The picture on disk, the intent in the journal before it has its name."""

    def before_naming(partial_file: Path, name: Path) -> None:
        journal.intend(due.job.name, due.index, name, partial_file)

    return save_picture(picture, due.place, before_naming)


def _model_of(plan: Plan) -> tuple[Any, ...]:
    return plan.model, plan.vae, plan.loras


def failed_line(line: int, error: Exception) -> FailedJob:
    """The failure, with the line it came from."""
    if isinstance(error, SdcliError):
        return FailedJob(line, type(error)(f"line {line}: {error.fact}", hint=error.hint))
    fact = f"line {line}: {type(error).__name__}: {error}"
    return FailedJob(line, SdcliError(fact, hint="this is a fault of sdcli; the other jobs go on"))
