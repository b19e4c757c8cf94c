"""The commands that show how it works: schedulers compared, sweeps, the denoising made visible."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import (
    plan_request,
    print_files,
    print_picture,
    print_plans,
    print_study_plan,
)
from sdcli.engine import door
from sdcli.errors import PartFailed
from sdcli.events import Listener
from sdcli.options.table import with_start_picture
from sdcli.outputs import study_folder
from sdcli.plan import Plan
from sdcli.request import Draw, Redraw, Repaint
from sdcli.studies.compare.plan import Lineup, plan_lineup
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.sweep.page import SweepResult
from sdcli.studies.sweep.plan import Sweep, plan_sweep
from sdcli.studies.trace.plan import TracePlan, plan_trace
from sdcli.studies.unfinished import OpenStudy, open_study
from sdcli.text import count_of

if TYPE_CHECKING:
    from sdcli.engine.trace import TraceResult

FLAGS_OF_ONE_RUN = ("count", "batch", "keep-maps", "preview", "preview-vae")  # not of a study
USUAL = "ddim,euler,euler-a,heun,dpm++2m,dpm++2m-karras,unipc-karras,dpm++2m-sde-karras"

Schedulers = Annotated[
    str,
    typer.Option(
        "--schedulers",
        metavar="NAME,NAME... or all",
        help="Which to compare; `all` is every solver at its usual spacing.",
    ),
]
StepCounts = Annotated[
    str, typer.Option("--steps", metavar="N,N...", help="At how many steps: 10,20 or 10..50/10.")
]
Seeds = Annotated[
    int, typer.Option("--seeds", min=1, max=100, metavar="N", help="How many noises to try.")
]


Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="NAME=VALUE,VALUE...",
        help="An option's values (cfg=3,7.5 or cfg=1..15/2), or a word of the prompt and others in"
        " its place (red=red,blue); up to three: down, across, sheet by sheet.",
    ),
]


At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="STEP,STEP...",
        help="Which steps to show, from 1.",
        show_default="evenly spaced",
    ),
]
Frames = Annotated[
    int, typer.Option("--frames", min=1, max=1000, metavar="N", help="How many steps to show.")
]
NoisedPicture = Annotated[
    Path | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="Show this picture drown in noise instead, and what the model sees in it.",
        show_default=False,
    ),
]
Attention = Annotated[
    bool, typer.Option("--attention", help="Where in the picture each word was attended to.")
]
CfgSplit = Annotated[
    bool,
    typer.Option("--cfg-split", help="What the prompt and what the empty prompt wanted."),
]


@spread_options(Draw, without={"scheduler", *FLAGS_OF_ONE_RUN})
def compare_schedulers(
    options: DrawingOptions,
    schedulers: Schedulers = USUAL,
    steps: StepCounts = "10,20,30,50",
    seeds: Seeds = 3,
) -> None:
    """The same noise under several schedulers, measured.

    It makes a sheet, a chart, a table and a verdict.
    """
    resolve = partial(plan_request, mode=options.mode)
    lineup = plan_lineup(options.request(), schedulers, steps, seeds, resolve)
    if options.mode.dry_run:
        plans = [((one.scheduler, str(one.steps), str(one.seed)), one) for one in lineup.plans]
        print_study_plan(lineup.plans[0], ("scheduler", "steps", "seed"), plans, options.mode)
    else:
        _compare(lineup, options.mode)


@spread_options(Draw, Redraw, Repaint, without=FLAGS_OF_ONE_RUN)
def sweep(options: DrawingOptions, vary: Vary) -> None:
    """A labelled sheet over up to three options.

    Words of the prompt can be varied, too.
    """
    resolve = partial(plan_request, mode=options.mode)
    planned = plan_sweep(options.request(), vary, resolve)
    if options.mode.dry_run:
        cells = [(cell.values, cell.plan) for cell in planned.cells]
        print_study_plan(planned.plan, [one.name for one in planned.axes], cells, options.mode)
    else:
        _sweep(planned, options.mode)


@spread_options(Draw, without=FLAGS_OF_ONE_RUN)
def trace(
    options: DrawingOptions,
    image: NoisedPicture = None,
    at: At = None,
    frames: Frames = 8,
    attention: Attention = False,
    cfg_split: CfgSplit = False,
) -> None:
    """The denoising, as a film strip and an animation.

    With `--image`, a picture's way into the noise.
    """
    request = with_start_picture(options.request(), image)
    resolve = partial(plan_request, mode=options.mode)
    planned = plan_trace(request, at, frames, resolve, split=cfg_split, attention=attention)
    if options.mode.dry_run:
        print_plans([planned.plan], options.mode)
    else:
        _trace(planned, options.mode)


# What draws is imported where it draws: it needs numpy and templates, and a help text needs neither.


@contextmanager
def _open_study(
    kind: str, plans: Sequence[Plan], talk: console.Console, *, random_seed: bool
) -> Generator[OpenStudy]:
    """The study's folder, to draw into; what is kept of a study that is stopped is said."""
    study = open_study(kind, plans, random_seed=random_seed)
    if study.finished_count:
        kept = count_of(study.finished_count, "picture")
        talk.on_note(f"going on in {study.folder.path}: {kept} finished before")
    finished = False
    try:
        with talk.live():
            yield study
        finished = True
    finally:
        study.close(finished=finished)
        if not finished and study.finished_count:
            kept = count_of(study.finished_count, "picture")
            talk.on_note(f"{kept} kept in {study.folder.path}: the same command goes on there")


