"""The page of a sweep: one axis in lines, two on a sheet, three on a sheet for each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet, flow_cells
from sdcli.measures.table import Values
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies.html_page import NumberTable, PageChart, StudyPage, TableValue
from sdcli.studies.judged import JudgedStudy
from sdcli.studies.judged_page import (
    judged_caption,
    judged_charts,
    judged_formats,
    judged_heads,
    judged_mark,
    judged_values,
    judged_verdict,
)
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.studies.sheets import wrap_single_column
from sdcli.studies.sweep.plan import SEED, Axis, Sweep

EMPTY_VALUE = "none"  # how an empty value is written on a sheet


@dataclass(frozen=True)
class SweptPicture:
    """One variation: its picture and where that is, or why there is none."""

    values: tuple[str, ...]  # on each axis
    plan: Plan
    image: Image.Image | None
    path: Path | None = None
    seconds: float = 0.0
    why: str = ""
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])  # what `--json` says of it
    measured: Values = field(default_factory=dict[str, float | None])


@dataclass
class SweepResult:
    """A sweep and what was drawn of it, by the values on each axis, in the sweep's order."""

    sweep: Sweep
    judged: JudgedStudy
    pictures: dict[tuple[str, ...], SweptPicture] = field(
        default_factory=dict[tuple[str, ...], SweptPicture]
    )

    @property
    def varied_facts(self) -> tuple[str, ...]:
        """The names of the options that vary."""
        return tuple(axis.name for axis in self.sweep.axes)

    def in_order(self) -> list[SweptPicture]:
        """Every variation, in the order of the axes' values."""
        return [self.pictures[cell.values] for cell in self.sweep.cells]

    def judged_cell(self, one: SweptPicture) -> tuple[str, ...]:
        """Which cell of the measures a picture belongs to."""
        return self.sweep.kept_values(one.values)

    def judged_axes(self) -> list[Axis]:
        """What varies but for the seed."""
        return [axis for axis in self.sweep.axes if axis.name != SEED]

    def name_cell(self, cell: Sequence[str]) -> str:
        """A cell of the measures in words."""
        return ", ".join(_name_values(self.judged_axes(), cell))

    def named_cell(self, cell: Sequence[str]) -> dict[str, Any]:
        """A cell of the measures as data."""
        names = (axis.name for axis in self.judged_axes())
        return {"values": dict(zip(names, cell, strict=True))}

    def named_values(self, values: Sequence[str]) -> dict[str, str]:
        """The values by the names of the axes."""
        return dict(zip((axis.name for axis in self.sweep.axes), values, strict=True))


def sweep_sheets(result: SweepResult) -> list[Sheet]:
    """The sheets: one, or one for each value of the third axis."""
    sweep = result.sweep
    about = plan_summary(sweep.plan, result.varied_facts)
    if len(sweep.axes) == 1:
        cells = [_cell(result, (value,), name=True) for value in sweep.axes[0].values]
        return [flow_cells(sweep.plan.prompt, cells, about)]
    rows, columns, *others = sweep.axes
    sheets = [
        Sheet(
            title=sweep.plan.prompt,
            rows=[[_cell(result, (r, c, *rest)) for c in columns.values] for r in rows.values],
            row_names=list(map(_write_value, rows.values)),
            columns=list(map(_write_value, columns.values)),
            axes=(rows.name, columns.name),
            subtitle=" · ".join([about, *_name_values(others, rest)]),
        )
        for rest in product(*(axis.values for axis in others))
    ]
    return [wrap_single_column(sheet, "{axis} = {name}") for sheet in sheets]


