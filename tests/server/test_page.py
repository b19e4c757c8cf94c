"""The page at `/`: what it asks for, by itself; and all of it in a real browser, by keyboard alone."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

pytest.importorskip("fastapi")

from sdcli.server.http.read_request import client_options
from sdcli.server.page.form import ELSEWHERE, describe_form
from sdcli.server.pictures import PictureFolders, page_of
from tests.helpers.asked import Asked
from tests.helpers.browser import asked_addresses, open_browser
from tests.helpers.serving import Served, served

KEY = "0123456789abcdef0123456789abcdef"
EVIL = '<script>document.title="stolen"</script> "><img src=x onerror=alert(1)>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, the newest `c.png`, and what is none of them."""
    made = tmp_path / "out"
    made.mkdir()
    for age, name in enumerate(("c.png", "b.jpg", "a.webp")):
        Image.new("RGB", (900, 300), (age * 80, 40, 90)).save(made / name)
        os.utime(made / name, (1_000_000 - age, 1_000_000 - age))
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (made / "link.png").symlink_to(tmp_path / "secret.png")
    (made / "notes.txt").write_text("private")
    (made / "deep.png").mkdir()
    return made


def test_the_page_itself_needs_no_key_and_may_ask_nobody_else():
    served = Asked(key=KEY)
    for path in ("/", "/page.css", "/page.js"):
        answer = served.ask("GET", path)
        assert answer.status == 200
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert not re.findall(rb"https?://", answer.body)
    for path in ("/v1/form", "/v1/pictures", "/v1/pictures/a.png", "/v1/pictures/a.png/facts"):
        assert served.ask("GET", path).status == 401
        assert served.ask("GET", path, authorization=f"Bearer {KEY}").status in (200, 404)
    assert served.ask("POST", "/v1/pictures/a.png/jobs", {}).status == 401


def test_nothing_is_ever_put_in_as_markup():
    script = files("sdcli.server.page").joinpath("page.js").read_text()
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", script)


def test_only_pictures_of_the_folder_are_listed_and_found(folder):
    served = Asked(out=str(folder))
    listed = served.ask("GET", "/v1/pictures").data
    assert [one["name"] for one in listed["pictures"]] == ["c.png", "b.jpg", "a.webp"]
    assert not listed["more"]
    assert served.ask("GET", "/v1/pictures/c.png").body == (folder / "c.png").read_bytes()
    for name in (
        "../secret.png",
        "..",
        ".",
        "link.png",
        "notes.txt",
        "deep.png",
        "x" * 300,
        "\\c.png",
    ):
        for more in ("", "/facts", "/thumbnail"):
            answer = served.ask("GET", f"/v1/pictures/{name}{more}")
            assert answer.status == 404
            assert answer.data["error"]["fact"] and answer.data["error"]["hint"]


def test_pictures_come_page_by_page(folder):
    every = PictureFolders((folder, folder / "nowhere")).listed()
    first = page_of(every, None, 2)
    rest = page_of(every, first[-1].name, 2)
    assert [one.name for one in (*first, *rest)] == ["c.png", "b.jpg", "a.webp"]
    assert page_of(every, "gone.png", 2) == first


def test_thumbnails_are_small_and_a_broken_picture_is_a_fact(folder):
    served = Asked(out=str(folder))
    answer = served.ask("GET", "/v1/pictures/c.png/thumbnail")
    assert Image.open(io.BytesIO(answer.body)).size == (320, 107)
    assert answer.headers["content-type"] == "image/jpeg"
    (folder / "broken.png").write_bytes(b"no picture at all")
    for more in ("/thumbnail", "/facts"):
        answer = served.ask("GET", f"/v1/pictures/broken.png{more}")
        assert answer.status == 400 and answer.data["error"]["fact"]
    again = served.ask("POST", "/v1/pictures/c.png/jobs", {"vary": True})
    assert again.status == 400 and "carries no plan" in again.data["error"]["fact"]
    again = served.ask("POST", "/v1/pictures/c.png/jobs", {"vary": "yes"})
    assert again.data["error"]["param"] == "vary"


