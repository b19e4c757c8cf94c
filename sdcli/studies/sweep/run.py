"""A sweep: every variation drawn and saved; then the files of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.images.contact_sheet import draw_contact_sheet as draw_sheet
from sdcli.metadata import codec
from sdcli.outputs.records import picture_record
from sdcli.outputs.study_folder import StudyFolder, plain_value
from sdcli.reproduce.command_line import command_for_plan, command_for_study
from sdcli.studies.html_page import render_page
from sdcli.studies.judged_page import judged_record
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.sweep.choices_axis import CHOICES
from sdcli.studies.sweep.page import SweepResult, SweptPicture, sweep_page, sweep_sheets
from sdcli.studies.sweep.plan import PlannedCell
from sdcli.studies.unfinished import OpenStudy

if TYPE_CHECKING:
    from sdcli.engine.door import SessionLike


@dataclass(frozen=True)
class _Task:
    """One variation to be drawn, and the name of its file."""

    cell: PlannedCell
    name: str
    drawing: Drawing


def draw_sweep(
    result: SweepResult, session: SessionLike, study: OpenStudy, progress: RunProgress
) -> Iterator[SweptPicture]:
    """Draw every variation of the result's sweep that the study lacks, each on disk before the
    next, those of one model in a row. One that cannot be drawn is yielded without a picture and
    with the reason."""
    tasks = _list_tasks(result)
    progress.expect([task.drawing for task in tasks if study.find(task.name) is None])
    progress.on_note(progress.announcement())
    for task in tasks:
        facts = study.find(task.name)
        swept = (
            _draw(task, session, study, progress)
            if facts is None
            else _recall(task.cell, study, facts)
        )
        if swept.image is not None:
            cell = result.judged_cell(swept)
            measured = result.judged.measure(cell, swept.plan, swept.image)
            swept = replace(swept, measured=measured)
        result.pictures[task.cell.values] = swept
        yield swept


def _list_tasks(result: SweepResult) -> list[_Task]:
    order = _by_model(result.sweep.cells)
    digits = len(str(len(order)))
    tasks: list[_Task] = []
    for place, cell in enumerate(order, start=1):
        title = ", ".join(f"{n}={v}" for n, v in result.named_values(cell.values).items())
        tasks.append(_Task(cell, f"{place:0{digits}}-{title}", Drawing(cell.plan, title)))
    return tasks


def _draw(
    task: _Task, session: SessionLike, study: OpenStudy, progress: RunProgress
) -> SweptPicture:
    """A variation drawn, saved and written down."""
    cell = task.cell
    progress.begin(task.drawing)
    try:
        (picture,) = session.run(cell.plan, progress)
    except SdcliError as error:
        progress.finish(failed=True)
        progress.on_note(f"{task.drawing.title}: {error.fact}")
        return SweptPicture(cell.values, cell.plan, None, why=error.fact)
    progress.finish()
    path, seconds = study.folder.picture(picture, task.name), picture.provenance.seconds
    record = picture_record(picture, path)
    study.remember(task.name, path, {"seconds": seconds, "record": record})
    return SweptPicture(cell.values, cell.plan, picture.image, path, seconds, record=record)


def _recall(cell: PlannedCell, study: OpenStudy, facts: Mapping[str, Any]) -> SweptPicture:
    """A variation that was drawn before the study was interrupted."""
    path = study.path_of(facts)
    record = {**facts["record"], "path": str(path)}
    image, seconds = study.read_image(facts), float(facts["seconds"])
    return SweptPicture(cell.values, cell.plan, image, path, seconds, record=record)


def write_sweep(result: SweepResult, folder: StudyFolder) -> list[Path]:
    """The page, the sheets and the numbers of a sweep that is drawn."""
    sweep = result.sweep
    varied = sweep.axes if sweep.seeds == 1 else sweep.axes[:-1]
    without = [f"--{axis.name}" for axis in varied]
    prompt = None
    if CHOICES in {axis.name for axis in varied}:  # whose words say the rest of the texts
        prompt, without = sweep.plan.template, [*without, "--negative"]
    words = (*sweep.words, *result.judged.words)
    command = command_for_study("sweep", sweep.plan, words, without, prompt)
    files = [folder.text(render_page(sweep_page(result, command)), "report.html")]
    for place, sheet in enumerate(sweep_sheets(result), start=1):
        name = "sheet.png" if place == 1 else f"sheet-{place}.png"
        files.append(folder.image(draw_sheet(sheet), name))
    pictures = [
        {
            "path": one.path.relative_to(folder.path).as_posix(),
            "values": result.named_values(one.values),
            "seconds": one.seconds,
            **({"measured": plain_value(one.measured)} if one.measured else {}),
            "command": command_for_plan(one.plan),
            "plan": codec.to_data(one.plan),
        }
        for one in result.pictures.values()
        if one.path is not None
    ]
    results = {
        "sdcli": __version__,
        "command": command,
        "pictures": pictures,
        **plain_value(judged_record(result.judged, result.named_cell)),
    }
    return [*files, folder.results(results)]


def _by_model(cells: Sequence[PlannedCell]) -> list[PlannedCell]:
    """The cells with those of one model in a row, so that each is loaded once."""
    models = list(dict.fromkeys((cell.plan.model, cell.plan.vae) for cell in cells))
    return sorted(cells, key=lambda cell: models.index((cell.plan.model, cell.plan.vae)))
