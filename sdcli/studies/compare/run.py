"""Schedulers compared: every picture drawn, saved and measured; then the files of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sdcli import __version__
from sdcli.images.contact_sheet import draw_contact_sheet as draw_sheet
from sdcli.measures.benchmark import BenchmarkLike
from sdcli.measures.convergence import has_limit
from sdcli.measures.measure import Sample
from sdcli.measures.table import measure_picture, measure_set
from sdcli.metadata import codec
from sdcli.outputs.records import picture_record
from sdcli.outputs.study_folder import StudyFolder
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan, command_for_study
from sdcli.studies.compare.page import (
    ComparedPicture,
    Comparison,
    ConvergedPicture,
    comparison_chart,
    comparison_page,
    comparison_sheet,
    judged_cell,
)
from sdcli.studies.compare.plan import Lineup
from sdcli.studies.compare.statistics import (
    ComparisonVerdict,
    MeasuredDrawing,
)
from sdcli.studies.html_page import render_page
from sdcli.studies.judged_page import judged_record
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.unfinished import OpenStudy

WARM_UP_STEPS = 2


@dataclass(frozen=True)
class _Task:
    """One picture of the line-up, and the name of its file."""

    plan: Plan
    name: str
    drawing: Drawing


def draw_comparison(
    comparison: Comparison, benchmark: BenchmarkLike, study: OpenStudy, progress: RunProgress
) -> Iterator[ComparedPicture]:
    """Draw, save and measure every picture of the line-up that the study lacks; `comparison` holds
    all of them afterwards. The benchmark tells `progress` what it does."""
    lineup = comparison.lineup
    tasks = [_task(plan) for plan in lineup.plans]
    due = [task.drawing for task in tasks if study.find(task.name) is None]
    references = _list_references(lineup, benchmark)
    warm_up = Drawing(lineup.plans[0], "warming up", besides=WARM_UP_STEPS)
    expected = [*references.values(), warm_up, *due] if due else [*references.values()]
    progress.expect(expected, loaded=True)
    progress.on_note(progress.announcement())
    limits = _draw_references(comparison, references, benchmark, progress)
    if due:
        progress.begin(warm_up)
        benchmark.warm_up(lineup.plans[0], WARM_UP_STEPS)
        progress.finish()
    samples: dict[tuple[str, int], list[Sample]] = {}
    for task in tasks:
        facts, plan = study.find(task.name), task.plan
        if facts is None:
            limit = limits.get(plan.seed) if has_limit(plan) else None
            compared, sample = _draw(task, limit, benchmark, study, progress)
        else:
            compared, sample = _recall(task, facts, study)
        cell = judged_cell(plan.scheduler, plan.steps)
        measured = comparison.judged.measure(cell, plan, compared.image)
        compared = replace(compared, judged=measured)
        samples.setdefault((plan.scheduler, plan.steps), []).append(sample)
        comparison.pictures[plan.scheduler, plan.steps, plan.seed] = compared
        yield compared
    comparison.set_values.update({key: measure_set(some) for key, some in samples.items()})


def write_comparison(
    comparison: Comparison, verdict: ComparisonVerdict, folder: StudyFolder
) -> list[Path]:
    """The page, the sheets, the chart and the numbers of a comparison that is drawn."""
    lineup, cells = comparison.lineup, comparison.cells()
    without = ("--scheduler", "--steps", "--eta")
    command = command_for_study(
        "compare-schedulers",
        lineup.plans[0],
        (*lineup.words, *comparison.judged.words),
        without,
    )
    chart = comparison_chart(cells, verdict.within)
    page = comparison_page(comparison, cells, verdict, chart, command)
    files = [folder.text(render_page(page), "report.html")]
    for place, seed in enumerate(lineup.seeds):
        name = "sheet.png" if place == 0 else f"sheet-seed-{seed}.png"
        files.append(folder.image(draw_sheet(comparison_sheet(comparison, seed)), name))
    if chart:
        files.append(folder.text(chart, "errors.svg"))
    pictures = [
        {
            **one.numbers.record(),
            **one.judged,
            "command": command_for_plan(one.plan),
            "path": one.path.relative_to(folder.path).as_posix(),
        }
        for one in comparison.pictures.values()
    ]
    results = {
        "sdcli": __version__,
        "command": command,
        "plan": codec.to_data(lineup.plans[0]),
        "references": {seed: asdict(one.about) for seed, one in comparison.limits.items()},
        "cells": [cell.record() for cell in cells],
        "pictures": pictures,
        "verdict": asdict(verdict),
        **judged_record(comparison.judged, lambda cell: {"scheduler": cell[0], "steps": cell[1]}),
    }
    return [*files, folder.results(results)]


def _task(plan: Plan) -> _Task:
    name = f"{plan.scheduler}-{plan.steps}-{plan.seed}"
    title = f"{plan.scheduler}, {plan.steps} steps, seed {plan.seed}"
    return _Task(plan, name, Drawing(plan, title))


def _list_references(lineup: Lineup, benchmark: BenchmarkLike) -> dict[int, Drawing]:
    """The converged picture of each seed, where a solver is compared that has one."""
    converging = next(filter(has_limit, lineup.plans), None)
    if converging is None:
        return {}
    plans = [replace(converging, seed=seed) for seed in lineup.seeds]
    return {
        plan.seed: Drawing(
            plan,
            f"the converged picture of seed {plan.seed}",
            besides=benchmark.evaluations_to_find_limit(plan),
        )
        for plan in plans
    }


def _draw_references(
    comparison: Comparison,
    references: Mapping[int, Drawing],
    benchmark: BenchmarkLike,
    progress: RunProgress,
) -> dict[int, Sample]:
    """Each seed's converged picture, drawn or kept from an earlier run."""
    samples: dict[int, Sample] = {}
    for seed, drawing in references.items():
        progress.begin(drawing)
        limit = benchmark.find_limit(drawing.plan)
        progress.finish()
        comparison.limits[seed] = ConvergedPicture(limit.image, limit.plan, limit.about)
        samples[seed] = Sample(limit.image, limit.latents, limit.plan.prompt)
    for about in [limit.about for limit in comparison.limits.values()][:1]:
        progress.on_note(
            f"measured against {about.scheduler} at {about.steps} steps, checked by {about.witness}"
        )
    return samples


