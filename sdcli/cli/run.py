"""Plans drawn, saved and told, each picture before the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdcli.cli import console
from sdcli.cli.first_run import first_greeting
from sdcli.cli.measure_options import plan_measures
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
from sdcli.outputs.study_folder import plain_value
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.few_step import plan_notes
from sdcli.planning.lora_jobs import Extraction, Merge
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.request import Request
from sdcli.server import warm
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.progress import Drawing, RunProgress

if TYPE_CHECKING:
    from sdcli.measures.table import Values
    from sdcli.studies.judged import JudgedStudy, Key


def draw_request(
    request: Request, mode: OutputMode, wish: JudgingWish = NO_WISH, keep_best: int | None = None
) -> None:
    """Plan a request and draw it, or say what would be done; measure it, if that is wished."""
    plan = plan_request(request, mode)
    if wish == NO_WISH and keep_best is None:
        draw_plan(plan, mode)
        return
    from sdcli.studies.judged import open_judged  # which needs numpy
    from sdcli.studies.keep_best import check_keep_best

    panel = plan_measures(wish, [plan], plan.count)
    if keep_best is not None:
        check_keep_best(keep_best, plan, panel)
    judged = None if mode.dry_run else open_judged(panel, wish, door.open_judges)
    draw_plan(plan, mode, judged, keep_best)


def plan_request(request: Request, mode: OutputMode) -> Plan:
    """The plan of a request. Where something will be drawn, the engine is imported beside the
    hashing of the files, once nothing is left that could be refused."""
    draft = draft_plan(request)
    if not (mode.dry_run or warm.may_be_warm(mode.warm)):
        door.preload()
    return hash_files(draft)


def draw_plan(
    plan: Plan,
    manner: OutputMode,
    judged: JudgedStudy | None = None,
    keep_best: int | None = None,
) -> None:
    """Draw the plan's pictures and save each before the next, or say what would be done."""
    if manner.dry_run:
        print_plans([plan], manner)
        return
    place = find_destination(plan.output, plan.count)
    prepare_destination(place, plan)
    talk = console.Console(quiet=manner.quiet)
    if line := first_greeting(plan):
        talk.on_note(line)
    progress = RunProgress(talk)
    progress.expect([Drawing(plan)])
    with talk.live(), warm.choose_session(manner.warm, talk) as session:
        progress.begin(Drawing(plan))
        pictures = session.run(plan, _with_preview(plan, progress))
        if judged is None:
            _kept(pictures, place, manner)
        else:
            _judge_pictures(pictures, place, manner, judged, keep_best, talk)
        progress.finish()
    talk.on_note(progress.summary(place.path(plan, 0).parent))


def _judge_pictures(
    pictures: Iterable[Picture],
    place: Destination,
    manner: OutputMode,
    judged: JudgedStudy,
    keep_best: int | None,
    talk: console.Console,
) -> None:
    """Save and measure each picture; tell it, or at the end those that are kept."""
    from sdcli.studies.keep_best import BestPictures, KeptPicture

    best = None if keep_best is None else BestPictures(judged.panel, keep_best)
    for picture, path in save_each(pictures, lambda one: _save(one, place)):
        measured = judged.measure((), picture.plan, picture.image)
        if best is None:
            print_picture(picture, path, manner, measured)
            talk.on_note(describe_measured(judged, picture.plan, path))
        else:
            best.offer(KeptPicture(picture, path, measured))
    for one in best.kept if best else ():
        print_picture(one.picture, one.path, manner, one.measured)
        talk.on_note(describe_measured(judged, one.picture.plan, one.path))
    for line in judged.panel.judges.describe():
        talk.on_note(line)


def describe_measured(judged: JudgedStudy, plan: Plan, path: Path, cell: Key = ()) -> str:
    """What was measured of a picture, in a line."""
    from sdcli.studies.judged_page import judged_caption

    return f"{path.name}: {judged_caption(judged, cell, plan.seed) or 'nothing could be measured'}"


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
    for picture, path in save_each(pictures, lambda one: _save(one, place)):
        print_picture(picture, path, manner)


def _save(picture: Picture, place: Destination) -> Path:
    """The picture on disk, and its maps where they are wanted."""
    path = save_picture(picture, place)
    if picture.plan.output.keep_maps:
        save_maps(picture, path, place)
    return path


def _with_preview(plan: Plan, listener: Listener) -> Listener:
    """The listener, and the preview file where the plan asks for one."""
    path = plan.output.preview
    return listener if path is None else Listeners(listener, PreviewFile(path))


def print_picture(
    picture: Picture, path: Path, manner: OutputMode, measured: Values | None = None
) -> None:
    """A line on stdout for one finished picture, with what was measured of it."""
    if manner.json:
        more = {"measured": plain_value(measured)} if measured else {}
        console.print_record({**picture_record(picture, path), **more})
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
