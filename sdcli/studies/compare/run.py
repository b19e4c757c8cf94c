"""Schedulers compared: drawn, measured, put on a sheet and a page, told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.reproduce.command_line import command
from sdcli.reproduce.command_line import study as again
from sdcli.studies.compare import page as pages
from sdcli.studies.compare.page import Compared, Converged, Entry
from sdcli.studies.compare.statistics import (
    Measured,
    Verdict,
    deterministic,
    has_limit,
    measured,
    verdict,
)
from sdcli.studies.html_page import html
from sdcli.studies.progress import Progress
from sdcli.studies.sweep.plan import Lineup

HEADS = (
    *("scheduler", "steps", "evals", "s", "s/step", "dist %", "RMSE", "PSNR", "SSIM", "spread %"),
    "deterministic",
)
FORMATS = ("", "d", "d", ".2f", ".3f", ".2f", ".4f", ".1f", ".4f", ".0f", "")


def compare(line: Lineup, manner: perform.Manner) -> None:
    """Draw the line-up's pictures, measure each, and leave a folder with all of it."""
    if manner.dry_run:
        heads = ("scheduler", "steps", "seed")
        plans = [((one.scheduler, str(one.steps), str(one.seed)), one) for one in line.plans]
        perform.rehearse_study(line.plans[0], heads, plans, manner)
        return
    plan = line.plans[0]
    folder = study.folder(plan.output, "compare", plan)
    talk = console.Conversation(quiet=manner.quiet)
    with talk.live():
        found = Compared(plan, line.schedulers, line.steps, line.seeds)
        paths, cells = _drawn(line, found, folder, talk, manner)
    told = verdict(cells, [limit.about for limit in found.limits.values()])
    talk.table(HEADS, map(_row, pages.rows(cells)))
    for text in told.lines:
        talk.note(text)
    words = again("compare-schedulers", plan, line.words, ("--scheduler", "--steps", "--eta"))
    _kept(folder, found, cells, told, paths, words, manner)


def _drawn(
    line: Lineup,
    found: Compared,
    folder: study.Folder,
    talk: console.Conversation,
    manner: perform.Manner,
) -> tuple[dict[tuple[str, int, int], Path], list[Measured]]:
    """Every picture drawn, saved and measured."""
    shots: dict[tuple[str, int, int], Any] = {}
    paths: dict[tuple[str, int, int], Path] = {}
    progress = Progress(line.plans, talk)
    talk.stage("waking torch")
    bench = perform.bench(line.plans[0], talk)
    limits = _limits(line, bench, talk)
    found.limits.update({s: Converged(one.image, one.plan, one.about) for s, one in limits.items()})
    bench.warm(line.plans[0])
    for place, plan in enumerate(line.plans, start=1):
        key = plan.scheduler, plan.steps, plan.seed
        title = f"{place} of {len(line.plans)}: {plan.scheduler}, {plan.steps} steps"
        shot = shots[key] = bench.shot(plan, limits.get(plan.seed), title)
        numbers = shot.numbers
        found.entries[key] = Entry(shot.picture.image, plan, numbers)
        found.rests[plan.scheduler] = shot.rest
        progress.drawn(plan, numbers.seconds)
        paths[key] = folder.picture(shot.picture, f"{key[0]}-{key[1]}-{key[2]}")
        if manner.json:
            facts = perform.told(shot.picture, paths[key])
            console.record({**facts, "measured": study.plain(asdict(numbers))})
    spreads = {
        (name, steps): bench.spread([shots[name, steps, seed] for seed in line.seeds])
        for name in line.schedulers
        for steps in line.steps
    }
    drawings = sorted(
        (entry.numbers for entry in found.entries.values()),
        key=lambda one: (line.schedulers.index(one.scheduler), one.steps, one.seed),
    )
    settled = {plan.scheduler for plan in line.plans if deterministic(plan)}
    return paths, measured(drawings, spreads, settled)


def _limits(line: Lineup, bench: Any, talk: console.Conversation) -> dict[int, Any]:
    """Each seed's converged picture, where a solver is compared that has one."""
    settling = next(filter(has_limit, line.plans), None)
    if settling is None:
        return {}
    limits = {seed: bench.limit(replace(settling, seed=seed)) for seed in line.seeds}
    about = next(iter(limits.values())).about
    talk.note(
        f"measured against {about.scheduler} at {about.steps} steps, checked by {about.witness}"
    )
    return limits


def _kept(
    folder: study.Folder,
    found: Compared,
    cells: Sequence[Measured],
    told: Verdict,
    paths: dict[tuple[str, int, int], Path],
    words: str,
    manner: perform.Manner,
) -> None:
    """The sheets, the chart, the numbers and the page, and a line on stdout for each."""
    svg = pages.chart(cells, told.within)
    made = [folder.text(html(pages.page(found, cells, told, svg, words)), "report.html")]
    for place, seed in enumerate(found.seeds):
        name = "sheet.png" if place == 0 else f"sheet-seed-{seed}.png"
        made.append(folder.image(sheet.drawn(pages.sheet(found, seed)), name))
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
                        "command": command(found.entries[key].plan),
                        "path": path.relative_to(folder.path).as_posix(),
                    }
                    for key, path in paths.items()
                ],
                "verdict": asdict(told),
            }
        )
    )
    perform.left(made, manner)


def _row(values: Sequence[Any]) -> list[str]:
    """A row of numbers as text, for the terminal."""
    return [
        "-" if value is None else value if isinstance(value, str) else format(value, form)
        for value, form in zip(values, FORMATS, strict=False)
    ]
