"""A sweep: every variation drawn, put on sheets and a page, told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.errors import PartFailed, SdcliError
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.reproduce.command_line import command
from sdcli.reproduce.command_line import study as again
from sdcli.studies.html_page import html
from sdcli.studies.progress import Progress
from sdcli.studies.sweep import page as pages
from sdcli.studies.sweep.page import Drawn, Swept
from sdcli.studies.sweep.plan import Planned, Sweep


def sweep(asked: Sweep, manner: perform.Manner) -> None:
    """Draw every variation, and leave a folder with the pictures, the sheets and the page."""
    if manner.dry_run:
        heads = [axis.name for axis in asked.axes]
        cells = [(cell.values, cell.plan) for cell in asked.cells]
        perform.rehearse_study(asked.plan, heads, cells, manner)
        return
    plan = asked.plan
    folder = study.folder(plan.output, "sweep", plan)
    talk = console.Conversation(quiet=manner.quiet)
    swept = Swept(plan, asked.axes)
    with talk.live():
        facts = _drawn(asked.cells, swept, folder, talk, manner)
    words = again("sweep", plan, asked.words, [f"--{axis.name}" for axis in asked.axes])
    made = [folder.text(html(pages.page(swept, words)), "report.html")]
    for place, one in enumerate(pages.sheets(swept), start=1):
        name = "sheet.png" if place == 1 else f"sheet-{place}.png"
        made.append(folder.image(sheet.drawn(one), name))
    made.append(folder.results({"sdcli": __version__, "command": words, "pictures": facts}))
    perform.left(made, manner)
    failed = [one for one in swept.drawn.values() if one.image is None]
    if failed:
        raise PartFailed(
            f"{len(failed)} of {len(swept.drawn)} pictures could not be drawn: {failed[0].why}",
            hint=f"the others are in {folder.path}",
        )


def _drawn(
    cells: Sequence[Planned],
    swept: Swept,
    folder: study.Folder,
    talk: console.Conversation,
    manner: perform.Manner,
) -> list[dict[str, Any]]:
    """Every variation's picture, each on disk before the next; those of one model in a row."""
    names = [axis.name for axis in swept.axes]
    models = list(dict.fromkeys((cell.plan.model, cell.plan.vae) for cell in cells))
    order = sorted(cells, key=lambda cell: models.index((cell.plan.model, cell.plan.vae)))
    progress = Progress([cell.plan for cell in order], talk)
    talk.stage("waking torch")
    studio = perform.studio(talk)
    found: dict[tuple[str, ...], Drawn] = {}
    facts: list[dict[str, Any]] = []
    for place, cell in enumerate(order, start=1):
        told = ", ".join(f"{n}={v}" for n, v in zip(names, cell.values, strict=True))
        try:
            (picture,) = studio.draw(cell.plan)
        except SdcliError as error:
            talk.note(f"{told}: {error.fact}")
            found[cell.values] = Drawn(cell.plan, None, why=error.fact)
            continue
        seconds = picture.made.seconds
        progress.drawn(cell.plan, seconds)
        path = folder.picture(picture, f"{place:0{len(str(len(order)))}}-{told}")
        found[cell.values] = Drawn(cell.plan, picture.image, seconds)
        data = dict(zip(names, cell.values, strict=True))
        facts.append(
            {
                "path": path.relative_to(folder.path).as_posix(),
                "values": data,
                "seconds": seconds,
                "command": command(cell.plan),
                "plan": codec.to_data(cell.plan),
            }
        )
        if manner.json:
            console.record({**perform.told(picture, path), "values": data})
    swept.drawn.update({cell.values: found[cell.values] for cell in cells})
    return facts
