"""The page of compared ways to be faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet, flow_cells
from sdcli.measures.captions import WRONG
from sdcli.measures.table import Values
from sdcli.options.fast_ways import FAST_WAYS
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies.compare_fast.numbers import (
    MeasuredPicture,
    MeasuredWay,
    describe_psnr,
    measure_way,
)
from sdcli.studies.compare_fast.plan import EXACT, FastLineup
from sdcli.studies.html_page import NumberTable, StudyPage, TableValue
from sdcli.studies.judged import JudgedStudy
from sdcli.studies.judged_page import (
    judged_caption,
    judged_formats,
    judged_heads,
    judged_mark,
    judged_short_heads,
    judged_values,
    judged_verdict,
)
from sdcli.studies.plan_facts import plan_facts, plan_summary

COLUMNS = (
    *("way", "class", "seconds", "times as fast"),
    *("apart, grey levels", "PSNR, dB", "SSIM", "captions shown"),
)
SHORT_COLUMNS = ("way", "class", "s", "faster", "apart", "PSNR", "SSIM", "shown")
FORMATS = ("", "", ".2f", ".2f", ".2f", ".1f", ".4f", "d")


def short_columns(comparison: FastComparison) -> list[str]:
    """The headings of the table in a terminal."""
    short = fast_columns(comparison.lineup, SHORT_COLUMNS)
    return [*short, *judged_short_heads(comparison.judged)]


def _formats(comparison: FastComparison) -> list[str]:
    forms = fast_columns(comparison.lineup, FORMATS)
    return [*forms, *judged_formats(comparison.judged)]


@dataclass(frozen=True)
class FastPicture:
    """One picture of the comparison."""

    image: Image.Image
    plan: Plan
    numbers: MeasuredPicture
    path: Path
    record: Mapping[str, Any]  # what `--json` says of it
    judged: Values = field(default_factory=dict[str, float | None])  # what `--measure` asked for


@dataclass
class FastComparison:
    """A line-up and everything of it that was drawn and measured."""

    lineup: FastLineup
    judged: JudgedStudy
    pictures: dict[tuple[str, int], FastPicture] = field(
        default_factory=dict[tuple[str, int], FastPicture]
    )
    exact_again: dict[int, float] = field(default_factory=dict[int, float])  # seconds by seed
    obeyed: dict[str, int] = field(default_factory=dict[str, int])  # captions, by way
    failed: dict[str, str] = field(default_factory=dict[str, str])  # ways, and why

    def of_way(self, name: str) -> list[FastPicture]:
        """The pictures of a way, seed by seed; none where it failed."""
        return [] if name in self.failed else [self.pictures[name, s] for s in self.lineup.seeds]

    def exact_seconds(self) -> dict[int, float]:
        """How long the exact picture of each seed takes: the mean of the beginning and the end."""
        first = {one.numbers.seed: one.numbers.seconds for one in self.of_way(EXACT)}
        return {
            seed: fmean((took, self.exact_again.get(seed, took))) for seed, took in first.items()
        }

    def pace(self) -> tuple[float, float]:
        """The median seconds of the exact pictures at the beginning and at the end."""
        first = median(one.numbers.seconds for one in self.of_way(EXACT))
        return first, median(self.exact_again.values()) if self.exact_again else first

    def ways(self) -> list[MeasuredWay]:
        """The numbers of every way that was drawn, the exact one first."""
        exact = self.exact_seconds()
        return [
            measure_way(
                row.name,
                row.kind,
                [one.numbers for one in self.of_way(row.name)],
                exact,
                self.obeyed.get(row.name),
            )
            for row in self.lineup.rows
            if row.name not in self.failed
        ]

    def left_out(self) -> list[str]:
        """The ways that are not in the table, and why."""
        failed = [f"{name}: {why}" for name, why in self.failed.items()]
        return [*self.lineup.passed_over, *failed]


def fast_columns(lineup: FastLineup, columns: Sequence[str]) -> Sequence[str]:
    """The columns that have something in them: the last one only where captions were drawn."""
    return columns if lineup.captions else columns[:-1]


def fast_rows(comparison: FastComparison, ways: Sequence[MeasuredWay]) -> list[list[TableValue]]:
    """The numbers of every way, under those of `COLUMNS` that have something in them, and under what
    was asked beside them."""
    return [
        [
            way.name,
            way.kind,
            way.seconds,
            *([None] * 4 if way.name == EXACT else [*_gain_and_cost(way)]),
            *([] if way.obeyed is None else [way.obeyed]),
            *judged_values(comparison.judged, (way.name,)),
        ]
        for way in ways
    ]


def _gain_and_cost(way: MeasuredWay) -> tuple[float, ...]:
    return way.times_as_fast, way.grey_levels, way.psnr, way.ssim


def fast_texts(comparison: FastComparison, ways: Sequence[MeasuredWay]) -> list[list[str]]:
    """The same as text, for a terminal, under `short_columns`."""
    return [
        [
            "-" if value is None else value if isinstance(value, str) else format(value, form)
            for value, form in zip(row, _formats(comparison), strict=True)
        ]
        for row in fast_rows(comparison, ways)
    ]


def fast_sheet(comparison: FastComparison, seed: int) -> Sheet:
    """One seed's pictures, the exact one first."""
    plan = comparison.lineup.rows[0].plans[0]
    drawn = [comparison.of_way(row.name) for row in comparison.lineup.rows]
    cells = [_cell(comparison, one) for some in drawn for one in some if one.numbers.seed == seed]
    about = plan_summary(plan, ("seed",))
    return flow_cells(plan.prompt, cells, f"{about} · seed {seed}")


