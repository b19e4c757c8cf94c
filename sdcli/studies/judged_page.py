"""What a study's measures add to its page: a verdict, columns, captions, marks and charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sdcli.measures.measure import Measure, MeasureRow
from sdcli.studies import charts
from sdcli.studies.html_page import PageChart, TableValue
from sdcli.studies.judged import JudgedStudy, Key

WORST, BEST = (226, 226, 222), (42, 157, 111)  # colours of a picture's mark
MOST_ALIKE = 6  # cells that are named as being as good as the best


def judged_verdict(study: JudgedStudy, names: Callable[[Key], str]) -> list[str]:
    """The best cell by each measure, and which others are as good as far as the seeds can tell."""
    lines = [line for row in study.rows for line in _best(study, row, names)]
    return [*lines, *study.panel.judges.describe()]


def _best(study: JudgedStudy, row: MeasureRow, names: Callable[[Key], str]) -> Iterator[str]:
    ranked = study.ranked(row)
    if len(ranked) < 2:
        return
    best = ranked[0]
    said = f"Best by {row.heading}: {names(best)} ({study.write(row, best)})"
    if not isinstance(row, Measure) or len(study.by_seed(row, best)) < 2:
        yield f"{said}, of one picture each: `--seeds 8` tells whether it is more than chance."
        return
    alike = [cell for cell in ranked[1:] if not study.certainly_apart(row, best, cell)]
    count = len(study.by_seed(row, best))
    if not alike:
        yield f"{said}, surely better than every other over {count} seeds."
        return
    shown = "; ".join(f"{names(cell)} ({study.write(row, cell)})" for cell in alike[:MOST_ALIKE])
    more = f" and {len(alike) - MOST_ALIKE} more" if len(alike) > MOST_ALIKE else ""
    yield f"{said}; over {count} seeds these may be as good: {shown}{more}."


def judged_heads(study: JudgedStudy) -> list[str]:
    """The headings of the columns that measures add to a table of cells."""
    heads: list[str] = []
    for row in study.rows:
        heads += [row.heading, *(["±"] if _has_error(study, row) else [])]
    return heads


def judged_short_heads(study: JudgedStudy) -> list[str]:
    """The same for a terminal."""
    heads: list[str] = []
    for row in study.rows:
        heads += [row.short_heading, *(["±"] if _has_error(study, row) else [])]
    return heads


def judged_formats(study: JudgedStudy) -> list[str]:
    """How the columns' numbers are written."""
    forms: list[str] = []
    for row in study.rows:
        forms += [row.form] * (1 + _has_error(study, row))
    return forms


def judged_values(study: JudgedStudy, cell: Key) -> list[TableValue]:
    """The numbers under `judged_heads`."""
    values: list[TableValue] = []
    for row in study.rows:
        values.append(row.shown(study.mean(row, cell)))
        values += [row.shown(study.error(row, cell))] if _has_error(study, row) else []
    return values


def _has_error(study: JudgedStudy, row: MeasureRow) -> bool:
    return study.is_over_seeds and isinstance(row, Measure)


def judged_caption(study: JudgedStudy, cell: Key, seed: int) -> str:
    """What a sheet says under a picture: its own numbers."""
    values = study.found.get(cell, {}).get(seed, {})
    shown = [(row, row.shown(values.get(row.name))) for row in study.panel.measures]
    return ", ".join(f"{row.short} {value:{row.form}}" for row, value in shown if value is not None)


def judged_mark(study: JudgedStudy, cell: Key, seed: int) -> str:
    """The colour of a picture on a sheet by the first measure: the greener, the better of all."""
    row = (
        next((row for row in study.panel.measures if row.better != "neither"), None)
        if study
        else None
    )
    if row is None:
        return ""
    every = [v for one in study.found for v in study.by_seed(row, one).values()]
    own = study.by_seed(row, cell).get(seed)
    if own is None or max(every) == min(every):
        return ""
    share = (own - min(every)) / (max(every) - min(every))
    share = share if row.better == "higher" else 1 - share
    mixed = (round(a + share * (b - a)) for a, b in zip(WORST, BEST, strict=True))
    return "#" + "".join(f"{level:02x}" for level in mixed)


def judged_record(study: JudgedStudy, names: Callable[[Key], Mapping[str, Any]]) -> dict[str, Any]:
    """Every cell's numbers, for the study's results; nothing where nothing was measured."""
    if not study.rows:
        return {}
    cells = [{**names(cell), "measured": study.record(cell)} for cell in study.found]
    return {"judges": study.panel.judges.describe(), "judged": cells}


def judged_charts(
    study: JudgedStudy, across: str, place: Callable[[Key], tuple[str, float] | None]
) -> list[PageChart]:
    """Each measure against a number that varies: `place` says on which line a cell lies, and where.
    Nothing where there are too few points for a line."""
    found = [(cell, at) for cell in study.found if (at := place(cell)) is not None]
    drawn: list[PageChart] = []
    for row in study.rows:
        lines: dict[str, list[tuple[float, float, float]]] = {}
        for cell, (name, x) in found:
            y, error = row.shown(study.mean(row, cell)), row.shown(study.error(row, cell))
            if y is not None:
                lines.setdefault(name, []).append((x, y, error or 0.0))
        made = [charts.MeasuredLine(name, sorted(some)) for name, some in lines.items()]
        if any(len(line.points) > 2 for line in made):
            svg = charts.draw_measure_chart(made, across, row.heading, f"by-{row.name}")
            note = "Bars are the standard error over the seeds." if study.is_over_seeds else ""
            drawn.append(PageChart(f"{row.title} against {across}", svg, note))
    return drawn