def test_the_form_has_every_option_once():
    form = describe_form(Asked().settings)
    named = [option["name"] for group in form["groups"] for option in group["options"]]
    controls = {name for name in client_options() if name.startswith("control")}
    assert sorted(named) == sorted(client_options().keys() - controls - set(ELSEWHERE))
    by_name = {option["name"]: option for group in form["groups"] for option in group["options"]}
    assert by_name["lora"]["words"] == ["builtin:blueprint", "builtin:few"]
    assert by_name["model"]["default"] == "builtin"
    assert by_name["zero-snr"]["words"] == ["yes", "no"]
    assert by_name["metadata"]["value"] is False and by_name["metadata"]["title"] == "no metadata"


@pytest.fixture
def no_network(request: pytest.FixtureRequest) -> None:
    """A browser's driver listens on a socket of this machine. What the page asks for is counted."""


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)
    return found


def focused(chrome: Any) -> Any:
    return chrome.switch_to.active_element


def press(chrome: Any, *keys: str) -> None:
    for key in keys:
        focused(chrome).send_keys(key)


def tab_to(chrome: Any, wanted: str) -> None:
    """Go on from field to field until this one has the focus."""
    for _ in range(60):
        if focused(chrome).get_attribute("id") == wanted:
            return
        press(chrome, "\ue004")
    raise AssertionError(f"no Tab leads to {wanted}")


def texts(chrome: Any, selector: str) -> list[str]:
    return chrome.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)",
        selector,
    )


ENTER, ESCAPE = "\ue007", "\ue00c"


