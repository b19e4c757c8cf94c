"""Pictures side by side with their labels: a table of them, or a row that wraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from sdcli.images.fonts import Font, line_height, load_font, text_width, wrap_text

PAPER = (250, 250, 248)
INK = (28, 28, 30)
FAINT = (110, 110, 115)
LINE = (221, 221, 216)
SMALLEST = 176  # pixels of a cell's longer side: below it a label would be wider than its picture
WIDEST = 3200  # pixels of a sheet; beyond it the pictures are scaled down
TALLEST = 15_000
MARK = 4  # pixels: the height of a mark under a picture
LAPTOP = 1400  # pixels a viewer shows at once; lettering is sized to be read at that width


@dataclass(frozen=True)
class Cell:
    """One picture and what is said about it."""

    image: Image.Image | None  # None: missing, for the reason in the caption, or nothing there
    caption: str = ""  # under it
    name: str = ""  # all of what it is, where it stands alone
    command: str = ""  # what draws it again
    mark: str = ""  # a colour that says how good it is, as `#rrggbb`


@dataclass(frozen=True)
class Sheet:
    """What is on a sheet: rows of cells. Without `columns`, a cell's own caption names it."""

    title: str
    rows: Sequence[Sequence[Cell]]
    row_names: Sequence[str] = ()
    columns: Sequence[str] = ()
    axes: tuple[str, str] = ("", "")  # what the rows and the columns are
    subtitle: str = ""


@dataclass
class _Layout:
    """The sizes that everything on a sheet follows."""

    cell: tuple[int, int]
    gap: int
    left: int  # width of the row names
    strong: Font
    small: Font
    large: Font
    head: list[str] = field(default_factory=list[str])


def flow_cells(title: str, cells: Sequence[Cell], subtitle: str = "", across: int = 0) -> Sheet:
    """One axis: the cells in lines, as many across as can be seen well."""
    count = across or _across(cells)
    lines = [cells[first : first + count] for first in range(0, len(cells), count)]
    return Sheet(title, lines, subtitle=subtitle)


def draw_contact_sheet(sheet: Sheet) -> Image.Image:
    """The sheet as one picture on light paper."""
    layout = _laid_out(sheet)
    across = max(len(row) for row in sheet.rows)
    width = layout.left + across * (layout.cell[0] + layout.gap) + layout.gap
    canvas = _Canvas(width, layout)
    canvas.header(sheet)
    if sheet.columns:
        canvas.columns(sheet)
    for place, row in enumerate(sheet.rows):
        name = sheet.row_names[place] if place < len(sheet.row_names) else ""
        canvas.row(name, row)
    return canvas.finished()


