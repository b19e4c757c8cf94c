"""`sdcli batch`: many pictures from a file of jobs, which stops and resumes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from sdcli.batch import job_file as jobs
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.cli.drawing_options import DrawingOptions, spread_options_without
from sdcli.engine.door import open_session
from sdcli.errors import BadRequest, PartFailed, SdcliError
from sdcli.outputs import save as outputs
from sdcli.plan import Plan, nth_picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

JobFile = Annotated[
    str, typer.Argument(metavar="FILE", help="A prompt or a JSON object a line; `-` is stdin.")
]


@dataclass(frozen=True)
class DuePicture:
    """One picture to be drawn: of which job, and where it goes."""

    job: jobs.BatchJob
    index: int
    plan: Plan
    place: outputs.Destination


@spread_options_without("prompt")
def batch(said: DrawingOptions, file: JobFile) -> None:
    """Draw many pictures from a file of jobs; begun again, go on where it stopped."""
    run_batch(_read_job_text(file), replace(said, prompt="").request(Draw()), said.manner)


def _read_job_text(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(
            f"the jobs in `{name}` cannot be read: {error}", hint="name a text file, a job a line"
        ) from None


def run_batch(text: str, base: Request, manner: perform.OutputMode) -> None:
    """Plan every job, then draw those that are not finished, each model's one after another."""
    talk = console.Console(quiet=manner.quiet)
    failed: list[SdcliError] = []
    planned = [*_plan_jobs(text, base, failed)]
    if manner.dry_run:
        perform.print_plans((todo for _, todo in planned), manner)
    else:
        ledger = jobs.BatchLedger(_batch_folder(base))
        due = [
            each for each in _list_due(planned) if not ledger.is_finished(each.job.name, each.index)
        ]
        total = sum(todo.count for _, todo in planned)
        talk.on_note(f"{len(due)} pictures to draw, {total - len(due)} finished before")
        with talk.live():
            failed += _draw_due(due, ledger, talk, manner)
    if failed:
        raise PartFailed(f"{len(failed)} jobs failed", hint="the same command tries them again")


def _plan_jobs(
    text: str, base: Request, failed: list[SdcliError]
) -> Iterator[tuple[jobs.BatchJob, Plan]]:
    for job in jobs.read_jobs(text, base):
        if isinstance(job, jobs.UnreadableLine):
            failed.append(_report_failure(job.error, job))
            continue
        try:
            yield job, make_plan(job.request)
        except SdcliError as error:
            failed.append(_report_failure(error, job))


def _list_due(planned: Sequence[tuple[jobs.BatchJob, Plan]]) -> list[DuePicture]:
    """Every picture of every job, those of one model and its LoRAs in a row."""
    found = [
        DuePicture(
            job, index, nth_picture(todo, index), outputs.destination(todo.output, todo.count)
        )
        for job, todo in planned
        for index in range(todo.count)
    ]
    groups = list(dict.fromkeys(_group(each.plan) for each in found))
    return sorted(found, key=lambda each: groups.index(_group(each.plan)))


def _group(todo: Plan) -> tuple[Any, ...]:
    return todo.model, todo.vae, todo.loras


def _batch_folder(base: Request) -> Path:
    """Where the pictures go: the part of the place that is the same for all of them."""
    folder = Path(outputs.destination(base.output).template).parent
    while "{" in str(folder):
        folder = folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _draw_due(
    due: Sequence[DuePicture],
    ledger: jobs.BatchLedger,
    talk: console.Console,
    manner: perform.OutputMode,
) -> list[SdcliError]:
    """What failed. A job that cannot be drawn costs only itself; a place that cannot be written
    ends the run, since the next picture would be lost too."""
    failed: list[SdcliError] = []
    if not due:
        return failed
    talk.on_stage("loading torch")
    session = open_session()
    for each in due:
        try:
            drawn = next(session.run(each.plan, talk))
        except SdcliError as error:
            failed.append(_report_failure(error, each.job))
            continue
        picture = replace(drawn, index=each.index)
        try:
            path = outputs.save(picture, each.place)
        except BadRequest as error:  # a file of that name is there
            failed.append(_report_failure(error, each.job))
            continue
        ledger.add(each.job.name, each.index, path)
        perform.print_picture(picture, path, manner)
    return failed


def _report_failure(error: SdcliError, job: jobs.BatchJob | jobs.UnreadableLine) -> SdcliError:
    """The failure, said at once, with the line it came from."""
    found = type(error)(f"line {job.line}: {error.fact}", hint=error.hint)
    console.print_error(found)
    return found
