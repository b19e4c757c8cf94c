"""Studies that are planned, drawn and told: comparisons of schedulers and of ways to be faster, sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from sdcli.cli import console
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import print_files
from sdcli.cli.study_to_draw import study_to_draw
from sdcli.engine import door
from sdcli.errors import PartFailed
from sdcli.outputs import study_folder
from sdcli.server import warm
from sdcli.studies.compare.plan import Lineup
from sdcli.studies.compare_fast.plan import FastLineup
from sdcli.studies.judging_wish import JudgingWish
from sdcli.studies.progress import RunProgress
from sdcli.studies.sweep.plan import Sweep
from sdcli.studies.unfinished import PlansOfSeed

if TYPE_CHECKING:
    from sdcli.measures.panel import Panel

# What draws is imported where it draws: it needs numpy and templates, and a help text needs neither.


def run_comparison(
    lineup: Lineup,
    again: Callable[[int], Lineup],
    mode: OutputMode,
    panel: Panel,
    wish: JudgingWish,
) -> None:
    """Draw a comparison of schedulers, and tell it; `again` plans it with another seed."""

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


def run_fast_comparison(
    lineup: FastLineup,
    again: Callable[[int], FastLineup],
    mode: OutputMode,
    panel: Panel,
    wish: JudgingWish,
) -> None:
    """Draw a comparison of ways to be faster, and tell it; `again` plans it with another seed."""

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


def run_sweep(
    planned: Sweep, again: Callable[[int], Sweep], mode: OutputMode, panel: Panel, wish: JudgingWish
) -> None:
    """Draw a sweep, and tell it; `again` plans it with another seed."""

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