def _draw(
    task: _Task,
    limit: Sample | None,
    benchmark: BenchmarkLike,
    study: OpenStudy,
    progress: RunProgress,
) -> tuple[ComparedPicture, Sample]:
    """A picture drawn, measured, saved, and written down for a study that goes on later."""
    plan = task.plan
    progress.begin(task.drawing)
    drawn = benchmark.draw(plan, task.drawing.title)
    image, seconds = drawn.picture.image, drawn.picture.provenance.seconds
    progress.finish(seconds)
    sample = Sample(image, drawn.latents, plan.prompt)
    numbers = MeasuredDrawing(
        scheduler=plan.scheduler,
        steps=plan.steps,
        seed=plan.seed,
        evaluations=drawn.evaluations,
        seconds=seconds,
        denoising=drawn.denoising,
        values=measure_picture(sample, limit),
    )
    path = study.folder.picture(drawn.picture, task.name)
    record = picture_record(drawn.picture, path)
    np.save(study.scratch / f"{task.name}.npy", drawn.latents)
    facts = {"numbers": asdict(numbers), "rest": drawn.rest, "record": record}
    study.remember(task.name, path, facts)
    return ComparedPicture(image, plan, numbers, path, record, drawn.rest), sample


def _recall(
    task: _Task, facts: Mapping[str, Any], study: OpenStudy
) -> tuple[ComparedPicture, Sample]:
    """A picture that was drawn before the study was interrupted."""
    path, image = study.path_of(facts), study.read_image(facts)
    sample = Sample(image, np.load(study.scratch / f"{task.name}.npy"), task.plan.prompt)
    record = {**facts["record"], "path": str(path)}
    numbers = MeasuredDrawing(**facts["numbers"])
    return ComparedPicture(image, task.plan, numbers, path, record, facts["rest"]), sample
