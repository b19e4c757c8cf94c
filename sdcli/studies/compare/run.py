"""Schedulers compared: every picture drawn, saved and measured; then the files of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdcli import __version__
from sdcli.events import Listener
from sdcli.images.contact_sheet import drawn as draw_sheet
from sdcli.measures.convergence import has_limit
from sdcli.measures.measure import Sample
from sdcli.measures.table import Values, measure_picture, measure_set
from sdcli.metadata import codec
from sdcli.outputs.records import picture_record
from sdcli.outputs.study_folder import Folder
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan, command_for_study
from sdcli.studies.compare.page import (
    ComparedPicture,
    Comparison,
    ConvergedPicture,
    comparison_chart,
    comparison_page,
    comparison_sheet,
)
from sdcli.studies.compare.statistics import (
    ComparisonVerdict,
    MeasuredDrawing,
)
from sdcli.studies.html_page import render_page
from sdcli.studies.progress import StudyProgress
from sdcli.studies.unfinished import OpenStudy

if TYPE_CHECKING:
    from sdcli.engine.benchmark import Benchmark, BenchmarkDrawing


def draw_comparison(
    comparison: Comparison, benchmark: Benchmark, study: OpenStudy, listener: Listener
) -> Iterator[ComparedPicture]:
    """Draw, save and measure every picture of the line-up that the study lacks; `comparison` holds
    all of them afterwards."""
    lineup = comparison.lineup
    progress = StudyProgress(lineup.plans, listener)
    references = _draw_references(comparison, benchmark, listener)
    benchmark.warm_up(lineup.plans[0])
    samples: dict[tuple[str, int], list[Sample]] = {}
    for place, plan in enumerate(lineup.plans, start=1):
        name = f"{plan.scheduler}-{plan.steps}-{plan.seed}"
        if (facts := study.find(name)) is not None:
            compared, sample = _recall(plan, study, name, facts)
        else:
            title = f"{place} of {len(lineup.plans)}: {plan.scheduler}, {plan.steps} steps"
            drawn = benchmark.draw(plan, title)
            sample = Sample(drawn.picture.image, drawn.latents, plan.prompt)
            reference = references.get(plan.seed) if has_limit(plan) else None
            values = measure_picture(sample, reference)
            compared = _keep(plan, drawn, values, study, name)
            progress.picture_done(plan, compared.numbers.seconds)
        samples.setdefault((plan.scheduler, plan.steps), []).append(sample)
        comparison.pictures[plan.scheduler, plan.steps, plan.seed] = compared
        yield compared
    comparison.set_values.update({key: measure_set(some) for key, some in samples.items()})


def write_comparison(
    comparison: Comparison, verdict: ComparisonVerdict, folder: Folder
) -> list[Path]:
    """The page, the sheets, the chart and the numbers of a comparison that is drawn."""
    lineup, cells = comparison.lineup, comparison.cells()
    without = ("--scheduler", "--steps", "--eta")
    command = command_for_study("compare-schedulers", lineup.plans[0], lineup.words, without)
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
    }
    return [*files, folder.results(results)]


def _draw_references(
    comparison: Comparison, benchmark: Benchmark, listener: Listener
) -> dict[int, Sample]:
    """Each seed's converged picture, where a solver is compared that has one."""
    lineup = comparison.lineup
    converging = next(filter(has_limit, lineup.plans), None)
    if converging is None:
        return {}
    samples: dict[int, Sample] = {}
    for seed in lineup.seeds:
        limit = benchmark.find_limit(replace(converging, seed=seed))
        comparison.limits[seed] = ConvergedPicture(limit.image, limit.plan, limit.about)
        samples[seed] = Sample(limit.image, limit.latents, limit.plan.prompt)
    about = comparison.limits[lineup.seeds[0]].about
    listener.on_note(
        f"measured against {about.scheduler} at {about.steps} steps, checked by {about.witness}"
    )
    return samples


def _keep(
    plan: Plan, drawing: BenchmarkDrawing, values: Values, study: OpenStudy, name: str
) -> ComparedPicture:
    """The picture on disk, and everything that is to be known of it if the study goes on later."""
    numbers = MeasuredDrawing(
        scheduler=plan.scheduler,
        steps=plan.steps,
        seed=plan.seed,
        evaluations=drawing.evaluations,
        seconds=drawing.picture.provenance.seconds,
        denoising=drawing.denoising,
        values=values,
    )
    path = study.folder.picture(drawing.picture, name)
    record = picture_record(drawing.picture, path)
    np.save(study.scratch / f"{name}.npy", drawing.latents)
    facts = {"numbers": asdict(numbers), "rest": drawing.rest, "record": record}
    study.remember(name, path, facts)
    return ComparedPicture(drawing.picture.image, plan, numbers, path, record, drawing.rest)


def _recall(
    plan: Plan, study: OpenStudy, name: str, facts: Mapping[str, Any]
) -> tuple[ComparedPicture, Sample]:
    """A picture that was drawn before the study was interrupted."""
    path, image = study.path_of(facts), study.read_image(facts)
    sample = Sample(image, np.load(study.scratch / f"{name}.npy"), plan.prompt)
    record = {**facts["record"], "path": str(path)}
    numbers = MeasuredDrawing(**facts["numbers"])
    return ComparedPicture(image, plan, numbers, path, record, facts["rest"]), sample
