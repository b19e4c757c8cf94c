"""A sweep: every variation drawn, put on sheets and a page, told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.engine.door import open_session
from sdcli.errors import PartFailed, SdcliError
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.reproduce.command_line import command_for_plan
from sdcli.reproduce.command_line import command_for_study as again
from sdcli.studies.html_page import render_page
from sdcli.studies.progress import StudyProgress
from sdcli.studies.sweep import page as pages
from sdcli.studies.sweep.page import SweepResult, SweptPicture
from sdcli.studies.sweep.plan import PlannedCell, Sweep


def draw_sweep(asked: Sweep, manner: perform.OutputMode) -> None:
    """Draw every variation, and leave a folder with the pictures, the sheets and the page."""
    if manner.dry_run:
        heads = [axis.name for axis in asked.axes]
        cells = [(cell.values, cell.plan) for cell in asked.cells]
        perform.print_study_plan(asked.plan, heads, cells, manner)
        return
    plan = asked.plan
    folder = study.folder(plan.output, "sweep", plan)
    talk = console.Console(quiet=manner.quiet)
    swept = SweepResult(plan, asked.axes)
    with talk.live():
        facts = _drawn(asked.cells, swept, folder, talk, manner)
    words = again("sweep", plan, asked.words, [f"--{axis.name}" for axis in asked.axes])
    made = [folder.text(render_page(pages.sweep_page(swept, words)), "report.html")]
    for place, one in enumerate(pages.sweep_sheets(swept), start=1):
        name = "sheet.png" if place == 1 else f"sheet-{place}.png"
        made.append(folder.image(sheet.drawn(one), name))
    made.append(folder.results({"sdcli": __version__, "command": words, "pictures": facts}))
    perform.print_files(made, manner)
    failed = [one for one in swept.drawn.values() if one.image is None]
    if failed:
        raise PartFailed(
            f"{len(failed)} of {len(swept.drawn)} pictures could not be drawn: {failed[0].why}",
            hint=f"the others are in {folder.path}",
        )


def _drawn(
    cells: Sequence[PlannedCell],
    swept: SweepResult,
    folder: study.Folder,
    talk: console.Console,
    manner: perform.OutputMode,
) -> list[dict[str, Any]]:
    """Every variation's picture, each on disk before the next; those of one model in a row."""
    names = [axis.name for axis in swept.axes]
    models = list(dict.fromkeys((cell.plan.model, cell.plan.vae) for cell in cells))
    order = sorted(cells, key=lambda cell: models.index((cell.plan.model, cell.plan.vae)))
    progress = StudyProgress([cell.plan for cell in order], talk)
    talk.on_stage("loading torch")
    session = open_session()
    found: dict[tuple[str, ...], SweptPicture] = {}
    facts: list[dict[str, Any]] = []
    for place, cell in enumerate(order, start=1):
        told = ", ".join(f"{n}={v}" for n, v in zip(names, cell.values, strict=True))
        try:
            (picture,) = session.run(cell.plan, talk)
        except SdcliError as error:
            talk.on_note(f"{told}: {error.fact}")
            found[cell.values] = SweptPicture(cell.plan, None, why=error.fact)
            continue
        seconds = picture.made.seconds
        progress.picture_done(cell.plan, seconds)
        path = folder.picture(picture, f"{place:0{len(str(len(order)))}}-{told}")
        found[cell.values] = SweptPicture(cell.plan, picture.image, seconds)
        data = dict(zip(names, cell.values, strict=True))
        facts.append(
            {
                "path": path.relative_to(folder.path).as_posix(),
                "values": data,
                "seconds": seconds,
                "command": command_for_plan(cell.plan),
                "plan": codec.to_data(cell.plan),
            }
        )
        if manner.json:
            console.print_record({**perform.picture_record(picture, path), "values": data})
    swept.drawn.update({cell.values: found[cell.values] for cell in cells})
    return facts
