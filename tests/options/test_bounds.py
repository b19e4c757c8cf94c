"""What the front door takes, a picture's metadata reads back: the bounds are one table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.errors import BadRequest
from sdcli.options.parse import Real, Switch, Whole, Word
from sdcli.options.table import ALL_OPTIONS, OPTIONS, Option, number_bounds, plain_options
from sdcli.plan import Draw, Plan
from sdcli.request import Output, Request
from tests.helpers.plans import a_plan, read_back

pytestmark = pytest.mark.slow

COMPOSITE = {
    "task",
    "prompt",
    "model",
    "vae",
    "loras",
    "embeddings",
    "controls",
    "sources",
    "output",
}
# In the model, or in the prompts where they have choices; by nobody's word.
FOUND = {"family", "words", "template", "negative_template"}


def edges(option: Option) -> list[Any]:
    """The least and the most that an option takes, and its words."""
    match option.parse:
        case Whole(least, most, multiple):
            return [least, most // multiple * multiple]
        case Real(least, most):
            return [least, most, (least + most) / 3]
        case Word():
            return list(option.parse.words)
        case Switch():
            return [True, False]
        case _:
            return []


def test_every_field_of_a_plan_has_a_row() -> None:
    named = {option.field for option in ALL_OPTIONS.values()}
    decided = {each.name for each in fields(Plan) if each.compare}
    assert decided - named - FOUND == {"task"}


def test_every_field_of_a_request_has_a_row() -> None:
    named = {option.field for option in ALL_OPTIONS.values() if option.of == "request"}
    assert {each.name for each in fields(Request)} - named == {"task", "output", "sources"}
    outputs = {option.field for option in ALL_OPTIONS.values() if option.of == "output"}
    assert {each.name for each in fields(Output)} == outputs


def test_a_plain_option_is_called_alike_in_request_and_plan() -> None:
    for option in plain_options():
        assert option.field in {each.name for each in fields(Request)}
        assert option.field in {each.name for each in fields(Plan)}


@pytest.mark.parametrize("option", plain_options(), ids=lambda option: option.name)
def test_a_plan_at_the_edge_is_read_back(option: Option) -> None:
    for value in edges(option):
        plan = a_plan(**{option.field: (value,) if option.many else value})
        assert read_back(plan) == replace(plan, output=Output())


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_nothing_beyond_the_edge_is_taken(option: Option) -> None:
    if not isinstance(option.parse, Whole | Real):
        return
    step = getattr(option.parse, "multiple", 1)
    for text in (str(option.parse.least - step), str(option.parse.most + step)):
        with pytest.raises(BadRequest) as refused:
            option.read(text)
        assert "out of bounds" in refused.value.fact or "negative" in refused.value.fact
        assert refused.value.hint


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_numbers_between_the_edges_are_read_back(data: st.DataObject) -> None:
    changes: dict[str, Any] = {}
    for option in plain_options():
        if isinstance(option.parse, Whole):
            count = st.integers(option.parse.least, option.parse.most // option.parse.multiple)
            changes[option.field] = data.draw(count) * option.parse.multiple
        elif isinstance(option.parse, Real):
            changes[option.field] = data.draw(st.floats(option.parse.least, option.parse.most))
    plan = a_plan(**changes)
    assert read_back(plan) == plan


def test_the_bounds_of_reading_are_the_tables() -> None:
    from sdcli.metadata.record import BOUNDS

    for field, bounds in number_bounds().items():
        assert BOUNDS.numbers[field] == bounds


@pytest.mark.parametrize(
    "flags",
    [
        ("--cfg", "2000"),
        ("--eta", "150", "--scheduler", "euler-a"),
        ("--ensd", "99999999999999999999"),
        ("--lora", "builtin:blueprint:5000"),
        ("--steps", "1001"),
        ("--clip-skip", "25"),
    ],
)
def test_what_could_not_be_read_back_is_refused_at_the_door(
    sdcli: Callable[..., Any], flags: tuple[str, ...]
) -> None:
    ran = sdcli("txt2img", "a red house", "--dry-run", *flags)
    assert ran.code == 2
    assert flags[0] in ran.err and "\nhint: " in ran.err


@pytest.mark.parametrize("cfg", ["-1000", "999.5", "1000", "1e-7"])
def test_what_is_taken_at_the_door_is_read_back(
    sdcli: Callable[..., Any], sd1: Path, cfg: str
) -> None:
    ran = sdcli(
        "txt2img", "a red house", "-m", sd1, "--cfg", cfg, "--seed", "1", "--dry-run", "--json"
    )
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    assert shown["cfg"] == float(cfg)
    assert read_back(a_plan(task=Draw(), cfg=shown["cfg"])).cfg == float(cfg)
