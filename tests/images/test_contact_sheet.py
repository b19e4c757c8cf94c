"""Sheets: every picture in its place, every label whole, nothing outside the paper."""

from __future__ import annotations

import pytest
from PIL import Image

from sdcli.images.contact_sheet import PAPER, SMALLEST, Cell, Sheet, draw_contact_sheet, flow_cells
from sdcli.images.fonts import load_font, text_width, wrap_text

COLOURS = [
    (200, 30, 30),
    (30, 160, 30),
    (30, 30, 200),
    (200, 160, 20),
    (20, 160, 200),
    (160, 20, 160),
]


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (192, 192)) -> Image.Image:
    return Image.new("RGB", size, colour)


def places(sheet: Image.Image) -> dict[tuple[int, int, int], tuple[int, int, int, int]]:
    """The box of each of the colours on the sheet."""
    found = {}
    for colour in COLOURS:
        bands = [band.point([255 * (level == wanted) for level in range(256)])
                 for band, wanted in zip(sheet.split(), colour, strict=True)]  # fmt: skip
        box = Image.merge("RGB", bands).convert("L").point([255 * (v == 255) for v in range(256)])
        if box.getbbox():
            found[colour] = box.getbbox()
    return found


def test_rows_go_down_and_columns_across():
    cells = [[Cell(flat(colour)) for colour in COLOURS[:3]], [Cell(flat(c)) for c in COLOURS[3:]]]
    sheet = Sheet("a fox", cells, ["ddim", "euler"], ["10", "20", "30"], ("scheduler", "steps"))
    found = places(draw_contact_sheet(sheet))
    assert list(found) == COLOURS
    lefts = [found[colour][0] for colour in COLOURS]
    tops = [found[colour][1] for colour in COLOURS]
    assert lefts[:3] == lefts[3:] == sorted(set(lefts))
    assert len(set(tops[:3])) == len(set(tops[3:])) == 1 and tops[0] < tops[3]


def test_pictures_keep_their_pixels():
    found = places(
        draw_contact_sheet(flow_cells("", [Cell(flat(colour), "x") for colour in COLOURS[:2]]))
    )
    assert all(right - left == lower - top == 192 for left, top, right, lower in found.values())


def test_small_pictures_are_enlarged_until_a_label_fits():
    (left, top, right, lower), *_ = places(
        draw_contact_sheet(flow_cells("", [Cell(flat(COLOURS[0], (64, 64)))]))
    ).values()
    assert right - left == lower - top == SMALLEST


def test_one_axis_wraps():
    sheet = draw_contact_sheet(
        flow_cells("a fox", [Cell(flat(COLOURS[i % 6], (512, 512)), str(i)) for i in range(20)])
    )
    assert sheet.height > 2 * 512 and sheet.width < 3300


@pytest.mark.parametrize(
    "text", ["", "dpm++3m-sde-exponential", "x" * 400, "[cat:dog:0.5] " * 30, "狐 лиса 🦊"]
)
def test_labels_fit_their_cells(text: str):
    letters = load_font(16)
    lines = wrap_text(text, letters, 120)
    assert all(text_width(line, letters) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(wrap_text(text, letters, 120, most=2)) <= 2
    cells = [[Cell(flat(COLOURS[0]), text)]]
    assert (
        draw_contact_sheet(Sheet(text, cells, [text], [text], (text, text), text)).getpixel((0, 0))
        == PAPER
    )


def test_an_empty_place_is_an_outline():
    found = places(draw_contact_sheet(Sheet("", [[Cell(flat(COLOURS[0])), Cell(None, "refused")]])))
    assert list(found) == [COLOURS[0]]