@pytest.mark.slow
def test_in_a_browser_by_keyboard_alone(server: Served):
    with open_browser() as chrome:
        chrome.get(server.url)
        wait_for(lambda: texts(chrome, "#option-steps-help"))
        assert focused(chrome).get_attribute("id") == "prompt"
        before = len(server.ask("GET", "/v1/pictures").data["pictures"])

        # what is wrong is said beside the field
        press(chrome, EVIL)
        tab_to(chrome, "option-width")
        press(chrome, "63", ENTER)
        wait_for(lambda: texts(chrome, "#option-width-failure:not([hidden])"))
        assert focused(chrome).get_attribute("aria-invalid") == "true"
        (failure,) = texts(chrome, "#option-width-failure")
        assert "no multiple of 8" in failure and "56 or 64" in failure

        # a picture is drawn, seen while it is, and kept
        chrome.execute_script(WATCH_PREVIEWS)
        press(chrome, "\ue003", "4")
        tab_to(chrome, "option-height")
        press(chrome, "64")
        tab_to(chrome, "option-steps")
        press(chrome, "12", ENTER)
        wait_for(lambda: len(texts(chrome, "#pictures button[data-name]")) == before + 1)
        wait_for(lambda: not texts(chrome, ".job"))
        assert chrome.execute_script("return window.previews") > 0
        assert texts(chrome, "[aria-invalid=true]") == []

        # a job is cancelled
        chrome.find_element("id", "prompt").clear()
        chrome.execute_script("document.querySelector('#prompt').focus()")
        press(chrome, "a red house")
        tab_to(chrome, "option-steps")
        press(chrome, "\ue003", "\ue003", "900", ENTER)
        wait_for(lambda: texts(chrome, ".job .view img"))
        press(chrome, ESCAPE)
        wait_for(lambda: not texts(chrome, ".job"))
        assert len(server.ask("GET", "/v1/pictures").data["pictures"]) == before + 1

        # the picture says how it was drawn, as text; it is varied and drawn again
        first = chrome.find_element("css selector", "#pictures button")
        chrome.execute_script("arguments[0].focus()", first)
        press(chrome, ENTER)
        wait_for(lambda: texts(chrome, "#shown[open] #shown-title"))
        assert texts(chrome, "#shown-title") == [EVIL] and chrome.title == "sdcli"
        (command,) = texts(chrome, "#command")
        assert command.startswith("sdcli txt2img ") and "--steps 12" in command
        assert texts(chrome, "#actions button") == [
            *("Vary", "Draw again", "Take its settings", "Start from it", "Copy the command"),
        ]
        name = first.get_attribute("data-name")
        for place, more in ((0, 2), (1, 3)):
            chrome.execute_script(f"document.querySelectorAll('#actions button')[{place}].focus()")
            press(chrome, ENTER)
            wait_for(lambda n=before + more: len(texts(chrome, "#pictures button[data-name]")) == n)
            shown = f"#pictures button[data-name='{name}']"
            chrome.execute_script("document.querySelector(arguments[0]).focus()", shown)
            press(chrome, ENTER)
            wait_for(lambda: texts(chrome, "#shown[open] #shown-title"))
        press(chrome, ESCAPE)
        assert not texts(chrome, "#shown[open]")
        newest = server.ask("GET", "/v1/pictures").data["pictures"][:3]
        again, varied, original = (
            Image.open(server.home / "out" / one["name"]).tobytes() for one in newest
        )
        assert again == original != varied

        sent = asked_addresses(chrome)
        assert any("/v1/jobs" in address for address in sent)
        own = (server.url, "blob:" + server.url, "data:image/")
        assert [one for one in sent if not one.startswith(own) and one != "data:,"] == []
        severe = [entry for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
        assert [one for one in severe if "400 (Bad Request)" not in one["message"]] == []


@pytest.mark.slow
@pytest.mark.thorough
def test_a_mask_is_painted_and_what_it_drew_can_be_varied(server: Served):
    from selenium.webdriver import ActionChains

    start = Image.effect_noise((64, 64), 80).convert("RGB")
    start.save(server.home / "out" / "begin.png")
    with open_browser() as chrome:
        chrome.get(server.url)
        wait_for(lambda: texts(chrome, "#pictures button[data-name='begin.png']"))
        click(chrome, "#pictures button[data-name='begin.png']")
        wait_for(lambda: texts(chrome, "#shown[open] #actions button"))
        assert texts(chrome, "#actions button") == ["Start from it"]  # it carries no plan
        click(chrome, "#actions button")
        canvas = wait_for(lambda: chrome.find_elements("css selector", ".mask canvas"))[0]
        wait_for(lambda: canvas.get_property("width") == 64)
        chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        stroke = ActionChains(chrome).move_to_element_with_offset(canvas, -100, -100)
        stroke.click_and_hold().move_by_offset(60, 0).move_by_offset(0, 60).release().perform()
        wait_for(lambda: "as it is painted above" in texts(chrome, "[data-option=mask] .faint"))
        chrome.find_element("id", "option-steps").send_keys("3")
        chrome.find_element("id", "prompt").send_keys("a red house", ENTER)
        drawn = "#pictures button[data-name^='a-red-house']"
        wait_for(lambda: texts(chrome, drawn))
        first = newest(server)
        image = Image.open(server.home / "out" / first)
        changed = ImageChops.difference(image, start).getbbox()
        assert changed is not None and changed[2] < 60 and changed[3] < 60

        click(chrome, drawn)
        wait_for(lambda: texts(chrome, "#shown[open] #actions button:nth-child(2)"))
        click(chrome, "#actions button")  # Vary
        wait_for(lambda: newest(server) != first)
        assert not [name for name in texts(chrome, "#pictures button") if "+" in name]


def newest(server: Served) -> str:
    return server.ask("GET", "/v1/pictures").data["pictures"][0]["name"]


def click(chrome: Any, selector: str) -> None:
    chrome.execute_script("document.querySelector(arguments[0]).click()", selector)


WATCH_PREVIEWS = """
window.previews = 0;
new MutationObserver(() => { window.previews += document.querySelectorAll(".job img.rough").length; })
  .observe(document.getElementById("jobs"), { subtree: true, childList: true, attributes: true });
"""


@pytest.mark.slow
def test_on_a_phone_nothing_is_cut_off_and_the_key_is_asked_for_once(server, tmp_path):
    (tmp_path / "key").write_text(KEY)
    key_file = ("--api-key-file", tmp_path / "key")
    with served(*key_file, beside=server) as locked, open_browser() as chrome:
        size = {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.get(locked.url)
        for key in ("not the key at all", KEY):
            wait_for(lambda: texts(chrome, "#key-dialog[open]"))
            press(chrome, key, ENTER)
        wait_for(lambda: texts(chrome, "details"))
        chrome.refresh()
        wait_for(lambda: texts(chrome, "details"))
        assert not texts(chrome, "#key-dialog[open]")
        for fold in chrome.find_elements("css selector", "details"):
            chrome.execute_script("arguments[0].open = true", fold)
        assert chrome.execute_script("return document.documentElement.scrollWidth") == 360
        unlabelled = "input:not([aria-label]), select, textarea"
        assert chrome.execute_script(
            "return [...document.querySelectorAll(arguments[0])].every((one) => one.labels.length)",
            unlabelled,
        )
        low = (
            "return [...document.querySelectorAll('button')]"
            ".filter((one) => one.offsetHeight && one.offsetHeight < 32).length"
        )
        assert chrome.execute_script(low) == 0
