"""A plan is performed: drawn, saved, told. The one door to the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcli.cli import console
from sdcli.cli import plan_table as rehearsal
from sdcli.cli.first_run import first_greeting
from sdcli.engine import door
from sdcli.events import Listener, Listeners
from sdcli.metadata import codec
from sdcli.outputs import save as outputs
from sdcli.outputs.live_preview import PreviewFile
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.lora_jobs import Extraction, Merge


@dataclass(frozen=True)
class OutputMode:
    """How a run talks: paths or JSON on stdout, much or nothing on stderr, or only the plan."""

    json: bool = False
    dry_run: bool = False
    quiet: bool = False

    def wake(self) -> None:
        """Where something will be drawn, begin importing the engine beside whatever comes next."""
        if not self.dry_run:
            door.preload()


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
        talk.on_note(line)
    with talk.live():
        talk.on_stage("loading torch")
        with door.open_session() as session:
            for plan, place in zip(plans, places, strict=True):
                _kept(session.run(plan, _with_preview(plan, talk)), place, manner)


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


def picture_record(picture: Picture, path: Path) -> dict[str, Any]:
    """What `--json` says of a picture."""
    return {
        "path": str(path),
        "seed": picture.plan.seed,
        "index": picture.index,
        "seconds": picture.made.seconds,
        "device": picture.made.device,
        "dtype": picture.made.dtype,
        "events": list(picture.made.events),
        "plan": codec.to_data(picture.plan),
    }


def write_lora_job(job: Merge | Extraction, manner: OutputMode) -> None:
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