def sweep_page(result: SweepResult, command: str) -> StudyPage:
    """All of it."""
    sweep = result.sweep
    others = sweep.axes[2:]
    sheets = [
        replace(sheet, title=" · ".join(_name_values(others, rest)) or "The sheet", subtitle="")
        for sheet, rest in zip(
            sweep_sheets(result), product(*(axis.values for axis in others)), strict=True
        )
    ]
    drawn = sum(one.image is not None for one in result.pictures.values())
    return StudyPage(
        kind="Sweep",
        title=sweep.plan.prompt,
        subtitle=plan_summary(sweep.plan, result.varied_facts),
        verdict=judged_verdict(result.judged, result.name_cell),
        sheets=sheets,
        charts=sweep_charts(result),
        tables=[*_judged_table(result), _table(result)],
        notes=[
            "Every picture differs from the others in what is written beside it and in nothing"
            " else, and is bit for bit the one that its own command draws."
        ],
        plan=plan_facts(sweep.plan, result.varied_facts),
        command=command,
        slider=(0, drawn - 1),
    )


def sweep_charts(result: SweepResult) -> list[PageChart]:
    """Each measure against the first axis of numbers, a line for each value of the others."""
    axes = result.judged_axes()
    numbers = next((k for k, one in enumerate(axes) if all(map(_is_number, one.values))), None)
    if numbers is None:
        return []

    def place(cell: Sequence[str]) -> tuple[str, float]:
        others = [(a, v) for k, (a, v) in enumerate(zip(axes, cell, strict=True)) if k != numbers]
        return ", ".join(_name_values(*zip(*others, strict=True))) if others else "", float(
            cell[numbers]
        )

    return judged_charts(result.judged, axes[numbers].name, place)


def _judged_table(result: SweepResult) -> list[NumberTable]:
    """What was measured of every cell, where there are several pictures of each."""
    judged, axes = result.judged, result.judged_axes()
    if not judged.is_over_seeds:
        return []
    numeric = [all(map(_is_number, axis.values)) for axis in axes]
    rows = [[*_axis_values(cell, numeric), *judged_values(judged, cell)] for cell in judged.found]
    columns = [*(axis.name for axis in axes), *judged_heads(judged)]
    formats = [*("g" if number else "" for number in numeric), *judged_formats(judged)]
    seeds = max(len(found) for found in judged.found.values())
    return [NumberTable(f"Measured over {seeds} seeds", columns, rows, formats)]


def _axis_values(values: Sequence[str], numeric: Sequence[bool]) -> list[TableValue]:
    return [
        float(value) if number else _write_value(value)
        for value, number in zip(values, numeric, strict=True)
    ]


def _table(result: SweepResult) -> NumberTable:
    axes, measures = result.sweep.axes, result.judged.panel.measures
    numeric = [all(map(_is_number, axis.values)) for axis in axes]
    rows: list[list[TableValue]] = []
    for one in result.in_order():
        seconds = one.seconds if one.image else None
        measured = [row.shown(one.measured.get(row.name)) for row in measures]
        seed = [] if axes[-1].name == SEED else [one.plan.seed]
        rows.append(
            [*_axis_values(one.values, numeric), *seed, *measured, seconds, one.why or "drawn"]
        )
    seed = [] if axes[-1].name == SEED else [SEED]
    columns = [*(axis.name for axis in axes), *seed, *(row.heading for row in measures)]
    formats = [*("g" if number else "" for number in numeric), *("d" for _ in seed)]
    formats += [row.form for row in measures]
    return NumberTable("The pictures", [*columns, "seconds", "result"], rows, [*formats, ".2f", ""])


def _cell(result: SweepResult, values: tuple[str, ...], *, name: bool = False) -> Cell:
    one = result.pictures[values]
    label = ", ".join(_name_values(result.sweep.axes, values))
    cell, seed = result.judged_cell(one), one.plan.seed
    measured = judged_caption(result.judged, cell, seed)
    caption = one.why or " · ".join(filter(None, (label if name else "", measured)))
    mark = judged_mark(result.judged, cell, seed)
    return Cell(one.image, caption, "" if name else label, command_for_plan(one.plan), mark)


def _name_values(axes: Sequence[Axis], values: Sequence[str]) -> list[str]:
    return [f"{a.name} = {_write_value(v)}" for a, v in zip(axes, values, strict=True)]


def _write_value(value: str) -> str:
    return value or EMPTY_VALUE


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
