"""The page of compared schedulers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet
from sdcli.measures.convergence import Reference, is_deterministic
from sdcli.measures.latent_distance import DISTANCE
from sdcli.measures.table import COMPARED, Values
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies import charts
from sdcli.studies.compare.notes import comparison_notes
from sdcli.studies.compare.plan import Lineup
from sdcli.studies.compare.statistics import (
    ComparisonVerdict,
    MeasuredCell,
    MeasuredDrawing,
    measure_cells,
)
from sdcli.studies.html_page import NumberTable, PageChart, StudyPage, TableValue
from sdcli.studies.judged import JudgedStudy
from sdcli.studies.judged_page import (
    judged_caption,
    judged_charts,
    judged_formats,
    judged_heads,
    judged_mark,
    judged_short_heads,
    judged_values,
    judged_verdict,
)
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.studies.sheets import wrap_single_column
from sdcli.text import percent, seconds

COLUMNS = (
    *("scheduler", "steps", "evaluations", "seconds", "seconds a step"),
    *(measure.heading for measure in COMPARED),
    "deterministic",
)
SHORT_COLUMNS = (
    *("scheduler", "steps", "evals", "s", "s/step"),
    *(measure.short_heading for measure in COMPARED),
    "deterministic",
)
FORMATS = ("", "d", "d", ".2f", ".4f", *(measure.form for measure in COMPARED), "")


def short_columns(comparison: Comparison) -> list[str]:
    """The headings of the table in a terminal."""
    return [*SHORT_COLUMNS, *judged_short_heads(comparison.judged)]


def _formats(comparison: Comparison) -> list[str]:
    return [*FORMATS, *judged_formats(comparison.judged)]


@dataclass(frozen=True)
class ComparedPicture:
    """One picture of the comparison."""

    image: Image.Image
    plan: Plan
    numbers: MeasuredDrawing
    path: Path
    record: Mapping[str, Any]  # what `--json` says of it
    rest: float  # the noise level where its solver stops; 0 for most
    judged: Values = field(default_factory=dict[str, float | None])  # what `--measure` asked for


@dataclass(frozen=True)
class ConvergedPicture:
    """The picture that the deterministic solvers tend to, of one seed."""

    image: Image.Image
    plan: Plan
    about: Reference


@dataclass
class Comparison:
    """A line-up and everything of it that was drawn and measured."""

    lineup: Lineup
    judged: JudgedStudy
    pictures: dict[tuple[str, int, int], ComparedPicture] = field(
        default_factory=dict[tuple[str, int, int], ComparedPicture]
    )
    limits: dict[int, ConvergedPicture] = field(default_factory=dict[int, ConvergedPicture])
    set_values: dict[tuple[str, int], Values] = field(default_factory=dict[tuple[str, int], Values])

    @property
    def plan(self) -> Plan:
        """The first plan: the others differ in scheduler, steps and seed."""
        return self.lineup.plans[0]

    def cells(self) -> list[MeasuredCell]:
        """The numbers of each scheduler at each number of steps, over the seeds."""
        schedulers = self.lineup.schedulers
        drawings = sorted(
            (one.numbers for one in self.pictures.values()),
            key=lambda one: (schedulers.index(one.scheduler), one.steps, one.seed),
        )
        deterministic = {one.scheduler for one in self.lineup.plans if is_deterministic(one)}
        return measure_cells(drawings, self.set_values, deterministic)


def comparison_sheet(comparison: Comparison, seed: int) -> Sheet:
    """One seed's pictures: schedulers down, steps across, and the converged picture last."""
    lineup = comparison.lineup
    rows = [
        [_cell(comparison, name, steps, seed) for steps in lineup.steps]
        for name in lineup.schedulers
    ]
    names = list(lineup.schedulers)
    if limit := comparison.limits.get(seed):
        name = f"converged ({limit.about.scheduler}, {limit.about.steps} steps), seed {seed}"
        last = Cell(limit.image, "what the others tend to", name, command_for_plan(limit.plan))
        rows.append([last, *[Cell(None)] * (len(lineup.steps) - 1)])
        names.append("converged")
    sheet = Sheet(
        title=comparison.plan.prompt,
        rows=rows,
        row_names=names,
        columns=[str(steps) for steps in lineup.steps],
        axes=("scheduler", "steps"),
        subtitle=f"{plan_summary(comparison.plan, ('scheduler', 'steps', 'seed'))} · seed {seed}"
        " · under each picture: its distance to the converged one, and seconds",
    )
    return wrap_single_column(sheet)