def _compare(lineup: Lineup, mode: OutputMode) -> None:
    from sdcli.studies.compare.page import SHORT_COLUMNS, Comparison, comparison_texts
    from sdcli.studies.compare.run import draw_comparison, write_comparison
    from sdcli.studies.compare.statistics import judge

    talk = console.Console(quiet=mode.quiet)
    with _open_study("compare", lineup.plans, talk, random_seed=lineup.random_seed) as study:
        comparison = Comparison(lineup.with_seed(study.seed))
        progress = RunProgress(talk)
        talk.on_stage("loading torch")
        benchmark = door.open_benchmark(comparison.plan, progress)
        for one in draw_comparison(comparison, benchmark, study, progress):
            if mode.json:
                measured = study_folder.plain_value(one.numbers.record())
                console.print_record({**one.record, "measured": measured})
        references = [limit.about for limit in comparison.limits.values()]
        cells = comparison.cells()
        verdict = judge(cells, references)
        files = write_comparison(comparison, verdict, study.folder)
    talk.on_note(progress.summary(study.folder.path))
    talk.table(SHORT_COLUMNS, comparison_texts(cells))
    for text in verdict.lines:
        talk.on_note(text)
    print_files(files, mode)


def _sweep(planned: Sweep, mode: OutputMode) -> None:
    from sdcli.studies.sweep.run import draw_sweep, write_sweep

    talk = console.Console(quiet=mode.quiet)
    plans = [planned.plan, *(cell.plan for cell in planned.cells)]
    with _open_study("sweep", plans, talk, random_seed=planned.random_seed) as study:
        result = SweepResult(planned.with_seed(study.seed) if planned.random_seed else planned)
        progress = RunProgress(talk)
        talk.on_stage("loading torch")
        with door.open_session() as session:
            for one in draw_sweep(result, session, study, progress):
                if mode.json and one.image is not None:
                    values = result.named_values(one.values)
                    console.print_record({**one.record, "values": values})
        files = write_sweep(result, study.folder)
    talk.on_note(progress.summary(study.folder.path))
    print_files(files, mode)
    if failed := [one for one in result.in_order() if one.image is None]:
        raise PartFailed(
            f"{len(failed)} of {len(planned.cells)} pictures could not be drawn: {failed[0].why}",
            hint=f"the others are in {study.folder.path}",
        )


def _run_trace(planned: TracePlan, listener: Listener) -> TraceResult:
    """What is seen on the way of a drawing, or of a picture into the noise."""
    if planned.forward:
        return door.trace_noising(planned.plan, listener, planned.at)
    return door.trace_drawing(
        planned.plan, listener, planned.at, split=planned.split, attention=planned.attention
    )


def _trace(planned: TracePlan, mode: OutputMode) -> None:
    from sdcli.studies.trace.run import tell_story, write_trace

    folder = study_folder.open_study_folder(planned.plan.output, "trace", planned.plan)
    talk = console.Console(quiet=mode.quiet)
    progress = RunProgress(talk)
    with talk.live():
        if not planned.forward:
            drawing = Drawing(planned.plan)
            progress.expect([drawing])
            progress.on_note(progress.announcement())
            progress.begin(drawing)
        talk.on_stage("loading torch")
        traced = _run_trace(planned, progress)
    if traced.picture is not None:
        progress.finish(traced.picture.provenance.seconds)
        talk.on_note(progress.summary(folder.path))
        print_picture(traced.picture, folder.picture(traced.picture, "picture"), mode)
    print_files(write_trace(tell_story(planned, traced), folder), mode)
