"""The page of a sweep: one axis in lines, two on a sheet, three on a sheet for each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet, flow
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies.html_page import NumberTable, StudyPage, TableValue
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.studies.sweep.plan import Axis

FACT_NAMES = {
    "width": "size",
    "height": "size",
    "clip-skip": "clip skip",
    "rng": "noise",
    "lora": "LoRAs",
    "embedding": "embeddings",
    "control": "controls",
}
EMPTY_VALUE = "none"  # how an empty value is written on a sheet


@dataclass(frozen=True)
class SweptPicture:
    """One variation: its picture, or why there is none."""

    plan: Plan
    image: Image.Image | None
    seconds: float = 0.0
    why: str = ""


@dataclass
class SweepResult:
    """A sweep's axes and what was drawn, by the values on each axis."""

    plan: Plan
    axes: Sequence[Axis]
    drawn: dict[tuple[str, ...], SweptPicture] = field(
        default_factory=dict[tuple[str, ...], SweptPicture]
    )

    @property
    def varied(self) -> tuple[str, ...]:
        """The names of the settings that vary, as the facts of a plan call them."""
        return tuple(FACT_NAMES.get(axis.name, axis.name) for axis in self.axes)


def sweep_sheets(swept: SweepResult) -> list[Sheet]:
    """The sheets: one, or one for each value of the third axis."""
    about = plan_summary(swept.plan, swept.varied)
    if len(swept.axes) == 1:
        cells = [_cell(swept, (value,), name=True) for value in swept.axes[0].values]
        return [flow(swept.plan.prompt, cells, about)]
    rows, columns, *others = swept.axes
    return [
        Sheet(
            title=swept.plan.prompt,
            rows=[[_cell(swept, (r, c, *rest)) for c in columns.values] for r in rows.values],
            row_names=list(map(_written, rows.values)),
            columns=list(map(_written, columns.values)),
            axes=(rows.name, columns.name),
            subtitle=" · ".join([about, *_named(others, rest)]),
        )
        for rest in product(*(axis.values for axis in others))
    ]


def sweep_page(swept: SweepResult, asked: str) -> StudyPage:
    """All of it."""
    made = [
        Sheet(
            title=" · ".join(_named(swept.axes[2:], rest)) or "The sheet",
            rows=one.rows,
            row_names=one.row_names,
            columns=one.columns,
            axes=one.axes,
        )
        for one, rest in zip(
            sweep_sheets(swept), product(*(axis.values for axis in swept.axes[2:])), strict=True
        )
    ]
    pictures = sum(one.image is not None for one in swept.drawn.values())
    return StudyPage(
        kind="Sweep",
        title=swept.plan.prompt,
        subtitle=plan_summary(swept.plan, swept.varied),
        sheets=made,
        tables=[_table(swept)],
        notes=[
            "Every picture differs from the others in what is written beside it and in nothing"
            " else, and is bit for bit the one that its own command draws."
        ],
        plan=plan_facts(swept.plan, swept.varied),
        command=asked,
        slider=(0, pictures - 1) if pictures > 1 else None,
    )


def _table(swept: SweepResult) -> NumberTable:
    numeric = [all(map(_is_number, axis.values)) for axis in swept.axes]
    rows: list[list[TableValue]] = []
    for values, one in swept.drawn.items():
        named: list[TableValue] = [
            float(value) if number else _written(value)
            for value, number in zip(values, numeric, strict=True)
        ]
        rows.append([*named, one.plan.seed, one.seconds if one.image else None, one.why or "drawn"])
    names = [axis.name for axis in swept.axes]
    formats = [*("g" if number else "" for number in numeric), "d", ".2f", ""]
    return NumberTable("The pictures", [*names, "seed", "seconds", "result"], rows, formats)


def _cell(swept: SweepResult, values: tuple[str, ...], *, name: bool = False) -> Cell:
    one = swept.drawn[values]
    told = ", ".join(_named(swept.axes, values))
    caption = one.why or (told if name else "")
    return Cell(one.image, caption, "" if name else told, command_for_plan(one.plan))


def _named(axes: Sequence[Axis], values: Sequence[str]) -> list[str]:
    return [f"{a.name} = {_written(v)}" for a, v in zip(axes, values, strict=True)]


def _written(value: str) -> str:
    return value or EMPTY_VALUE


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