def comparison_chart(cells: Sequence[MeasuredCell], within: float | None) -> str:
    """The distance against evaluations, one line a solver, as SVG; nothing where there are too few
    points for a line to say something."""
    points: dict[str, list[tuple[float, float]]] = {}
    for cell in cells:
        if cell.share is not None:
            points.setdefault(cell.scheduler, []).append((cell.evaluations, cell.share))
    lines = [charts.ChartLine(name, sorted(some)) for name, some in points.items()]
    counts = [len(line.points) for line in lines]
    enough = sum(counts) > 2 and max(counts) > 1
    return charts.draw_error_chart(lines, within) if enough else ""


def judged_cell(scheduler: str, steps: int) -> tuple[str, str]:
    """What a cell is to the measures that were asked for."""
    return scheduler, f"{steps} steps"


def comparison_rows(
    comparison: Comparison, cells: Sequence[MeasuredCell]
) -> list[list[TableValue]]:
    """The numbers of every cell, under `COLUMNS` and what was asked beside them."""
    return [
        [
            cell.scheduler,
            cell.steps,
            cell.evaluations,
            cell.seconds,
            cell.per_step,
            *(measure.shown(cell.values.get(measure.name)) for measure in COMPARED),
            "yes" if cell.deterministic else "no",
            *judged_values(comparison.judged, judged_cell(cell.scheduler, cell.steps)),
        ]
        for cell in cells
    ]


def comparison_texts(comparison: Comparison, cells: Sequence[MeasuredCell]) -> list[list[str]]:
    """The same as text, for a terminal, under `short_columns`."""
    return [
        [
            "-" if value is None else value if isinstance(value, str) else format(value, form)
            for value, form in zip(row, _formats(comparison), strict=True)
        ]
        for row in comparison_rows(comparison, cells)
    ]


def comparison_page(
    comparison: Comparison,
    cells: Sequence[MeasuredCell],
    verdict: ComparisonVerdict,
    svg: str,
    command: str,
) -> StudyPage:
    """All of it."""
    seeds = comparison.lineup.seeds
    sheets = [_title_by_seed(comparison_sheet(comparison, seed), seed) for seed in seeds]
    first = sum(1 for row in sheets[0].rows for cell in row if cell.image)
    note = (
        "Both scales are logarithmic: a solver of order n falls n times as steeply as it goes on."
    )
    return StudyPage(
        kind="Schedulers compared",
        title=comparison.plan.prompt,
        subtitle=plan_summary(comparison.plan, ("scheduler", "steps", "seed")),
        verdict=[*verdict.lines, *judged_verdict(comparison.judged, ", ".join)],
        sheets=sheets[:1],
        more=sheets[1:],
        charts=[
            *([PageChart("Distance against model evaluations", svg, note)] if svg else []),
            *judged_charts(comparison.judged, "steps", lambda cell: (cell[0], _steps_of(cell))),
        ],
        tables=[
            NumberTable(
                _over(seeds),
                [*COLUMNS, *judged_heads(comparison.judged)],
                comparison_rows(comparison, cells),
                _formats(comparison),
            )
        ],
        notes=comparison_notes(comparison),
        plan=plan_facts(comparison.plan, ("scheduler", "steps", "seed", "eta")),
        command=command,
        slider=(0, first - 1),
    )


def _cell(comparison: Comparison, scheduler: str, steps: int, seed: int) -> Cell:
    one = comparison.pictures[scheduler, steps, seed]
    share = one.numbers.values.get(DISTANCE.name)
    near = "no limit" if is_deterministic(one.plan) else "fresh noise"
    cell = judged_cell(scheduler, steps)
    said = judged_caption(comparison.judged, cell, seed)
    distance = near if share is None else percent(share)
    return Cell(
        one.image,
        " · ".join(filter(None, (distance, seconds(one.numbers.seconds), said))),
        f"{scheduler}, {steps} steps, seed {seed}",
        command_for_plan(one.plan),
        judged_mark(comparison.judged, cell, seed),
    )


def _steps_of(cell: Sequence[str]) -> int:
    return int(cell[1].partition(" ")[0])


def _title_by_seed(sheet: Sheet, seed: int) -> Sheet:
    """A sheet under the page's own title."""
    note = "Under each picture: its distance to the converged one, and seconds."
    steps = sheet.subtitle.partition(" · ")[0] if not sheet.columns else ""
    return replace(sheet, title=f"Seed {seed}", subtitle=" · ".join(filter(None, (steps, note))))


def _over(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return "The numbers"
    return f"The numbers, over {len(seeds)} seeds"
