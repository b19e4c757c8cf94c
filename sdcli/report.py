"""A page that holds everything: pictures, numbers, charts, and how to draw each again.

It opens from the disk, asks for nothing outside itself, and works without JavaScript but for the
slider and the sorting. Whatever came from a user is text on it and never markup.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

from PIL import Image

from sdcli import __version__
from sdcli.sheet import Cell, Sheet

LOSSLESS = 400  # pixels of a side up to which a picture is kept to the bit; larger ones as WebP 90

Value = str | float | None


@dataclass(frozen=True)
class Table:
    """Numbers under headings; `None` is a number that does not exist."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    formats: Sequence[str] = ()  # of each column's numbers, as in `format`; words need none


@dataclass(frozen=True)
class Chart:
    """A drawing in SVG, made by us."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Film:
    """An animation, as the bytes of its file."""

    title: str
    data: bytes
    kind: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """What is on a page, from top to bottom."""

    kind: str
    title: str
    subtitle: str = ""
    verdict: Sequence[str] = ()
    sheets: Sequence[Sheet] = ()
    more: Sequence[Sheet] = ()  # sheets of the same kind, further down and folded
    films: Sequence[Film] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    plan: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""  # what made this page
    slider: tuple[int, int] | None = None  # the two pictures under it at first, None: no slider


def html(page: Page) -> str:
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


def _sections(page: Page) -> Iterator[str]:
    pictures = _Pictures((*page.sheets, *page.more))
    if page.verdict:
        yield f'<section class="verdict">{"".join(map(_paragraph, page.verdict))}</section>'
    yield from map(pictures.section, page.sheets)
    if page.slider is not None and len(pictures.cells) > 1:
        yield _slider(*page.slider)
    for film in page.films:
        moving = (
            f'<img class="film" src="{_address(film.data, film.kind)}" alt="{escape(film.note)}">'
        )
        yield _section(film.title, moving + _faint(film.note))
    for chart in page.charts:
        yield _section(chart.title, f'<div class="chart">{chart.svg}</div>{_faint(chart.note)}')
    for table in page.tables:
        yield _section(table.title, f'<div class="scroll">{_numbers(table)}</div>')
    yield from map(pictures.folded, page.more)
    if page.notes:
        yield _section("How to read this", "".join(map(_paragraph, page.notes)))
    if page.plan:
        facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in page.plan.items())
        yield _folded("The plan", f"<dl>{facts}</dl>", " open")
    yield _commands(page.command, pictures.cells)


class _Pictures:
    """The sheets' pictures, each with a number that its links know it by."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self.cells: list[Cell] = []
        self._links: dict[int, tuple[int, int, int]] = {}  # the cell before, itself, the one after
        for sheet in sheets:
            some = [cell for row in sheet.rows for cell in row if cell.image]
            first, count = len(self.cells), len(some)
            for place, cell in enumerate(some):
                before, after = (place - 1) % count, (place + 1) % count
                self._links[id(cell)] = first + before, first + place, first + after
            self.cells += some

    def section(self, sheet: Sheet) -> str:
        """A sheet with its title."""
        return _section(sheet.title, self.body(sheet))

    def folded(self, sheet: Sheet) -> str:
        """A sheet behind its title."""
        return _folded(sheet.title, self.body(sheet))

    def body(self, sheet: Sheet) -> str:
        """A sheet's pictures, and what is said about them."""
        pictures = self.table(sheet) if sheet.columns else self.flow(sheet)
        return f"{pictures}{_faint(sheet.subtitle)}"

    def flow(self, sheet: Sheet) -> str:
        """Pictures in lines that break where the window ends."""
        figures = (f"<div>{self.figure(cell)}</div>" for row in sheet.rows for cell in row)
        return f'<div class="flow">{"".join(figures)}</div>'

    def table(self, sheet: Sheet) -> str:
        """Pictures in rows and columns with their names."""
        rows, columns = sheet.axes
        corner = " · ".join([f"{rows} ↓"] * bool(rows) + [f"{columns} →"] * bool(columns))
        named = any(sheet.row_names)
        head = f'<th class="axis">{escape(corner)}</th>' if named else ""
        head += "".join(f'<th scope="col">{escape(name)}</th>' for name in sheet.columns)
        lines: list[str] = []
        for place, row in enumerate(sheet.rows):
            name = f'<th scope="row">{escape(sheet.row_names[place])}</th>' if named else ""
            lines.append(
                f"<tr>{name}{''.join(f'<td>{self.figure(cell)}</td>' for cell in row)}</tr>"
            )
        return (
            f'<div class="scroll"><table class="sheet"><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(lines)}</tbody></table></div>"
        )

    def figure(self, cell: Cell) -> str:
        """A picture that its own link enlarges, and what is said about it."""
        if cell.image is None:
            return f'<div class="empty">{escape(cell.caption)}</div>' if cell.caption else ""
        before, number, after = self._links[id(cell)]
        name = cell.name or cell.caption
        alone = f'<span class="alone">{escape(cell.name)}</span>' if cell.name else ""
        command = f'<code class="alone">{escape(cell.command)}</code>' if cell.command else ""
        width, height = cell.image.size
        return (
            f'<figure id="picture-{number}"><a class="open" href="#picture-{number}">'
            f'<img src="{_embedded(cell.image)}" alt="{escape(name)}" '
            f'width="{width}" height="{height}">'
            f"</a><figcaption>{alone}{escape(cell.caption)}</figcaption>{command}"
            f'<nav class="alone"><a class="before" href="#picture-{before}">← before</a>'
            f'<a class="close" href="#place-{number}">close</a>'
            f'<a class="after" href="#picture-{after}">next →</a></nav>'
            f'</figure><span id="place-{number}"></span>'
        )


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


def _numbers(table: Table) -> str:
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


def _value(value: Value, form: str, words: bool) -> str:
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
    return _folded(title, f'<ol class="commands">{"".join(lines)}</ol>') if lines else ""


def _embedded(image: Image.Image) -> str:
    """The picture as a data address."""
    data = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(data, "PNG", optimize=True)
        return _address(data.getvalue(), "png")
    image.convert("RGB").save(data, "WEBP", quality=90)
    return _address(data.getvalue(), "webp")


def _address(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _folded(title: str, body: str, state: str = "") -> str:
    inside = f"<summary>{escape(title)}</summary>{body}"
    return f"<section><details{state}>{inside}</details></section>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _faint(text: str) -> str:
    return f'<p class="faint">{escape(text)}</p>' if text else ""


def _asset(name: str) -> str:
    return (files("sdcli") / "assets" / name).read_text(encoding="utf-8")
