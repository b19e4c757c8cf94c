"""The page of a sweep: one axis in lines, two on a sheet, three on a sheet for each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet, flow_cells
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies.html_page import NumberTable, StudyPage, TableValue
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.studies.sheets import wrap_single_column
from sdcli.studies.sweep.plan import Axis, Sweep

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


@dataclass
class SweepResult:
    """A sweep and what was drawn of it, by the values on each axis, in the sweep's order."""

    sweep: Sweep
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
        sheets=sheets,
        tables=[_table(result)],
        notes=[
            "Every picture differs from the others in what is written beside it and in nothing"
            " else, and is bit for bit the one that its own command draws."
        ],
        plan=plan_facts(sweep.plan, result.varied_facts),
        command=command,
        slider=(0, drawn - 1),
    )


def _table(result: SweepResult) -> NumberTable:
    axes = result.sweep.axes
    numeric = [all(map(_is_number, axis.values)) for axis in axes]
    rows: list[list[TableValue]] = []
    for one in result.in_order():
        values: list[TableValue] = [
            float(value) if number else _write_value(value)
            for value, number in zip(one.values, numeric, strict=True)
        ]
        seconds = one.seconds if one.image else None
        rows.append([*values, one.plan.seed, seconds, one.why or "drawn"])
    columns = [*(axis.name for axis in axes), "seed", "seconds", "result"]
    formats = [*("g" if number else "" for number in numeric), "d", ".2f", ""]
    return NumberTable("The pictures", columns, rows, formats)


def _cell(result: SweepResult, values: tuple[str, ...], *, name: bool = False) -> Cell:
    one = result.pictures[values]
    label = ", ".join(_name_values(result.sweep.axes, values))
    caption = one.why or (label if name else "")
    return Cell(one.image, caption, "" if name else label, command_for_plan(one.plan))


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