def _cell(comparison: FastComparison, one: FastPicture) -> Cell:
    numbers = one.numbers
    near = "" if numbers.way == EXACT else describe_psnr(numbers.psnr)
    said = judged_caption(comparison.judged, (numbers.way,), numbers.seed)
    caption = " · ".join(filter(None, (numbers.way, near, f"{numbers.seconds:.2f} s", said)))
    return Cell(
        one.image,
        caption,
        f"{numbers.way}, seed {numbers.seed}",
        command_for_plan(one.plan),
        judged_mark(comparison.judged, (numbers.way,), numbers.seed),
    )


def fast_page(comparison: FastComparison, verdict: Sequence[str], command: str) -> StudyPage:
    """All of it."""
    seeds, plan = comparison.lineup.seeds, comparison.lineup.rows[0].plans[0]
    sheets = [
        replace(fast_sheet(comparison, seed), title=f"Seed {seed}", subtitle="") for seed in seeds
    ]
    first = sum(1 for row in sheets[0].rows for cell in row if cell.image)
    title = "The numbers" if len(seeds) == 1 else f"The numbers, over {len(seeds)} seeds"
    return StudyPage(
        kind="Ways to be faster compared",
        title=plan.prompt,
        subtitle=plan_summary(plan, ("seed",)),
        verdict=[*verdict, *judged_verdict(comparison.judged, ", ".join)],
        sheets=sheets[:1],
        more=sheets[1:],
        tables=[
            NumberTable(
                title,
                [*fast_columns(comparison.lineup, COLUMNS), *judged_heads(comparison.judged)],
                fast_rows(comparison, comparison.ways()),
                _formats(comparison),
            )
        ],
        notes=fast_notes(comparison),
        plan=plan_facts(plan, ("seed",)),
        command=command,
        slider=(0, first - 1),
    )


def fast_notes(comparison: FastComparison) -> list[str]:
    """What the ways are, how the numbers came about, and what they do not say."""
    parts = {part for row in comparison.lineup.rows for part in row.name.split("+")}
    about = [
        f"{row.name} ({row.kind}): {row.about}." for row in FAST_WAYS.values() if row.name in parts
    ]
    return [
        *about,
        "Seconds are the median over the seeds, denoising and decoding of one picture, after some"
        " steps that are not counted: loading a model or converting it is not in them. A speed-up is"
        " the median over the seeds of the exact picture's time, taken at the beginning and at the"
        " end, over the way's own.",
        "Grey levels, PSNR and SSIM are against the exact picture of the same seed, as means over"
        " the seeds. They say how far a picture is from it, not which of the two is better.",
        *_caption_note(comparison.lineup.captions),
        *(f"Not compared: {text}." for text in comparison.left_out()),
    ]


def _caption_note(count: int) -> list[str]:
    if not count:
        return []
    return [
        f"Captions shown: of {count} that the built-in model never saw in training, those that its"
        f" CLIP finds nearer to the picture drawn from them than {WRONG} captions that are wrong in"
        " a colour or a thing."
    ]
