"""Ways to be faster compared: every picture drawn, saved and measured; then the files of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.images.contact_sheet import draw_contact_sheet as draw_sheet
from sdcli.measures.captions import builtin_captions, shows_caption
from sdcli.measures.grey_levels import grey_levels
from sdcli.measures.psnr import psnr
from sdcli.measures.ssim import ssim
from sdcli.metadata import codec
from sdcli.outputs.records import picture_record
from sdcli.outputs.study_folder import StudyFolder
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan, command_for_study
from sdcli.studies.compare_fast.numbers import MeasuredPicture
from sdcli.studies.compare_fast.page import FastComparison, FastPicture, fast_page, fast_sheet
from sdcli.studies.compare_fast.plan import EXACT, FastRow
from sdcli.studies.html_page import render_page
from sdcli.studies.judged_page import judged_record
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.time_estimate import count_evaluations
from sdcli.studies.unfinished import OpenStudy

if TYPE_CHECKING:
    from sdcli.engine.door import SessionLike
    from sdcli.measures.judges import JudgeLike

WARM_UP_STEPS = 4  # weights are reordered at the fourth, models converted at the first


def draw_fast_comparison(
    comparison: FastComparison,
    session: SessionLike,
    study: OpenStudy,
    progress: RunProgress,
    judge: JudgeLike | None = None,
) -> Iterator[FastPicture]:
    """Draw, save and measure every picture of the line-up that the study lacks, way by way, and the
    exact ones once more at the end: their times tell whether the machine kept its pace. The judge
    looks at what is drawn from captions, if there are any."""
    rows = comparison.lineup.rows
    due = [row for row in rows if any(_is_due(row, plan, study) for plan in row.plans)]
    again = [_again(plan) for plan in rows[0].plans] if due else []
    drawings = [_drawing(row, p) for row in due for p in row.plans if _is_due(row, p, study)]
    captions = [_captions(row, comparison.lineup.captions) for row in rows if judge is not None]
    progress.expect([*map(_warm_up, due), *drawings, *captions, *again])
    progress.on_note(progress.announcement())
    for row in rows:
        try:
            yield from _draw_row(row, comparison, session, study, progress)
        except SdcliError as error:
            if row.name == EXACT:
                raise
            progress.finish(failed=True)
            comparison.failed[row.name] = error.fact
            progress.on_note(f"{row.name}: {error.fact}")
        else:
            if judge is not None:
                comparison.obeyed[row.name] = _count_shown(
                    row, judge, comparison, session, progress
                )
    for drawing in again:
        progress.begin(drawing)
        (picture,) = session.run(drawing.plan, progress)
        progress.finish()
        comparison.exact_again[drawing.plan.seed] = picture.provenance.seconds


def _count_shown(
    row: FastRow,
    judge: JudgeLike,
    comparison: FastComparison,
    session: SessionLike,
    progress: RunProgress,
) -> int:
    """How many pictures that a way draws from captions show what was asked for."""
    count, shown = comparison.lineup.captions, 0
    progress.begin(_captions(row, count))
    for seed, caption in enumerate(builtin_captions()[:count]):
        plan = replace(row.plans[0], prompt=caption, seed=seed)
        (picture,) = session.run(plan, progress)
        shown += shows_caption(judge, picture.image, caption)
    progress.finish()
    return shown


def _draw_row(
    row: FastRow,
    comparison: FastComparison,
    session: SessionLike,
    study: OpenStudy,
    progress: RunProgress,
) -> Iterator[FastPicture]:
    """One way's pictures, after some steps for nothing, so that the first is not the slowest."""
    if any(_is_due(row, plan, study) for plan in row.plans):
        warm_up = _warm_up(row)
        progress.begin(warm_up)
        for _ in session.run(warm_up.plan, progress):
            pass
        progress.finish()
    for plan in row.plans:
        facts = study.find(_name(row, plan))
        if facts is None:
            drawn = _draw(row, plan, comparison, session, study, progress)
        else:
            drawn = _recall(plan, facts, study)
        drawn = replace(drawn, judged=comparison.judged.measure((row.name,), plan, drawn.image))
        comparison.pictures[row.name, plan.seed] = drawn
        yield drawn


