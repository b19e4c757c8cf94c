"""A plan is performed: drawn, saved, told. The one door to the engine."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sdcli.cli import console
from sdcli.cli import plan_table as rehearsal
from sdcli.cli.first_run import first_greeting
from sdcli.cli.output_mode import OutputMode
from sdcli.metadata import codec
from sdcli.outputs import live_preview as preview
from sdcli.outputs import save as outputs
from sdcli.outputs.records import picture_record
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.lora_jobs import Extraction, Merge
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.request import Request
from sdcli.studies.trace.plan import TracePlan


def draw_request(request: Request, mode: OutputMode) -> None:
    """Plan a request and draw it, or say what would be done."""
    draw_plans(plan_request(request, mode), manner=mode)


def plan_request(request: Request, mode: OutputMode) -> Plan:
    """The plan of a request. Where something will be drawn, the engine is imported beside the
    hashing of the files, once nothing is left that could be refused."""
    draft = draft_plan(request)
    if not mode.dry_run:
        threading.Thread(target=_imported, daemon=True).start()
    return hash_files(draft)


def _imported() -> None:
    import_module("sdcli.engine.session")  # torch and diffusers: some seconds


def _engine(name: str) -> Any:
    """A module of the engine, once all that `plan_request` began to import is there: two threads that
    import the same libraries from two ends can each find the other's half made."""
    _imported()
    return import_module(f"sdcli.engine.{name}")


def draw_plans(*plans: Plan, manner: OutputMode) -> None:
    """Draw the plans' pictures and save each before the next, or say what would be done."""
    if manner.dry_run:
        print_plans(plans, manner)
        return
    places = [outputs.destination(plan.output, plan.count) for plan in plans]
    for plan, place in zip(plans, places, strict=True):
        outputs.prepare(place, plan)
    talk = console.Console(quiet=manner.quiet)
    for line in filter(None, map(first_greeting, plans)):
        talk.note(line)
    with talk.live():
        talk.stage("waking torch")
        drawing = open_session(talk)
        for plan, place in zip(plans, places, strict=True):
            _kept(drawing.draw(plan, _preview(plan)), place, manner)


def print_plans(plans: Iterable[Plan], manner: OutputMode) -> None:
    """What would be done: a table for each plan or, for programs, a plan a line."""
    for plan in plans:
        if manner.json:
            console.print_record(codec.to_data(plan) | {"from": dict(plan.sources)})
        else:
            console.print_table(rehearsal.PLAN_COLUMNS, [*rehearsal.plan_rows(plan)])


def print_study_plan(
    plan: Plan,
    heads: Sequence[str],
    variations: Sequence[tuple[Sequence[str], Plan]],
    manner: OutputMode,
) -> None:
    """What a study would draw: its plan and how its pictures differ; for programs, every plan."""
    if manner.json:
        print_plans((one for _, one in variations), manner)
        return
    print_plans([plan], manner)
    console.print_result("")
    console.print_table(heads, [values for values, _ in variations])


def _kept(pictures: Iterable[Picture], place: outputs.Destination, manner: OutputMode) -> None:
    for picture in pictures:
        path = outputs.save(picture, place)
        if picture.plan.output.keep_maps:
            outputs.save_maps(picture, path, place)
        print_picture(picture, path, manner)


def _preview(plan: Plan) -> preview.Show | None:
    path = plan.output.preview
    return None if path is None else preview.shown(path)


def print_picture(picture: Picture, path: Path, manner: OutputMode) -> None:
    """A line on stdout for one finished picture."""
    if manner.json:
        console.print_record(picture_record(picture, path))
    else:
        console.print_result(str(path))


def print_files(made: Iterable[Path], manner: OutputMode) -> None:
    """Lines on stdout for the files of a study that are no pictures of a plan."""
    for path in made:
        if manner.json:
            console.print_record({"path": str(path)})
        else:
            console.print_result(str(path))


def open_benchmark(plan: Plan, talk: console.Console) -> Any:
    """A bench for comparing schedulers: one model, one prompt, loaded once."""
    return _engine("benchmark").Bench(plan, talk)


def run_trace(asked: TracePlan, talk: console.Console) -> Any:
    """What is seen on the way of a drawing, or of a picture into the noise."""
    trace = _engine("trace")
    if asked.forward:
        return trace.forward(asked.plan, talk, asked.at)
    split, attention = asked.split, asked.attention
    return trace.trace(asked.plan, talk, asked.at, split=split, attention=attention)


def open_session(talk: console.Console) -> Any:
    """A studio, which draws plan after plan; this is the one slow import."""
    return _engine("session").Studio(talk)


def write_lora_job(job: Merge | Extraction, manner: OutputMode) -> None:
    """Write the file that a merge or an extraction makes, and name it."""
    talk = console.Console(quiet=manner.quiet)
    with talk.live():
        talk.stage("waking torch")
        from sdcli.engine import lora_extract as extract
        from sdcli.engine import lora_merge as merge

        talk.stage(f"writing {job.out.name}")
        if isinstance(job, Merge):
            merge.merge(job, talk)
        else:
            extract.extract(job, talk)
    console.print_result(str(job.out))


def examine_machine() -> list[tuple[str, str]]:
    """What `sdcli doctor` finds: versions, devices, folders, and advice where needed."""
    from sdcli.cli import doctor
    from sdcli.engine import device

    return doctor.findings(device.report())
