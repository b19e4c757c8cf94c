"""The page: in a browser where there is one, and as text everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.images.contact_sheet import Cell, Sheet, flow_cells
from sdcli.studies.charts import ChartLine, draw_error_chart
from sdcli.studies.compare.page import COLUMNS, FORMATS
from sdcli.studies.html_page import NumberTable, PageChart, StudyPage, render_page
from tests.helpers.browser import asked_addresses, open_browser

EVIL = '<script>document.title="stolen"</script><img src=http://192.0.2.1/x onerror=alert(1)> "&\''
COLOURS = [(200, 30, 30), (30, 160, 30), (30, 30, 200), (200, 160, 20)]


def page() -> StudyPage:
    cells = [
        Cell(Image.new("RGB", (64, 64), colour), f"{place} %", f"{EVIL} {place}", f"sdcli {EVIL}")
        for place, colour in enumerate(COLOURS)
    ]
    numbers = [["ddim", 10, 3.5], ["euler", 9, None], ["dpm2", 200, 0.25], [EVIL, 30, 12]]
    return StudyPage(
        kind="Test",
        title=EVIL,
        subtitle=EVIL,
        verdict=[EVIL],
        sheets=[
            Sheet(EVIL, [cells[:2], cells[2:]], [EVIL, "b"], ["1", EVIL], (EVIL, EVIL)),
            flow_cells("more", [Cell(Image.new("RGB", (900, 600)), EVIL), Cell(None, EVIL)]),
        ],
        charts=[PageChart(EVIL, draw_error_chart([ChartLine(EVIL, [(1, 1), (2, 0.5)])]), EVIL)],
        tables=[NumberTable(EVIL, ["scheduler", "steps", "distance"], numbers, ["", "d", ".2f"])],
        notes=[EVIL],
        plan={EVIL: EVIL},
        command=EVIL,
        slider=(0, 3),
    )


def test_what_a_user_wrote_is_text():
    text = render_page(page())
    assert EVIL not in text
    assert len(re.findall(r"<script\b", text)) == 1
    # every image is embedded, and no address outside the page is ever an attribute to be fetched
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in text


def test_a_page_without_pictures_has_no_slider():
    assert 'class="slider"' not in render_page(StudyPage("Test", "nothing", slider=(0, 1)))


def test_what_stands_in_backticks_is_code():
    text = render_page(StudyPage("Test", "x", verdict=["a lower `--cfg <b>` does"]))
    assert "a lower <code>--cfg &lt;b&gt;</code> does" in text


def test_pictures_in_lines_fill_as_many_columns_as_the_sheet_has():
    cells = [Cell(Image.new("RGB", (64, 64), colour)) for colour in COLOURS]
    text = render_page(StudyPage("Test", "x", sheets=[flow_cells("four", cells)]))
    assert 'class="flow" style="--across: 4"' in text


@pytest.fixture(autouse=True)
def no_network() -> None:
    """A browser's driver listens on a socket of this machine. What the page asks for is counted."""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """The page opened from the disk in a real browser, with everything it asks for noted."""
    file = tmp_path / "report.html"
    file.write_text(render_page(page()), encoding="utf-8")
    with open_browser() as chrome:
        chrome.get(file.as_uri())
        yield chrome


@pytest.mark.slow
def test_at_1000_pixels_the_table_of_a_comparison_and_a_strip_of_eight_are_whole(browser: Any):
    page = StudyPage(
        kind="Test",
        title="wide",
        sheets=[
            Sheet(
                "strip",
                [[Cell(Image.new("RGB", (64, 64)), "") for _ in range(8)]],
                ["what the model sees in it"],
                [f"step {place}  σ 0.0819" for place in range(8)],
            )
        ],
        tables=[
            NumberTable(
                "numbers",
                COLUMNS,
                [
                    [
                        "dpm++2m-sde-karras",
                        100,
                        1000,
                        1234.5,
                        12.5,
                        100.0,
                        0.1234,
                        100.0,
                        0.1,
                        100.0,
                        "yes",
                    ]
                ],
                FORMATS,
            )
        ],
    )
    file = Path(browser.current_url.removeprefix("file://"))
    file.write_text(render_page(page), encoding="utf-8")
    browser.set_window_size(1000, 900)
    browser.refresh()
    for box in browser.find_elements("css selector", ".scroll"):
        assert box.get_property("scrollWidth") <= box.get_property("clientWidth")


def visible(chrome: Any, selector: str) -> list[Any]:
    return [node for node in chrome.find_elements("css selector", selector) if node.is_displayed()]


def column(chrome: Any, place: int) -> list[str]:
    cells = chrome.find_elements("css selector", f"table.numbers td:nth-child({place})")
    return [cell.text for cell in cells]


@pytest.mark.slow
def test_in_a_browser_it_sorts_slides_enlarges_and_fetches_nothing(browser: Any):
    assert browser.title == EVIL and browser.find_element("tag name", "h1").text == EVIL

    steps, distance = browser.find_elements("css selector", "table.numbers button")[1:]
    steps.click()
    assert column(browser, 2) == ["9", "10", "30", "200"]
    steps.click()
    assert column(browser, 2) == ["200", "30", "10", "9"]
    distance.click()
    assert column(browser, 3) == ["0.25", "3.50", "12.00", "–"]

    pair = browser.find_element("css selector", ".pair")
    left, right = pair.find_elements("tag name", "img")
    assert left.get_attribute("src") != right.get_attribute("src")
    bar = pair.find_element("css selector", "input")
    before = right.value_of_css_property("clip-path")
    bar.send_keys("\ue012" * 20)  # the left arrow key
    assert right.value_of_css_property("clip-path") != before
    choice = browser.find_elements("css selector", ".choices select")[1]
    choice.send_keys(EVIL[:3])

    picture = browser.find_element("css selector", "#picture-0 img")
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    small = picture.size["width"]
    picture.click()
    assert picture.size["width"] > 2 * small
    assert [code.text for code in visible(browser, "figure code.alone")] == [f"sdcli {EVIL}"]
    visible(browser, "nav .after")[0].click()
    assert browser.find_element("css selector", "#picture-1 img").size["width"] > 2 * small
    visible(browser, "nav .close")[0].click()
    assert not visible(browser, "figure code.alone")

    sent = asked_addresses(browser)
    assert any(address.startswith("data:image/") for address in sent)  # the log is one of requests
    asked = [address for address in sent if not address.startswith(("data:", "file:"))]
    assert asked == []
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.slow
def test_without_javascript_everything_but_slider_and_sorting_is_there(browser: Any):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.refresh()
    assert len(visible(browser, "figure img")) == 5
    assert not visible(browser, "section.slider")
    assert len(column(browser, 1)) == 4
    small = browser.find_element("css selector", "#picture-0 img")
    width = small.size["width"]
    small.click()
    assert small.size["width"] > 2 * width
