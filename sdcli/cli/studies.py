"""The commands that draw a picture many ways: schedulers and ways to be faster compared, sweeps."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import plan_measures, spread_measures
from sdcli.cli.run import plan_request, print_study_plan
from sdcli.cli.run_studies import run_comparison, run_fast_comparison, run_sweep
from sdcli.cli.study_to_draw import FLAGS_OF_ONE_RUN
from sdcli.planning.resolve import with_random_seed
from sdcli.request import Draw, Outpaint, Redraw, Repaint
from sdcli.studies.compare.plan import Lineup, plan_lineup
from sdcli.studies.compare_fast.plan import EVERY, FastLineup, plan_fast_lineup
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.sweep.plan import Sweep, plan_sweep

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

        run_comparison(lineup, again, options.mode, panel, wish)


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

        run_fast_comparison(lineup, again, options.mode, panel, wish)


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

        run_sweep(planned, again, options.mode, panel, wish)
