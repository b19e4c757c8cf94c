"""A page that holds everything: pictures, numbers, charts, and how to draw each again.

It opens from the disk, asks for nothing outside itself, and works without JavaScript but for the
slider and the sorting. Whatever came from a user is text on it and never markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

from sdcli import __version__
from sdcli.images.contact_sheet import Cell, Sheet
from sdcli.studies.html_parts import Pictures, address, faint, folded, paragraph, section

TableValue = str | float | None


@dataclass(frozen=True)
class NumberTable:
    """Numbers under headings; `None` is a number that does not exist."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[TableValue]]
    formats: Sequence[str] = ()  # of each column's numbers, as in `format`; words need none


@dataclass(frozen=True)
class PageChart:
    """A drawing in SVG, made by us."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class PageAnimation:
    """An animation, as the bytes of its file."""

    title: str
    data: bytes
    kind: str
    note: str = ""


@dataclass(frozen=True)
class StudyPage:
    """What is on a page, from top to bottom."""

    kind: str
    title: str
    subtitle: str = ""
    verdict: Sequence[str] = ()
    sheets: Sequence[Sheet] = ()
    more: Sequence[Sheet] = ()  # sheets of the same kind, further down and folded
    films: Sequence[PageAnimation] = ()
    charts: Sequence[PageChart] = ()
    tables: Sequence[NumberTable] = ()
    notes: Sequence[str] = ()
    plan: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""  # what made this page
    slider: tuple[int, int] | None = None  # the two pictures under it at first, None: no slider


def render_page(page: StudyPage) -> str:
    """The page as one HTML document."""
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    return Template(_asset("report.html")).substitute(
        kind=escape(page.kind),
        title=escape(page.title),
        subtitle=escape(page.subtitle),
        style=_asset("report.css"),
        script=script,
        script_hash=f"sha256-{digest}",
        body="\n".join(_sections(page)),
        footer=escape(f"sdcli {__version__}. This page is whole: nothing is fetched."),
    )


def _sections(page: StudyPage) -> Iterator[str]:
    pictures = Pictures((*page.sheets, *page.more))
    if page.verdict:
        yield f'<section class="verdict">{"".join(map(paragraph, page.verdict))}</section>'
    yield from map(pictures.section, page.sheets)
    if page.slider is not None and len(pictures.cells) > 1:
        yield _slider(*page.slider)
    for film in page.films:
        moving = (
            f'<img class="film" src="{address(film.data, film.kind)}" alt="{escape(film.note)}">'
        )
        yield section(film.title, moving + faint(film.note))
    for chart in page.charts:
        yield section(chart.title, f'<div class="chart">{chart.svg}</div>{faint(chart.note)}')
    for table in page.tables:
        yield section(table.title, f'<div class="scroll">{_numbers(table)}</div>')
    yield from map(pictures.folded, page.more)
    if page.notes:
        yield section("How to read this", "".join(map(paragraph, page.notes)))
    if page.plan:
        facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in page.plan.items())
        yield folded("The plan", f"<dl>{facts}</dl>", " open")
    yield _commands(page.command, pictures.cells)


def _slider(left: int, right: int) -> str:
    return (
        f'<section class="slider" hidden data-left="{left}" data-right="{right}">'
        "<h2>Two pictures under a slider</h2>"
        '<div class="choices"><label>left <select></select></label>'
        "<label>right <select></select></label></div>"
        '<div class="pair"><img alt=""><img alt="">'
        '<input type="range" min="0" max="100" value="50" step="0.5" '
        'aria-label="where the line is">'
        "</div></section>"
    )


def _numbers(table: NumberTable) -> str:
    words = [
        any(isinstance(row[place], str) for row in table.rows)
        for place in range(len(table.columns))
    ]
    head = "".join(
        f'<th class="words"><button>{escape(name)}</button></th>'
        if word
        else f"<th><button>{escape(name)}</button></th>"
        for name, word in zip(table.columns, words, strict=True)
    )
    formats = table.formats or [""] * len(table.columns)
    lines = (
        "".join(_value(value, formats[place], words[place]) for place, value in enumerate(row))
        for row in table.rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table class="numbers"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _value(value: TableValue, form: str, words: bool) -> str:
    if value is None:
        return f'<td{" class=words" * words} data-value="">–</td>'
    if isinstance(value, str):
        return f'<td class="words" data-value="{escape(value)}">{escape(value)}</td>'
    return f'<td data-value="{float(value)!r}">{format(value, form)}</td>'


def _commands(page_command: str, cells: Sequence[Cell]) -> str:
    lines = [f"<li>This page:<code>{escape(page_command)}</code></li>"] if page_command else []
    lines += [
        f"<li>{escape(cell.name or cell.caption)}<code>{escape(cell.command)}</code></li>"
        for cell in cells
        if cell.command
    ]
    title = f"The commands that make this again ({len(lines)})"
    return folded(title, f'<ol class="commands">{"".join(lines)}</ol>') if lines else ""


def _asset(name: str) -> str:
    return (files("sdcli") / "assets" / name).read_text(encoding="utf-8")
