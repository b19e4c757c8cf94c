"""One table turns text into values, and refuses what cannot apply."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sdcli.errors import BadRequest
from sdcli.options import table as settings
from sdcli.request import Control, Draw, Edit, Enlarge, Lora, Outpaint, Redraw, Repaint, Request

ASKED = Request(Draw(), "a fox")


def after(*pairs: str, asked: Request = ASKED) -> Request:
    return settings.change_request(asked, settings.parse_assignments(pairs))


def test_every_setting_names_a_field() -> None:
    everywhere = {
        field.name
        for kind in (Request, Draw, Repaint, Outpaint, Edit, Enlarge)
        for field in fields(kind)
    }
    assert {setting.field for setting in settings.OPTIONS.values()} <= everywhere


def test_every_field_of_a_request_can_be_set() -> None:
    named = {setting.field for setting in settings.OPTIONS.values()}
    assert {field.name for field in fields(Request)} - named == {"task", "output", "sources"}


def test_numbers_and_names() -> None:
    changed = after("steps=40", "cfg=3.5", "clip_skip=2", "--scheduler=euler-a", "negative=a=b")
    assert (changed.steps, changed.cfg, changed.clip_skip) == (40, 3.5, 2)
    assert (changed.scheduler, changed.negative, changed.prompt) == ("euler-a", "a=b", "a fox")


def test_what_is_said_several_times_is_a_list() -> None:
    worn = after("lora=ink:0.5", "lora=paper").loras
    assert worn == (Lora("ink", 0.5, 0.5), Lora("paper"))
    assert after("lora=", asked=after("lora=ink")).loras == ()


def test_maps_and_edges_are_kept_apart() -> None:
    both = after("control=depth:map.png", "control-canny=lines:fox.png:0.5")
    assert both.controls == (
        Control("depth", Path("map.png")),
        Control("lines", Path("fox.png"), 0.5, preprocessor="canny"),
    )


def test_a_picture_to_start_from_changes_the_task() -> None:
    # In whatever order it is said.
    assert after("strength=0.4", "image=a.png").task == Redraw(Path("a.png"), 0.4)
    assert after("feather=3", "mask=m.png", "image=a.png").task == Repaint(
        Path("a.png"), Path("m.png"), None, 3
    )


@pytest.mark.parametrize(
    ("pair", "fact"),
    [
        ("stepps=4", "no setting is called"),
        ("steps", "sets nothing"),
        ("steps=0", "steps: 0 is out of bounds"),
        ("steps=four", "steps: `four` is not a whole number"),
        ("cfg=nan", "cfg:"),
        ("cfg=1e99", "cfg:"),
        ("width=515", "width: 515 is no multiple of 8"),
        ("seed=-1", "seed: -1 is out of bounds"),
        ("strength=0.5", "`strength` cannot apply to a picture drawn from words alone"),
        ("lora-partial=perhaps", "lora-partial:"),
        ("model=", "model:"),
    ],
)
def test_what_cannot_be_is_refused(pair: str, fact: str) -> None:
    with pytest.raises(BadRequest, match=fact):
        after(pair)


def test_near_names_are_suggested() -> None:
    with pytest.raises(BadRequest) as caught:
        settings.find_option("schedular")
    assert "did you mean `scheduler`?" in caught.value.hint
