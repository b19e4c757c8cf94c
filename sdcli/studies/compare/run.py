"""Schedulers compared: drawn, measured, put on a sheet and a page, told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.engine.door import open_benchmark
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.reproduce.command_line import command_for_plan
from sdcli.reproduce.command_line import command_for_study as again
from sdcli.studies.compare import page as pages
from sdcli.studies.compare.page import ComparedPicture, Comparison, ConvergedPicture
from sdcli.studies.compare.statistics import (
    ComparisonVerdict,
    MeasuredCell,
    has_limit,
    is_deterministic,
    judge,
    measure_cells,
)
from sdcli.studies.html_page import render_page
from sdcli.studies.progress import StudyProgress
from sdcli.studies.sweep.plan import Lineup

if TYPE_CHECKING:
    from sdcli.engine.benchmark import Benchmark, BenchmarkedPicture, ConvergedLatents

HEADS = (
    *("scheduler", "steps", "evals", "s", "s/step", "dist %", "RMSE", "PSNR", "SSIM", "spread %"),
    "deterministic",
)
FORMATS = ("", "d", "d", ".2f", ".3f", ".2f", ".4f", ".1f", ".4f", ".0f", "")


def draw_comparison(line: Lineup, manner: perform.OutputMode) -> None:
    """Draw the line-up's pictures, measure each, and leave a folder with all of it."""
    if manner.dry_run:
        heads = ("scheduler", "steps", "seed")
        plans = [((one.scheduler, str(one.steps), str(one.seed)), one) for one in line.plans]
        perform.print_study_plan(line.plans[0], heads, plans, manner)
        return
    plan = line.plans[0]
    folder = study.folder(plan.output, "compare", plan)
    talk = console.Console(quiet=manner.quiet)
    with talk.live():
        found = Comparison(plan, line.schedulers, line.steps, line.seeds)
        paths, cells = _drawn(line, found, folder, talk, manner)
    told = judge(cells, [limit.about for limit in found.limits.values()])
    talk.table(HEADS, map(_row, pages.comparison_rows(cells)))
    for text in told.lines:
        talk.on_note(text)
    words = again("compare-schedulers", plan, line.words, ("--scheduler", "--steps", "--eta"))
    _kept(folder, found, cells, told, paths, words, manner)


def _drawn(
    line: Lineup,
    found: Comparison,
    folder: study.Folder,
    talk: console.Console,
    manner: perform.OutputMode,
) -> tuple[dict[tuple[str, int, int], Path], list[MeasuredCell]]:
    """Every picture drawn, saved and measured."""
    shots: dict[tuple[str, int, int], BenchmarkedPicture] = {}
    paths: dict[tuple[str, int, int], Path] = {}
    progress = StudyProgress(line.plans, talk)
    talk.on_stage("loading torch")
    bench = open_benchmark(line.plans[0], talk)
    limits = _limits(line, bench, talk)
    found.limits.update(
        {s: ConvergedPicture(one.image, one.plan, one.about) for s, one in limits.items()}
    )
    bench.warm_up(line.plans[0])
    for place, plan in enumerate(line.plans, start=1):
        key = plan.scheduler, plan.steps, plan.seed
        title = f"{place} of {len(line.plans)}: {plan.scheduler}, {plan.steps} steps"
        shot = shots[key] = bench.measure(plan, limits.get(plan.seed), title)
        numbers = shot.numbers
        found.entries[key] = ComparedPicture(shot.picture.image, plan, numbers)
        found.rests[plan.scheduler] = shot.rest
        progress.picture_done(plan, numbers.seconds)
        paths[key] = folder.picture(shot.picture, f"{key[0]}-{key[1]}-{key[2]}")
        if manner.json:
            facts = perform.picture_record(shot.picture, paths[key])
            console.print_record({**facts, "measured": study.plain(asdict(numbers))})
    spreads = {
        (name, steps): bench.spread_of_seeds([shots[name, steps, seed] for seed in line.seeds])
        for name in line.schedulers
        for steps in line.steps
    }
    drawings = sorted(
        (entry.numbers for entry in found.entries.values()),
        key=lambda one: (line.schedulers.index(one.scheduler), one.steps, one.seed),
    )
    settled = {plan.scheduler for plan in line.plans if is_deterministic(plan)}
    return paths, measure_cells(drawings, spreads, settled)


def _limits(line: Lineup, bench: Benchmark, talk: console.Console) -> dict[int, ConvergedLatents]:
    """Each seed's converged picture, where a solver is compared that has one."""
    settling = next(filter(has_limit, line.plans), None)
    if settling is None:
        return {}
    limits = {seed: bench.find_limit(replace(settling, seed=seed)) for seed in line.seeds}
    about = next(iter(limits.values())).about
    talk.on_note(
        f"measured against {about.scheduler} at {about.steps} steps, checked by {about.witness}"
    )
    return limits


def _kept(
    folder: study.Folder,
    found: Comparison,
    cells: Sequence[MeasuredCell],
    told: ComparisonVerdict,
    paths: dict[tuple[str, int, int], Path],
    words: str,
    manner: perform.OutputMode,
) -> None:
    """The sheets, the chart, the numbers and the page, and a line on stdout for each."""
    svg = pages.comparison_chart(cells, told.within)
    made = [
        folder.text(
            render_page(pages.comparison_page(found, cells, told, svg, words)), "report.html"
        )
    ]
    for place, seed in enumerate(found.seeds):
        name = "sheet.png" if place == 0 else f"sheet-seed-{seed}.png"
        made.append(folder.image(sheet.drawn(pages.comparison_sheet(found, seed)), name))
    if svg:
        made.append(folder.text(svg, "errors.svg"))
    made.append(
        folder.results(
            {
                "sdcli": __version__,
                "command": words,
                "plan": codec.to_data(found.plan),
                "references": {seed: asdict(one.about) for seed, one in found.limits.items()},
                "cells": [asdict(cell) for cell in cells],
                "pictures": [
                    {
                        **asdict(found.entries[key].numbers),
                        "command": command_for_plan(found.entries[key].plan),
                        "path": path.relative_to(folder.path).as_posix(),
                    }
                    for key, path in paths.items()
                ],
                "verdict": asdict(told),
            }
        )
    )
    perform.print_files(made, manner)


def _row(values: Sequence[Any]) -> list[str]:
    """A row of numbers as text, for the terminal."""
    return [
        "-" if value is None else value if isinstance(value, str) else format(value, form)
        for value, form in zip(values, FORMATS, strict=False)
    ]
