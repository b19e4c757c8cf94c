"""Charts: SVG that parses, that light and dark can both show, and text that stays text."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

from sdcli.studies.charts import (
    FAINT,
    INK,
    LINE_COLOURS,
    ChartLine,
    ScheduleCurves,
    draw_error_chart,
    draw_schedule_chart,
)

SVG = "{http://www.w3.org/2000/svg}"
LINES = [
    ChartLine("ddim", [(10, 0.2), (20, 0.1), (50, 0.04)]),
    ChartLine("a <script>&$x$", [(20, 0.1), (40, 0.02), (100, 0.01)]),
]


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_errors_name_every_solver_as_text():
    written = texts(draw_error_chart(LINES, within=0.01))
    assert {"ddim", "a <script>&$x$", "model evaluations"} <= set(written)
    assert {"10", "20", "100"} <= set(written)


def test_ink_follows_the_page():
    svg = draw_error_chart(LINES)
    assert INK not in svg and FAINT not in svg and "currentColor" in svg
    assert LINE_COLOURS[0] in svg and LINE_COLOURS[1] in svg


def test_the_same_chart_is_the_same_text_and_ids_do_not_meet():
    noise = ScheduleCurves(
        [0.1] * 10, [0.9 - i / 20 for i in range(10)], [9, 4, 0], [14, 2, 0.1, 0], "euler"
    )
    one, other = draw_error_chart(LINES), draw_schedule_chart(noise)
    assert one == draw_error_chart(LINES) and other == draw_schedule_chart(noise)
    ids = [
        {node.get("id") for node in ElementTree.fromstring(svg).iter()} - {None}
        for svg in (one, other)
    ]
    assert not ids[0] & ids[1]
    assert "sigmas used: euler, 3 steps" in texts(other)


def test_the_library_sleeps_until_a_chart_is_made():
    probe = (
        "import sys, sdcli.studies.charts, sdcli.studies.html_page, sdcli.images.contact_sheet;"
        "print('matplotlib' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
