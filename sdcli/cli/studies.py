"""The commands that draw a picture many ways: schedulers and ways to be faster compared, sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import plan_measures, spread_measures
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import (
    plan_request,
    print_files,
    print_study_plan,
)
from sdcli.cli.study_to_draw import FLAGS_OF_ONE_RUN, study_to_draw
from sdcli.engine import door
from sdcli.errors import PartFailed
from sdcli.outputs import study_folder
from sdcli.planning.resolve import with_random_seed
from sdcli.request import Draw, Outpaint, Redraw, Repaint
from sdcli.server import warm
from sdcli.studies.compare.plan import Lineup, plan_lineup
from sdcli.studies.compare_fast.plan import EVERY, FastLineup, plan_fast_lineup
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.progress import RunProgress
from sdcli.studies.sweep.plan import Sweep, plan_sweep
from sdcli.studies.unfinished import PlansOfSeed

if TYPE_CHECKING:
    from sdcli.measures.panel import Panel

USUAL = "ddim,euler,euler-a,heun,dpm++2m,dpm++2m-karras,unipc-karras,dpm++2m-sde-karras"
MEASURED_ANYWAY = ("psnr", "ssim")  # against the converged picture, or the exact one

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
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="NAME=VALUE,VALUE...",
        help="An option's values (cfg=3,7.5 or cfg=1..15/2), or a word of the prompt and others in"
        " its place (red=red,blue); up to three: down, across, sheet by sheet.",
        show_default=False,
    ),
]


@spread_options(Draw, without={"scheduler", *FLAGS_OF_ONE_RUN})
@spread_measures
def compare_schedulers(
    options: DrawingOptions,
    schedulers: Schedulers = USUAL,
    steps: StepCounts = "10,20,30,50",
    seeds: Seeds = 3,
    wish: JudgingWish = NO_WISH,
) -> None:
    """The same noise under several schedulers, measured.

    It makes a sheet, a chart, a table and a verdict.
    """
    resolve = partial(plan_request, mode=options.mode)
    request = options.request()
    lineup = plan_lineup(request, schedulers, steps, seeds, resolve)
    wish = wish.without(MEASURED_ANYWAY)
    panel = plan_measures(wish, lineup.plans, seeds)
    if options.mode.dry_run:
        plans = [((one.scheduler, str(one.steps), str(one.seed)), one) for one in lineup.plans]
        print_study_plan(lineup.plans[0], ("scheduler", "steps", "seed"), plans, options.mode)
    else:

        def again(seed: int) -> Lineup:
            asked = with_random_seed(request, seed)
            return plan_lineup(asked, schedulers, steps, seeds, resolve)

        _compare(lineup, again, options.mode, panel, wish)


Ways = Annotated[
    str,
    typer.Option(
        "--ways",
        metavar="NAME,NAME... or all",
        help="Which ways: what `--fast` and `--backend` take, NAME+NAME for two at once; `all` is each"
        " that applies.",
    ),
]


Captions = Annotated[
    int,
    typer.Option(
        "--captions",
        min=0,
        max=300,
        metavar="N",
        help="Draw so many captions by each way too, and count those that their pictures show (0 to"
        " 300; of the built-in model).",
    ),
]


@spread_options(Draw, without={"fast", "backend", *FLAGS_OF_ONE_RUN})
@spread_measures
def compare_fast(
    options: DrawingOptions,
    ways: Ways = EVERY,
    seeds: Seeds = 3,
    captions: Captions = 0,
    wish: JudgingWish = NO_WISH,
) -> None:
    """The same noise by every way to be faster, measured.

    It makes a sheet, a table and a verdict: seconds, and how far each is from the exact picture.
    """
    resolve = partial(plan_request, mode=options.mode)
    request = options.request()
    lineup = plan_fast_lineup(request, ways, seeds, captions, resolve)
    wish = wish.without(MEASURED_ANYWAY)
    panel = plan_measures(wish, lineup.plans, seeds)
    if options.mode.dry_run:
        plans = [((row.name, str(one.seed)), one) for row in lineup.rows for one in row.plans]
        print_study_plan(lineup.plans[0], ("way", "seed"), plans, options.mode)
    else:

        def again(seed: int) -> FastLineup:
            asked = with_random_seed(request, seed)
            return plan_fast_lineup(asked, ways, seeds, captions, resolve)

        _compare_fast(lineup, again, options.mode, panel, wish)


SweepSeeds = Annotated[
    int,
    typer.Option(
        "--seeds", min=1, max=100, metavar="N", help="How many noises to try of each variation."
    ),
]


@spread_options(Draw, Redraw, Repaint, Outpaint, without=FLAGS_OF_ONE_RUN)
@spread_measures
def sweep(
    options: DrawingOptions,
    vary: Vary = None,
    seeds: SweepSeeds = 1,
    wish: JudgingWish = NO_WISH,
) -> None:
    """A labelled sheet over up to three options.

    Words of the prompt can be varied, too; with `--measure` the best variation is named.
    """
    resolve = partial(plan_request, mode=options.mode)
    request = options.request()
    planned = plan_sweep(request, vary or (), resolve, seeds)
    panel = plan_measures(wish, [cell.plan for cell in planned.cells], seeds)
    if options.mode.dry_run:
        cells = [(cell.values, cell.plan) for cell in planned.cells]
        print_study_plan(planned.plan, [one.name for one in planned.axes], cells, options.mode)
    else:

        def again(seed: int) -> Sweep:
            return plan_sweep(with_random_seed(request, seed), vary or (), resolve, seeds)

        _sweep(planned, again, options.mode, panel, wish)


# What draws is imported where it draws: it needs numpy and templates, and a help text needs neither.


def _compare(
    lineup: Lineup,
    again: Callable[[int], Lineup],
    mode: OutputMode,
    panel: Panel,
    wish: JudgingWish,
) -> None:
    from sdcli.server.remote_studies import open_benchmark
    from sdcli.studies.compare.page import Comparison, comparison_texts, short_columns
    from sdcli.studies.compare.run import draw_comparison, write_comparison
    from sdcli.studies.compare.statistics import judge
    from sdcli.studies.judged import open_judged
    from sdcli.studies.judged_page import judged_verdict

    talk = console.Console(quiet=mode.quiet)
    others: PlansOfSeed | None = (lambda seed: again(seed).plans) if lineup.random_seed else None
    with study_to_draw("compare", lineup.plans, talk, again=others) as study:
        judged = open_judged(panel, wish, door.open_judges)
        begun = lineup if study.seed == lineup.seeds[0] else again(study.seed)
        comparison = Comparison(begun, judged)
        progress = RunProgress(talk)
        with open_benchmark(mode.warm, comparison.plan, progress) as benchmark:
            for one in draw_comparison(comparison, benchmark, study, progress):
                if mode.json:
                    numbers = {**one.numbers.record(), **one.judged}
                    measured = study_folder.plain_value(numbers)
                    console.print_record({**one.record, "measured": measured})
        references = [limit.about for limit in comparison.limits.values()]
        cells = comparison.cells()
        verdict = judge(cells, references)
        files = write_comparison(comparison, verdict, study.folder)
    talk.on_note(progress.summary(study.folder.path))
    talk.table(short_columns(comparison), comparison_texts(comparison, cells))
    for text in (*verdict.lines, *judged_verdict(judged, ", ".join)):
        talk.on_note(text)
    print_files(files, mode)


def _compare_fast(
    lineup: FastLineup,
    again: Callable[[int], FastLineup],
    mode: OutputMode,
    panel: Panel,
    wish: JudgingWish,
) -> None:
    from sdcli.measures.judges import builtin_judges
    from sdcli.studies.compare_fast.numbers import judge_ways
    from sdcli.studies.compare_fast.page import FastComparison, fast_texts, short_columns
    from sdcli.studies.compare_fast.run import draw_fast_comparison, write_fast_comparison
    from sdcli.studies.judged import open_judged
    from sdcli.studies.judged_page import judged_verdict

    talk = console.Console(quiet=mode.quiet)
    for text in lineup.passed_over:
        talk.on_note(f"not compared: {text}")
    others: PlansOfSeed | None = (lambda seed: again(seed).plans) if lineup.random_seed else None
    with study_to_draw("fast", lineup.plans, talk, again=others) as study:
        judged = open_judged(panel, wish, door.open_judges)
        begun = lineup if study.seed == lineup.seeds[0] else again(study.seed)
        comparison = FastComparison(begun, judged)
        progress = RunProgress(talk)
        box = builtin_judges()
        judge = door.open_judges(box, box.names) if lineup.captions else None
        with warm.choose_session(mode.warm, talk) as session:
            for one in draw_fast_comparison(comparison, session, study, progress, judge):
                if mode.json:
                    measured = study_folder.plain_value({**asdict(one.numbers), **one.judged})
                    console.print_record({**one.record, "measured": measured})
        ways = comparison.ways()
        verdict = judge_ways(ways[1:], *comparison.pace())
        files = write_fast_comparison(comparison, verdict, study.folder)
    talk.on_note(progress.summary(study.folder.path))
    talk.table(short_columns(comparison), fast_texts(comparison, ways))
    for text in (*verdict, *judged_verdict(judged, ", ".join)):
        talk.on_note(text)
    print_files(files, mode)


def _sweep(
    planned: Sweep, again: Callable[[int], Sweep], mode: OutputMode, panel: Panel, wish: JudgingWish
) -> None:
    from sdcli.studies.judged import open_judged
    from sdcli.studies.judged_page import judged_verdict
    from sdcli.studies.sweep.page import SweepResult
    from sdcli.studies.sweep.run import draw_sweep, write_sweep

    talk = console.Console(quiet=mode.quiet)
    others: PlansOfSeed | None = (lambda seed: again(seed).plans) if planned.random_seed else None
    with study_to_draw("sweep", planned.plans, talk, again=others) as study:
        judged = open_judged(panel, wish, door.open_judges)
        begun = planned if study.seed == planned.plan.seed else again(study.seed)
        result = SweepResult(begun, judged)
        progress = RunProgress(talk)
        with warm.choose_session(mode.warm, talk) as session:
            for one in draw_sweep(result, session, study, progress):
                if mode.json and one.image is not None:
                    facts = {"values": result.named_values(one.values)}
                    if one.measured:
                        facts["measured"] = study_folder.plain_value(one.measured)
                    console.print_record({**one.record, **facts})
        files = write_sweep(result, study.folder)
    talk.on_note(progress.summary(study.folder.path))
    for text in judged_verdict(result.judged, result.name_cell):
        talk.on_note(text)
    print_files(files, mode)
    if failed := [one for one in result.in_order() if one.image is None]:
        raise PartFailed(
            f"{len(failed)} of {len(planned.cells)} pictures could not be drawn: {failed[0].why}",
            hint=f"the others are in {study.folder.path}",
        )