class _Canvas:
    """Draws from the top down; grows as it goes."""

    def __init__(self, width: int, layout: _Layout) -> None:
        self.layout = layout
        self.width = width
        self.y = layout.gap
        self.image = Image.new("RGB", (width, 256), PAPER)

    def header(self, sheet: Sheet) -> None:
        """The title and what is under it, across the whole sheet."""
        room = self.width - 2 * self.layout.gap
        for text, letters, ink in (
            (sheet.title, self.layout.large, INK),
            (sheet.subtitle, self.layout.small, FAINT),
        ):
            if text:
                self.lines(wrap_text(text, letters, room, most=4), letters, ink, self.layout.gap)
        self.y += self.layout.gap // 2

    def columns(self, sheet: Sheet) -> None:
        """What the columns are, and the name of each over its pictures."""
        layout = self.layout
        if sheet.axes[1]:
            self.lines([f"{sheet.axes[1]} →"], layout.small, FAINT, layout.left + layout.gap)
        names = [wrap_text(name, layout.strong, layout.cell[0], most=4) for name in sheet.columns]
        line, deepest = line_height(layout.strong), max(map(len, names))
        self.room(deepest * line)
        for place, lines in enumerate(names):
            middle = self.left_of(place) + layout.cell[0] // 2
            for number, text in enumerate(lines, start=deepest - len(lines)):
                x = middle - text_width(text, layout.strong) // 2
                self.text((x, self.y + number * line), text, layout.strong, INK)
        if sheet.axes[0]:
            at = (layout.gap, self.y + (deepest - 1) * line)
            self.text(at, f"{sheet.axes[0]} ↓", layout.small, FAINT)
        self.y += deepest * line + layout.gap // 2

    def row(self, name: str, cells: Sequence[Cell]) -> None:
        """One line of pictures, its name to the left, each caption underneath."""
        layout = self.layout
        width, height = layout.cell
        captions = [wrap_text(cell.caption, layout.small, width, most=3) for cell in cells]
        under = max((len(lines) for lines in captions if any(lines)), default=0)
        self.room(height + under * line_height(layout.small) + 2 * layout.gap)
        names = wrap_text(name, layout.strong, max(layout.left - layout.gap, 1), most=8)
        top = self.y + (height - len(names) * line_height(layout.strong)) // 2
        for number, text in enumerate(names):
            at = (layout.gap, top + number * line_height(layout.strong))
            self.text(at, text, layout.strong, INK)
        for place, cell in enumerate(cells):
            self.picture(cell, (self.left_of(place), self.y))
            for number, text in enumerate(captions[place]):
                x = self.left_of(place) + (width - text_width(text, layout.small)) // 2
                y = self.y + height + layout.gap // 2 + number * line_height(layout.small)
                self.text((x, y), text, layout.small, FAINT)
        self.y += height + under * line_height(layout.small) + layout.gap

    def picture(self, cell: Cell, at: tuple[int, int]) -> None:
        """A picture in the middle of its place; where one is missing, an outline."""
        width, height = self.layout.cell
        if cell.image is None:
            box = (at[0], at[1], at[0] + width - 1, at[1] + height - 1)
            ImageDraw.Draw(self.image).rectangle(box, outline=LINE if cell.caption else PAPER)
            return
        fitted = _scaled(cell.image.convert("RGB"), width, height)
        offset = (width - fitted.width) // 2, (height - fitted.height) // 2
        self.image.paste(fitted, (at[0] + offset[0], at[1] + offset[1]))
        if cell.mark:
            low = at[1] + offset[1] + fitted.height
            bar = (at[0] + offset[0], low, at[0] + offset[0] + fitted.width - 1, low + MARK - 1)
            ImageDraw.Draw(self.image).rectangle(bar, fill=cell.mark)

    def lines(self, texts: Sequence[str], letters: Font, ink: tuple[int, ...], x: int) -> None:
        """Some lines of text, one under the other."""
        self.room(len(texts) * line_height(letters))
        for text in texts:
            self.text((x, self.y), text, letters, ink)
            self.y += line_height(letters)

    def text(self, at: tuple[int, int], text: str, letters: Font, ink: tuple[int, ...]) -> None:
        """One line of text, its upper left corner here."""
        ImageDraw.Draw(self.image).text(at, text, fill=ink, font=letters)

    def left_of(self, place: int) -> int:
        """Where the picture at this place in its row begins."""
        return self.layout.left + self.layout.gap + place * (self.layout.cell[0] + self.layout.gap)

    def room(self, height: int) -> None:
        """Make sure that there is paper for so many pixels more."""
        needed = self.y + height + self.layout.gap
        if needed > self.image.height:
            longer = Image.new("RGB", (self.width, max(needed, self.image.height * 2)), PAPER)
            longer.paste(self.image, (0, 0))
            self.image = longer

    def finished(self) -> Image.Image:
        """The sheet cut to what is on it."""
        return self.image.crop((0, 0, self.width, self.y))


def _laid_out(sheet: Sheet) -> _Layout:
    """Sizes that fit: pictures as large as they are, unless the sheet would be too large, and
    letters that can be read when the sheet is scaled to a laptop's screen."""
    pictures = [cell.image for row in sheet.rows for cell in row if cell.image is not None]
    width = max((image.width for image in pictures), default=SMALLEST)
    height = max((image.height for image in pictures), default=SMALLEST)
    across, down = max(len(row) for row in sheet.rows), len(sheet.rows)
    scale = max(1.0, SMALLEST / max(width, height))
    scale = min(scale, WIDEST / (across * width), TALLEST / (down * height))
    cell = max(round(width * scale), 24), max(round(height * scale), 24)
    text = max(15, round(15 * across * cell[0] * 1.2 / LAPTOP))
    layout = _Layout(
        cell=cell,
        gap=max(8, text // 2),
        left=0,
        strong=load_font(text, bold=True),
        small=load_font(round(text * 0.85)),
        large=load_font(round(text * 1.3), bold=True),
    )
    if any(sheet.row_names):
        longest = max(text_width(name, layout.strong) for name in sheet.row_names)
        axis = text_width(f"{sheet.axes[0]} ↓", layout.small)
        # A name may take a whole cell's width before it is broken: solvers' names are long.
        layout.left = max(min(longest, max(cell[0], 12 * text)), axis) + layout.gap
    return layout


def _across(cells: Sequence[Cell]) -> int:
    """How many cells a line takes: no more than show about 200 pixels each on a laptop."""
    widths = [cell.image.width for cell in cells if cell.image is not None]
    largest = max([*widths, SMALLEST])
    most = max(2, min(8, 2 * LAPTOP // largest))
    lines = -(-len(cells) // most)
    return max(1, -(-len(cells) // lines))


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture as large as fits. A small one keeps its pixels visible."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if size == image.size:
        return image
    filter = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    return image.resize(size, filter)
