"""Plans drawn, saved and told, each picture before the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sdcli.cli import console
from sdcli.cli.first_run import first_greeting
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.plan_table import PLAN_COLUMNS, plan_rows
from sdcli.engine import door
from sdcli.events import Listener, Listeners
from sdcli.metadata import codec
from sdcli.outputs.live_preview import PreviewFile
from sdcli.outputs.records import picture_record
from sdcli.outputs.save import (
    Destination,
    find_destination,
    prepare_destination,
    save_maps,
    save_picture,
)
from sdcli.outputs.saving import save_each
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.few_step import plan_notes
from sdcli.planning.lora_jobs import Extraction, Merge
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.request import Request
from sdcli.server import warm
from sdcli.studies.progress import Drawing, RunProgress


def draw_request(request: Request, mode: OutputMode) -> None:
    """Plan a request and draw it, or say what would be done."""
    draw_plans(plan_request(request, mode), manner=mode)


def plan_request(request: Request, mode: OutputMode) -> Plan:
    """The plan of a request. Where something will be drawn, the engine is imported beside the
    hashing of the files, once nothing is left that could be refused."""
    draft = draft_plan(request)
    if not (mode.dry_run or warm.may_be_warm(mode.warm)):
        door.preload()
    return hash_files(draft)


def draw_plans(*plans: Plan, manner: OutputMode) -> None:
    """Draw the plans' pictures and save each before the next, or say what would be done."""
    if manner.dry_run:
        print_plans(plans, manner)
        return
    places = [find_destination(plan.output, plan.count) for plan in plans]
    for plan, place in zip(plans, places, strict=True):
        prepare_destination(place, plan)
    talk = console.Console(quiet=manner.quiet)
    for line in filter(None, map(first_greeting, plans)):
        talk.on_note(line)
    progress = RunProgress(talk)
    progress.expect([Drawing(plan) for plan in plans])
    with talk.live(), warm.choose_session(manner.warm, talk) as session:
        for plan, place in zip(plans, places, strict=True):
            progress.begin(Drawing(plan))
            _kept(session.run(plan, _with_preview(plan, progress)), place, manner)
            progress.finish()
    talk.on_note(progress.summary(places[0].path(plans[0], 0).parent))


def print_plans(plans: Iterable[Plan], manner: OutputMode) -> None:
    """What would be done: a table for each plan or, for programs, a plan a line. What drawing would
    remark on is remarked on here too."""
    talk = console.Console(quiet=manner.quiet)
    remarks: set[str] = set()
    for plan in plans:
        for note in plan_notes(plan):
            if note not in remarks:
                talk.on_note(note)
            remarks.add(note)
        if manner.json:
            console.print_record(codec.to_data(plan) | {"from": dict(plan.sources)})
        else:
            console.print_table(PLAN_COLUMNS, [*plan_rows(plan)])


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


def _kept(pictures: Iterable[Picture], place: Destination, manner: OutputMode) -> None:
    def save(picture: Picture) -> Path:
        path = save_picture(picture, place)
        if picture.plan.output.keep_maps:
            save_maps(picture, path, place)
        return path

    for picture, path in save_each(pictures, save):
        print_picture(picture, path, manner)


def _with_preview(plan: Plan, listener: Listener) -> Listener:
    """The listener, and the preview file where the plan asks for one."""
    path = plan.output.preview
    return listener if path is None else Listeners(listener, PreviewFile(path))


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


def run_lora_job(job: Merge | Extraction, manner: OutputMode) -> None:
    """Write the file that a merge or an extraction makes, and name it."""
    talk = console.Console(quiet=manner.quiet)
    with talk.live():
        talk.on_stage("loading torch")
        door.write_lora_job(job, talk)
    console.print_result(str(job.out))


def examine_machine() -> list[tuple[str, str]]:
    """What `sdcli doctor` finds: versions, devices, folders, and advice where needed."""
    from sdcli.cli import doctor

    return doctor.findings(door.report_device())
