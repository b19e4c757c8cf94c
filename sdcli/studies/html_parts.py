"""The parts of a page as HTML. Whatever is text in here was escaped here."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet

LOSSLESS = 400  # pixels of a side up to which a picture is kept to the bit; larger ones as WebP 90


class Pictures:
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
        return section(sheet.title, self.body(sheet))

    def folded(self, sheet: Sheet) -> str:
        """A sheet behind its title."""
        return folded(sheet.title, self.body(sheet))

    def body(self, sheet: Sheet) -> str:
        """A sheet's pictures, and what is said about them."""
        pictures = self.table(sheet) if sheet.columns else self.flow(sheet)
        return f"{pictures}{faint(sheet.subtitle)}"

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


def _embedded(image: Image.Image) -> str:
    """The picture as a data address."""
    data = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(data, "PNG", optimize=True)
        return address(data.getvalue(), "png")
    image.convert("RGB").save(data, "WEBP", quality=90)
    return address(data.getvalue(), "webp")


def address(data: bytes, kind: str) -> str:
    """An image file as a data address."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def section(title: str, body: str) -> str:
    """A part of the page under its title."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def folded(title: str, body: str, state: str = "") -> str:
    """A part of the page behind its title, ` open` or not."""
    inside = f"<summary>{escape(title)}</summary>{body}"
    return f"<section><details{state}>{inside}</details></section>"


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>"


def faint(text: str) -> str:
    """A remark; nothing where there is none."""
    return f'<p class="faint">{escape(text)}</p>' if text else ""
