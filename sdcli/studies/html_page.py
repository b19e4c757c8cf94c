"""A page that holds everything: pictures, numbers, charts, and how to draw each again.

It opens from the disk, asks for nothing outside itself, and works without JavaScript but for the
slider and the sorting. Whatever came from a user is text on it and never markup: the template
escapes everything by itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from PIL import Image

from sdcli import __version__
from sdcli.images.contact_sheet import Cell, Sheet

LOSSLESS = 400  # pixels of a side up to which a picture is kept to the bit; larger ones as WebP 90

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

    @property
    def address(self) -> str:
        """The file as a data address."""
        return _data_address(self.data, self.kind)


@dataclass(frozen=True)
class StudyPage:
    """What is on a page, from top to bottom."""

    kind: str
    title: str
    subtitle: str = ""
    verdict: Sequence[str] = ()
    sheets: Sequence[Sheet] = ()
    more: Sequence[Sheet] = ()  # sheets of the same kind, further down and folded
    animations: Sequence[PageAnimation] = ()
    charts: Sequence[PageChart] = ()
    tables: Sequence[NumberTable] = ()
    notes: Sequence[str] = ()
    plan: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""  # what made this page
    slider: tuple[int, int] | None = None  # the two pictures under it at first, None: no slider


def render_page(page: StudyPage) -> str:
    """The page as one HTML document."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sdcli.studies"),
        autoescape=True,
        undefined=StrictUndefined,
        lstrip_blocks=True,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    script = _template_text("page.js")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    figures = _number_figures((*page.sheets, *page.more))
    count = sum(figure.number is not None for figure in figures.values())
    return environment.get_template("page.html").render(
        page=page,
        version=__version__,
        style=_template_text("page.css"),
        script=script,
        script_hash=f"sha256-{digest}",
        sheets=[_lay_out_sheet(sheet, figures) for sheet in page.sheets],
        folded_sheets=[_lay_out_sheet(sheet, figures) for sheet in page.more],
        slider=page.slider if count > 1 else None,
        tables=[_lay_out_table(table) for table in page.tables],
        commands=[*_list_commands(page)],
    )


@dataclass(frozen=True)
class _Figure:
    """A picture on the page, numbered so that links reach it; no number where there is none."""

    cell: Cell
    number: int | None = None
    before: int = 0
    after: int = 0

    @property
    def address(self) -> str:
        """The picture as a data address."""
        assert self.cell.image is not None
        return _embed_image(self.cell.image)


@dataclass(frozen=True)
class _SheetLayout:
    """A sheet's rows with their names, ready to be written."""

    title: str
    subtitle: str
    columns: Sequence[str]
    corner: str
    named: bool
    rows: Sequence[tuple[str, Sequence[_Figure]]]

    @property
    def across(self) -> int:
        """How many pictures stand beside each other where there is room."""
        return max(len(pictures) for _, pictures in self.rows)


@dataclass(frozen=True)
class _TableCell:
    """A value as it is shown and as it is sorted."""

    text: str
    sort_key: str
    words: bool


@dataclass(frozen=True)
class _TableLayout:
    """A table's headings, each with whether words stand under it, and its rows."""

    title: str
    heads: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[_TableCell]]


def _number_figures(sheets: Sequence[Sheet]) -> dict[int, _Figure]:
    """The figure of every cell, by the cell's identity. Links go round within one sheet."""
    figures: dict[int, _Figure] = {}
    first = 0
    for sheet in sheets:
        cells = [cell for row in sheet.rows for cell in row]
        pictures = [cell for cell in cells if cell.image is not None]
        count = len(pictures)
        figures |= {id(cell): _Figure(cell) for cell in cells}
        for place, cell in enumerate(pictures):
            before, after = first + (place - 1) % count, first + (place + 1) % count
            figures[id(cell)] = _Figure(cell, first + place, before, after)
        first += count
    return figures


def _lay_out_sheet(sheet: Sheet, figures: Mapping[int, _Figure]) -> _SheetLayout:
    rows, columns = sheet.axes
    named = any(sheet.row_names)
    names = sheet.row_names if named else [""] * len(sheet.rows)
    return _SheetLayout(
        title=sheet.title,
        subtitle=sheet.subtitle,
        columns=sheet.columns,
        corner=" · ".join([f"{rows} ↓"] * bool(rows) + [f"{columns} →"] * bool(columns)),
        named=named,
        rows=[
            (name, [figures[id(cell)] for cell in row])
            for name, row in zip(names, sheet.rows, strict=True)
        ],
    )


def _lay_out_table(table: NumberTable) -> _TableLayout:
    words = [any(isinstance(value, str) for value in column) for column in _columns(table)]
    formats = table.formats or [""] * len(table.columns)
    return _TableLayout(
        title=table.title,
        heads=list(zip(table.columns, words, strict=True)),
        rows=[list(map(_lay_out_value, row, formats, words)) for row in table.rows],
    )


def _columns(table: NumberTable) -> Iterator[list[TableValue]]:
    for place in range(len(table.columns)):
        yield [row[place] for row in table.rows]


def _lay_out_value(value: TableValue, form: str, words: bool) -> _TableCell:
    if value is None:
        return _TableCell("–", "", words)
    if isinstance(value, str):
        return _TableCell(value, value, True)
    return _TableCell(format(value, form), repr(float(value)), False)


def _list_commands(page: StudyPage) -> Iterator[tuple[str, str]]:
    if page.command:
        yield "This page:", page.command
    for sheet in (*page.sheets, *page.more):
        for cell in (cell for row in sheet.rows for cell in row):
            if cell.image is not None and cell.command:
                yield cell.name or cell.caption, cell.command


def _embed_image(image: Image.Image) -> str:
    data = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(data, "PNG", optimize=True)
        return _data_address(data.getvalue(), "png")
    image.convert("RGB").save(data, "WEBP", quality=90)
    return _data_address(data.getvalue(), "webp")


def _data_address(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _template_text(name: str) -> str:
    return (files("sdcli.studies") / "templates" / name).read_text(encoding="utf-8")
