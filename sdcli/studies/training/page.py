"""The page of a training: its curve, its samples over the steps, what it learnt from and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdcli.images.contact_sheet import Cell, Sheet
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies import charts
from sdcli.studies.html_page import NumberTable, PageChart, StudyPage, render_page
from sdcli.studies.training.command_line import command_for_training
from sdcli.studies.training.run import TrainingRun
from sdcli.text import count_of, duration
from sdcli.training.describe import plan_rows
from sdcli.training.options import options_for
from sdcli.training.plan import TrainingPlan
from sdcli.training.progress import SampleDrawn, StepTaken

POINTS = 400  # of a curve; of more steps every so manieth is drawn


def write_training_page(run: TrainingRun) -> Path:
    """The page of a training so far, in its folder."""
    page = training_page(run.plan, run.taken, run.samples, run.trainer.report())
    return run.folder.text(render_page(page), "report.html")


def training_page(
    plan: TrainingPlan,
    taken: Sequence[StepTaken],
    samples: Sequence[SampleDrawn],
    report: Mapping[str, Any],
) -> StudyPage:
    """All of it."""
    return StudyPage(
        kind="Training",
        title=plan.out.name,
        subtitle=", ".join(f"{name} {value}" for name, value in report.items()),
        verdict=[*_verdict(plan, taken)],
        sheets=[_sample_sheet(plan, samples)] if samples else [],
        charts=[*_charts(taken)],
        tables=[_picture_table(plan)],
        notes=plan.notes,
        plan=dict(plan_rows(plan))
        | {
            row.name: str(getattr(plan.settings, row.field))
            for row in options_for(plan.kind).values()
        },
        command=command_for_training(plan),
    )


def _verdict(plan: TrainingPlan, taken: Sequence[StepTaken]) -> Iterator[str]:
    if not taken:
        return
    last, seconds = taken[-1], sum(one.seconds for one in taken)
    yield (
        f"{last.step:,} of {count_of(plan.settings.steps, 'step')} in {duration(seconds)}, "
        f"{seconds / len(taken):.2g} s each; the loss was {taken[0].loss:.4f} at first, "
        f"{last.mean:.4f} at last (running mean)"
    )


def _charts(taken: Sequence[StepTaken]) -> Iterator[PageChart]:
    if len(taken) < 2:
        return
    every = -(-len(taken) // POINTS)
    few = taken[::every]
    lines = [
        charts.ChartLine("each step", [(one.step, one.loss) for one in few]),
        charts.ChartLine("running mean", [(one.step, one.mean) for one in few]),
    ]
    svg = charts.draw_curves(lines, "step", "loss", "loss")
    note = "The loss hangs on how much noise a step had more than on what was learnt: look at the samples."
    yield PageChart("Loss", svg, note)
    rates = [charts.ChartLine("rate", [(one.step, one.rate) for one in few])]
    yield PageChart("Learning rate", charts.draw_curves(rates, "step", "learning rate", "rate"))


def _sample_sheet(plan: TrainingPlan, samples: Sequence[SampleDrawn]) -> Sheet:
    steps = sorted({one.step for one in samples})
    by_place = {(one.prompt, one.step): one for one in samples}
    return Sheet(
        title="Samples",
        subtitle="drawn through the saved file, each prompt with one seed",
        columns=[f"step {step:,}" for step in steps],
        row_names=plan.samples,
        rows=[[_cell(by_place.get((prompt, step))) for step in steps] for prompt in plan.samples],
    )


def _cell(drawn: SampleDrawn | None) -> Cell:
    if drawn is None:
        return Cell(None, "not drawn")
    name = f"{drawn.prompt}, step {drawn.step:,}"
    return Cell(drawn.picture.image, name=name, command=command_for_plan(drawn.picture.plan))


def _picture_table(plan: TrainingPlan) -> NumberTable:
    rows = [
        [
            one.file.path.name,
            "regularisation" if one.regular else one.caption,
            float(one.repeats),
            "x".join(map(str, one.placement.bucket)),
            100 * one.placement.lost,
        ]
        for one in plan.pictures
    ]
    heads = ("picture", "words", "times", "bucket", "cut off, %")
    return NumberTable("Learnt from", heads, rows, ("", "", ".0f", "", ".1f"))
