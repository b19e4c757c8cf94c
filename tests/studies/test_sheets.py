"""Sheets that fill the width, and charts that say something."""

from __future__ import annotations

from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet
from sdcli.studies.compare.page import comparison_chart
from sdcli.studies.compare.statistics import MeasuredCell
from sdcli.studies.sheets import wrap_single_column


def cell(name: str, steps: int) -> MeasuredCell:
    return MeasuredCell(name, steps, True, steps, 1.0, 0.1, {"share": 1 / steps})


def test_a_sheet_of_one_column_runs_in_lines():
    cells = [[Cell(Image.new("RGB", (64, 64)), f"{n} s", f"n{n}")] for n in range(5)]
    sheet = Sheet("title", cells, list("abcde"), ["20"], ("cfg", "steps"), "about")
    wrapped = wrap_single_column(sheet, "{axis} = {name}")
    assert not wrapped.columns and len(wrapped.rows) == 1 and len(wrapped.rows[0]) == 5
    assert wrapped.rows[0][1].caption == "cfg = b · 1 s" and wrapped.rows[0][1].name == "n1"
    assert wrapped.subtitle == "steps = 20 · about"
    two = Sheet("title", [cells[0] * 2] * 2, ["a", "b"], ["1", "2"])
    assert wrap_single_column(two) is two


def test_there_is_no_chart_of_two_dots():
    assert comparison_chart([cell("ddim", 10), cell("heun", 10)], None) == ""
    assert comparison_chart([cell("ddim", 10), cell("ddim", 20)], None) == ""
    assert comparison_chart([cell(f"s{n}", 10) for n in range(5)], None) == ""
    assert "<svg" in comparison_chart([cell("ddim", 10), cell("ddim", 20), cell("heun", 9)], None)