def _draw(
    row: FastRow,
    plan: Plan,
    comparison: FastComparison,
    session: SessionLike,
    study: OpenStudy,
    progress: RunProgress,
) -> FastPicture:
    """A picture drawn, measured, saved, and written down for a study that goes on later."""
    progress.begin(_drawing(row, plan))
    (picture,) = session.run(plan, progress)
    progress.finish()
    exact = picture.image if row.name == EXACT else comparison.pictures[EXACT, plan.seed].image
    numbers = MeasuredPicture(
        way=row.name,
        seed=plan.seed,
        seconds=picture.provenance.seconds,
        grey_levels=grey_levels(picture.image, exact),
        psnr=psnr(picture.image, exact),
        ssim=ssim(picture.image, exact),
    )
    path = study.folder.picture(picture, _name(row, plan))
    record = picture_record(picture, path)
    facts = {"numbers": asdict(numbers), "record": record}
    study.remember(_name(row, plan), path, facts)
    return FastPicture(picture.image, plan, numbers, path, record)


def _recall(plan: Plan, facts: Mapping[str, Any], study: OpenStudy) -> FastPicture:
    """A picture that was drawn before the study was interrupted."""
    path = study.path_of(facts)
    record = {**facts["record"], "path": str(path)}
    numbers = MeasuredPicture(**facts["numbers"])
    return FastPicture(study.read_image(facts), plan, numbers, path, record)


def _is_due(row: FastRow, plan: Plan, study: OpenStudy) -> bool:
    return study.find(_name(row, plan)) is None


def _name(row: FastRow, plan: Plan) -> str:
    """The name of a picture's file."""
    return f"{row.name}-{plan.seed}"


def _drawing(row: FastRow, plan: Plan) -> Drawing:
    return Drawing(plan, f"{row.name}, seed {plan.seed}")


def _warm_up(row: FastRow) -> Drawing:
    plan = replace(row.plans[0], steps=min(row.plans[0].steps, WARM_UP_STEPS))
    return Drawing(plan, f"{row.name}, warming up", besides=count_evaluations(plan))


def _captions(row: FastRow, count: int) -> Drawing:
    title = f"{row.name}, {count} captions"
    return Drawing(row.plans[0], title, besides=count * count_evaluations(row.plans[0]))


def _again(plan: Plan) -> Drawing:
    title = f"{EXACT} once more, seed {plan.seed}"
    return Drawing(plan, title, besides=count_evaluations(plan))


def write_fast_comparison(
    comparison: FastComparison, verdict: Sequence[str], folder: StudyFolder
) -> list[Path]:
    """The page, the sheets and the numbers of a comparison that is drawn."""
    lineup = comparison.lineup
    exact = lineup.rows[0].plans[0]
    command = command_for_study(
        "compare-fast",
        exact,
        (*lineup.words, *comparison.judged.words),
        ("--fast", "--backend"),
    )
    page = fast_page(comparison, verdict, command)
    files = [folder.text(render_page(page), "report.html")]
    for place, seed in enumerate(lineup.seeds):
        name = "sheet.png" if place == 0 else f"sheet-seed-{seed}.png"
        files.append(folder.image(draw_sheet(fast_sheet(comparison, seed)), name))
    results = {
        "sdcli": __version__,
        "command": command,
        "plan": codec.to_data(exact),
        "ways": [way.record() for way in comparison.ways()],
        "not compared": comparison.left_out(),
        "exact once more, seconds": comparison.exact_again,
        "pictures": [
            {
                **asdict(one.numbers),
                **one.judged,
                "command": command_for_plan(one.plan),
                "path": one.path.relative_to(folder.path).as_posix(),
            }
            for one in comparison.pictures.values()
        ],
        "verdict": verdict,
        **judged_record(comparison.judged, lambda cell: {"way": cell[0]}),
    }
    return [*files, folder.results(results)]
