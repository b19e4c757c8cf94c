"""What scored pictures come to: columns, means and how sure they are, in words and as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from sdcli.measures.measure import MeasureRow
from sdcli.measures.panel import Panel
from sdcli.measures.table import Values
from sdcli.score.run import ScoredPicture
from sdcli.text import count_of

NONE = "-"  # a measure that says nothing


@dataclass
class ScoreSummary:
    """Everything that is told when all pictures are scored; memory for their numbers alone."""

    panel: Panel
    values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    count: int = 0
    sideless: int = 0

    def add(self, picture: ScoredPicture) -> None:
        """One more picture."""
        self.count += 1
        self.sideless += picture.loses_sides
        for name, value in picture.values.items():
            if value is not None and math.isfinite(value):
                self.values.setdefault(name, []).append(value)

    def lines(self) -> list[str]:
        """The means with their standard errors, and what the judges did not see."""
        found = [self._mean(row) for row in self.panel.measures] if self.count > 1 else []
        if self.sideless:
            them = "its middle" if self.sideless == 1 else "their middles"
            found.append(f"{count_of(self.sideless, 'picture')} not square: a CLIP sees {them}")
        return [*filter(None, found), *self.panel.judges.describe()]

    def _mean(self, row: MeasureRow) -> str:
        known = self.values.get(row.name, [])
        if len(known) < 2:
            return ""
        error = stdev(known) / math.sqrt(len(known))
        return (
            f"mean {row.heading} of {len(known):,}: {fmean(known):{row.form}} ± {error:{row.form}}"
        )


def score_heads(panel: Panel) -> list[str]:
    """The columns' headings, each as wide as its numbers at least."""
    return [f"{_head(row):>{_width(row)}}" for row in panel.measures]


def score_cells(panel: Panel, values: Values) -> list[str]:
    """A picture's numbers under `score_heads`."""
    return [f"{write_value(row, values[row.name]):>{_width(row)}}" for row in panel.measures]


def write_value(row: MeasureRow, value: float | None) -> str:
    """A measure's number as it is written."""
    shown = row.shown(value)
    return NONE if shown is None else format(shown, row.form)


def score_record(picture: ScoredPicture, panel: Panel) -> dict[str, Any]:
    """A picture's numbers as data."""
    record: dict[str, Any] = {"path": str(picture.path)}
    if panel.reads_words:
        record["words"] = picture.words
    if picture.unread:
        record["unread"] = picture.unread
    return record | {"measures": _finite(picture.values), "judges": panel.judges.describe()}


def set_lines(values: Values, counts: Sequence[int], panel: Panel) -> list[str]:
    """The numbers of a set, or of two, a line each."""
    both = " and ".join(f"{count:,}" for count in counts)
    return [
        f"{row.heading} of {both if row.needs == 'sets' else f'{counts[0]:,}'} pictures:"
        f" {write_value(row, values[row.name])}"
        for row in panel.sets
    ]


def set_record(values: Values, counts: Sequence[int], panel: Panel) -> dict[str, Any]:
    """The numbers of a set, or of two, as data."""
    return {
        "pictures": list(counts),
        "measures": _finite(values),
        "judges": panel.judges.describe(),
    }


def _finite(values: Values) -> Mapping[str, float | str | None]:
    """JSON knows no infinity: equal pictures have a PSNR of "inf"."""
    return {
        name: value if value is None or math.isfinite(value) else str(value)
        for name, value in values.items()
    }


def _head(row: MeasureRow) -> str:
    return f"{row.short} {row.unit}" if row.unit in ("x100", "dB") else row.short


def _width(row: MeasureRow) -> int:
    return max(len(_head(row)), 8)
