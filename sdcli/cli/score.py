"""How good finished pictures are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdcli.cli import console, options
from sdcli.cli.measure_options import Measures, With
from sdcli.engine import door
from sdcli.errors import PartFailed

if TYPE_CHECKING:
    from sdcli.measures.judges import JudgeLike
    from sdcli.measures.panel import Panel
    from sdcli.score.plan import ScoreJob
    from sdcli.score.run import ScoredPicture, ScoreRun, SkippedPicture

Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        metavar="TEXT",
        help="What they should show.",
        show_default="what each picture carries",
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="PICTURE or FOLDER",
        help="A picture to hold each against (psnr, ssim), or a folder (cmmd, kid).",
        show_default=False,
    ),
]


def score(
    pictures: options.Pictures,
    prompt: Prompt = None,
    with_: With = None,
    measure: Measures = None,
    against: Against = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say how good pictures are.

    How well each fits its words, and more; a damaged one is named and left out.
    """
    from sdcli.score.plan import plan_score  # which needs numpy

    job = plan_score(pictures, prompt=prompt, judges=with_ or (), measures=measure, against=against)
    talk = console.Console(quiet=quiet)
    with talk.live():
        skipped = _score(job, device or "auto", json, talk)
    if job.is_of_one and skipped:
        raise skipped[0].error
    for one in skipped:
        console.print_error(one.error)
    if skipped:
        raise PartFailed(
            f"{len(skipped)} of {len(job.paths)} pictures could not be scored",
            hint="why, is said above for each; the others are scored",
        )


def _score(job: ScoreJob, device: str, json: bool, talk: console.Console) -> list[SkippedPicture]:
    """Score and tell every picture; those that could not be."""
    from sdcli.score.run import ScoredPicture, ScoreRun, score_pictures
    from sdcli.score.summary import ScoreSummary, score_heads

    panel = job.panel
    skipped: list[SkippedPicture] = []
    if panel.asked:
        talk.on_stage("loading torch")
    judge = door.open_judges(panel.judges, panel.asked, device) if panel.asked else None
    summary, run = ScoreSummary(panel), ScoreRun()
    if panel.measures and not json:
        console.print_result("  ".join([*score_heads(panel), "picture"]))
    for one in score_pictures(job.paths, panel, judge, job.question, run):
        talk.on_progress(summary.count + len(skipped) + 1, len(job.paths))
        if isinstance(one, ScoredPicture):
            summary.add(one)
            _tell(one, panel, json, talk)
        else:
            skipped.append(one)
    _tell_sets(job, run, judge, json)
    for line in summary.lines():
        talk.on_note(line)
    return skipped


def _tell_sets(job: ScoreJob, run: ScoreRun, judge: JudgeLike | None, json: bool) -> None:
    from sdcli.score.run import score_sets
    from sdcli.score.summary import set_lines, set_record

    values, counts = score_sets(job.others, job.panel, judge, run)
    if values and json:
        console.print_record(set_record(values, counts, job.panel))
    elif values:
        for line in set_lines(values, counts, job.panel):
            console.print_result(line)


def _tell(one: ScoredPicture, panel: Panel, json: bool, talk: console.Console) -> None:
    from sdcli.score.summary import score_cells, score_record

    if json:
        console.print_record(score_record(one, panel))
    elif panel.measures:
        line = "  ".join([*score_cells(panel, one.values), str(one.path)])
        console.print_result(console.escape_controls(line))
    if one.unread:
        talk.on_note(f"{one.path.name}: its prompt is cut before `{one.unread[:60]}`")
