"""The page of compared schedulers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies import charts
from sdcli.studies.compare.statistics import (
    ComparisonVerdict,
    MeasuredCell,
    MeasuredDrawing,
    Reference,
    is_deterministic,
)
from sdcli.studies.html_page import NumberTable, PageChart, StudyPage, TableValue
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.text import percent, seconds

COLUMNS = (
    "scheduler",
    "steps",
    "evaluations",
    "seconds",
    "seconds a step",
    "distance, %",
    "latent RMSE",
    "PSNR, dB",
    "SSIM",
    "spread of seeds, %",
    "deterministic",
)
FORMATS = ("", "d", "d", ".2f", ".4f", ".2f", ".4f", ".1f", ".4f", ".0f", "")


@dataclass(frozen=True)
class ComparedPicture:
    """One picture of the comparison."""

    image: Image.Image
    plan: Plan
    numbers: MeasuredDrawing


@dataclass(frozen=True)
class ConvergedPicture:
    """The picture that the deterministic solvers tend to, of one seed."""

    image: Image.Image
    plan: Plan
    about: Reference


@dataclass
class Comparison:
    """Everything that was drawn and measured."""

    plan: Plan
    schedulers: Sequence[str]
    steps: Sequence[int]
    seeds: Sequence[int]
    entries: dict[tuple[str, int, int], ComparedPicture] = field(
        default_factory=dict[tuple[str, int, int], ComparedPicture]
    )
    limits: dict[int, ConvergedPicture] = field(default_factory=dict[int, ConvergedPicture])
    rests: dict[str, float] = field(default_factory=dict[str, float])  # noise that is left over


def comparison_sheet(compared: Comparison, seed: int) -> Sheet:
    """One seed's pictures: schedulers down, steps across, and the converged picture last."""
    rows = [
        [_cell(compared, name, steps, seed) for steps in compared.steps]
        for name in compared.schedulers
    ]
    names = list(compared.schedulers)
    if limit := compared.limits.get(seed):
        name = f"converged ({limit.about.scheduler}, {limit.about.steps} steps), seed {seed}"
        last = Cell(limit.image, "what the others tend to", name, command_for_plan(limit.plan))
        rows.append([last, *[Cell(None)] * (len(compared.steps) - 1)])
        names.append("converged")
    return Sheet(
        title=compared.plan.prompt,
        rows=rows,
        row_names=names,
        columns=[str(steps) for steps in compared.steps],
        axes=("scheduler", "steps"),
        subtitle=f"{plan_summary(compared.plan, ('scheduler', 'steps', 'seed'))} · seed {seed}"
        " · under each picture: its distance to the converged one, and seconds",
    )


def comparison_chart(cells: Sequence[MeasuredCell], within: float | None) -> str:
    """The distance against evaluations, one line a solver, as SVG."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for cell in cells:
        if cell.share is not None:
            lines.setdefault(cell.scheduler, []).append((cell.evaluations, cell.share))
    found = [charts.ChartLine(name, sorted(points)) for name, points in lines.items()]
    return charts.draw_error_chart(found, within) if found else ""


def comparison_rows(cells: Sequence[MeasuredCell]) -> list[list[TableValue]]:
    """The numbers of every cell, under `COLUMNS`."""
    return [
        [
            cell.scheduler,
            cell.steps,
            cell.evaluations,
            cell.seconds,
            cell.per_step,
            None if cell.share is None else 100 * cell.share,
            cell.rmse,
            cell.psnr,
            cell.ssim,
            None if cell.spread is None else 100 * cell.spread,
            "yes" if cell.deterministic else "no",
        ]
        for cell in cells
    ]


def comparison_page(
    compared: Comparison,
    cells: Sequence[MeasuredCell],
    verdict: ComparisonVerdict,
    svg: str,
    asked: str,
) -> StudyPage:
    """All of it."""
    sheets = [_on_page(comparison_sheet(compared, seed), seed) for seed in compared.seeds]
    pictures = [cell for one in sheets for row in one.rows for cell in row if cell.image]
    first = sum(1 for row in sheets[0].rows for cell in row if cell.image)
    note = (
        "Both scales are logarithmic: a solver of order n falls n times as steeply as it goes on."
    )
    return StudyPage(
        kind="Schedulers compared",
        title=compared.plan.prompt,
        subtitle=plan_summary(compared.plan, ("scheduler", "steps", "seed")),
        verdict=verdict.lines,
        sheets=sheets[:1],
        more=sheets[1:],
        charts=[PageChart("Distance against model evaluations", svg, note)] if svg else [],
        tables=[NumberTable(_over(compared.seeds), COLUMNS, comparison_rows(cells), FORMATS)],
        notes=list(comparison_notes(compared)),
        plan=plan_facts(compared.plan, ("scheduler", "steps", "seed", "eta")),
        command=asked,
        slider=(0, first - 1) if len(pictures) > 1 else None,
    )


def comparison_notes(compared: Comparison) -> list[str]:
    """How the numbers came about, and what they do not say."""
    found = [
        "Every picture of a seed starts from the same noise and the same encoded prompt, and is bit"
        " for bit the one that its own command draws."
    ]
    for seed, limit in compared.limits.items():
        about = limit.about
        kept = ", kept from an earlier run" if about.cached else ""
        found.append(
            f"Seed {seed}: the converged picture is {about.scheduler} at {about.steps} steps{kept}."
            f" {about.witness}, another kind of solver, ends {percent(about.apart)} from it at"
            f" {about.witness_steps} steps: that is how far the reference can be trusted."
        )
    if compared.limits:
        found.append(
            "Distance is the root mean square difference of the latents over the size of the"
            " converged ones; PSNR and SSIM compare the decoded pictures. With several seeds they"
            " are means over the seeds (root means for the distance)."
        )
    for name, rest in compared.rests.items():
        if rest > 0:
            found.append(
                f"{name} stops at noise level {rest:.3g} and not at none: about that share of noise"
                " stays in its latents, whatever its steps."
            )
    if not compared.limits and any(is_deterministic(e.plan) for e in compared.entries.values()):
        found.append(
            "What is asked for changes after a share of the steps, which is another noise level for"
            " every solver: they follow no common path, so there is no converged picture."
        )
    if not all(is_deterministic(entry.plan) for entry in compared.entries.values()):
        found.append(
            "A solver that draws fresh noise at each step follows no one path: with more steps it"
            " finds another picture, not a better approximation of this one. A distance to the"
            " converged picture would say nothing about it; the spread between its seeds says how"
            " different the pictures are that it draws."
        )
    return found


def _cell(compared: Comparison, scheduler: str, steps: int, seed: int) -> Cell:
    entry = compared.entries[scheduler, steps, seed]
    numbers = entry.numbers
    near = "no limit" if is_deterministic(entry.plan) else "fresh noise"
    near = near if numbers.share is None else percent(numbers.share)
    return Cell(
        entry.image,
        f"{near} · {seconds(numbers.seconds)}",
        f"{scheduler}, {steps} steps, seed {seed}",
        command_for_plan(entry.plan),
    )


def _on_page(one: Sheet, seed: int) -> Sheet:
    """A sheet under the page's own title."""
    return Sheet(
        title=f"Seed {seed}",
        rows=one.rows,
        row_names=one.row_names,
        columns=one.columns,
        axes=one.axes,
        subtitle="Under each picture: its distance to the converged one, and seconds.",
    )


def _over(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return "The numbers"
    return f"The numbers, over {len(seeds)} seeds"
