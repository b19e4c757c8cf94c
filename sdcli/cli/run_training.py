"""A training planned, watched and told: what is printed while it runs, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdcli.cli import console
from sdcli.cli.output_mode import OutputMode
from sdcli.engine import door
from sdcli.environment import leads_launch
from sdcli.outputs.records import picture_record
from sdcli.studies.training.page import write_training_page
from sdcli.studies.training.run import TrainingRun, find_state
from sdcli.training.again import FileVerdict, compare_files, plan_again, require_record
from sdcli.training.describe import plan_record, plan_rows
from sdcli.training.interrupts import end_by
from sdcli.training.plan import TrainingPlan
from sdcli.training.progress import Event, FileSaved, SampleDrawn, StepTaken


def show_training(plan: TrainingPlan, mode: OutputMode) -> None:
    """What would be done."""
    talk = console.Console(quiet=mode.quiet)
    for note in plan.notes:
        talk.on_note(note)
    if mode.json:
        console.print_record(plan_record(plan))
    else:
        rows = [(name, console.escape_controls(text)) for name, text in plan_rows(plan)]
        console.print_table(("what", "value"), rows)


def train_plan(
    plan: TrainingPlan, mode: OutputMode, *, resume: bool = False, until: int | None = None
) -> None:
    """Train, and name the file; KeyboardInterrupt where it was stopped, once it is saved."""
    if resume:
        find_state(plan)
    door.preload()
    leads = leads_launch()
    talk = console.Console(quiet=mode.quiet or not leads)
    for note in plan.notes:
        talk.on_note(note)
    with talk.live():
        talk.on_stage("loading torch")
        run = TrainingRun(
            plan, door.open_trainer(plan, talk), talk, door.open_session, until=until, leads=leads
        )
        if resume:
            run.resume()
        _follow(run, as_json=mode.json and leads)
        if leads:
            report = write_training_page(run)
            talk.on_note(f"its page: {report}")
    if run.stopped_by:
        talk.on_note("stopped; the same command with `--resume` goes on")
        end_by(run.stopped_by)
    if leads and not mode.json:
        console.print_result(str(plan.out))


def _follow(run: TrainingRun, *, as_json: bool) -> None:
    """Train to the end, each thing that happens as an object on a line where that is asked for."""
    for event in run.run():
        if as_json:
            console.print_record(_event_record(event))


def train_again(
    path: Path, out: Path | None, mode: OutputMode, *, force: bool
) -> FileVerdict | None:
    """Train a file again from what it says of itself, and compare; None where that is only shown."""
    record = require_record(path)
    plan = plan_again(record, out or path.with_stem(f"{path.stem}-again"), force=force)
    if mode.dry_run:
        show_training(plan, mode)
        return None
    train_plan(plan, mode, until=record.step)
    found = compare_files(path, plan.out)
    console.Console(quiet=mode.quiet).on_note(f"{path.name}: {found}")
    return found


def _event_record(event: Event) -> dict[str, Any]:
    match event:
        case StepTaken(step, loss, mean, rate, seconds):
            facts = {"step": step, "loss": loss, "mean": mean, "rate": rate, "seconds": seconds}
            return {"event": "step", **facts}
        case FileSaved(step, path):
            return {"event": "saved", "step": step, "path": str(path)}
        case SampleDrawn(step, prompt, path, picture):
            facts = {"step": step, "prompt": prompt, **picture_record(picture, path)}
            return {"event": "sample", **facts}
