"""Sweeps as text: what is varied, what is refused, and that it is refused before drawing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdcli.errors import BadRequest
from sdcli.plan import Plan
from sdcli.request import Draw, Lora, Redraw, Request
from sdcli.studies.sweep.plan import combine_axes, plan_cells, read_axes, read_axis, split_values
from tests.helpers.plans import a_plan

ASKED = Request(Draw(), "a red fox, a redder fox", seed=7)


def values(text: str, request: Request = ASKED) -> tuple[str, ...]:
    return read_axis(text, request).values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cfg=3,7.5,12", "3 7.5 12"),
        ("cfg=1..15/2", "1 3 5 7 9 11 13 15"),
        ("--cfg=0..0.3/0.1", "0 0.1 0.2 0.3"),
        ("cfg=5..1/2,9", "5 3 1 9"),
        ("steps = 10, 20", "10 20"),
        ("seed=1..4", "1 2 3 4"),
        ("clip_skip=1,2", "1 2"),
        ("cfg=-1..1", "-1 0 1"),
        ("steps=100..300/100", "100 200 300"),
    ],
)
def test_values_and_ranges(text: str, expected: str):
    assert values(text) == tuple(expected.split())


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 9))
def test_a_range_is_what_counting_gives(first: int, more: int, step: int):
    last = first + more
    assert split_values(f"{first}..{last}/{step}", ranges=True) == tuple(
        map(str, range(first, last + 1, step))
    )


def test_words_are_replaced_whole_and_everywhere():
    made = combine_axes(
        replace(ASKED, prompt="a red fox, red-haired, redder"),
        read_axes(["red=blue,dark green"], ASKED),
    )
    assert [cell.request.prompt for cell in made] == [
        "a blue fox, blue-haired, redder",
        "a dark green fox, dark green-haired, redder",
    ]


def test_a_comma_can_be_in_a_word_and_a_backslash_is_no_pattern():
    (cell,) = combine_axes(ASKED, [read_axis(r"fox=fox\, cat \1", ASKED)])
    assert cell.request.prompt == r"a red fox, cat \1, a redder fox, cat \1"


def test_every_combination_the_last_axis_fastest():
    made = combine_axes(ASKED, read_axes(["steps=10,20", "cfg=1,5", "red=red,blue"], ASKED))
    assert [cell.values for cell in made][:3] == [
        ("10", "1", "red"),
        ("10", "1", "blue"),
        ("10", "5", "red"),
    ]
    assert len(made) == 8
    last = made[-1].request
    assert (last.steps, last.cfg, last.prompt, last.seed) == (
        20,
        5.0,
        "a blue fox, a redder fox",
        7,
    )


def test_loras_come_on_top_of_those_that_are_worn_and_nothing_is_none():
    worn = replace(ASKED, loras=(Lora("a.safetensors"),))
    made = combine_axes(worn, [read_axis("lora=,b.safetensors:0.5", worn)])
    assert [cell.request.loras for cell in made] == [
        (Lora("a.safetensors"),),
        (Lora("a.safetensors"), Lora("b.safetensors", 0.5, 0.5)),
    ]


@pytest.mark.parametrize(
    "text",
    ["cfg", "=3", "cat=dog", "steps=0", "steps=x", "steps=1..2/0.5", "cfg=1..15/0", "cfg=1,1",
     "width=100", "cfg=1..1e9", "seed=0..5000", "count=1,2", "device=cpu", "cfg=nan", "cfg=1,,2"],
)  # fmt: skip
def test_refused(text: str):
    with pytest.raises(BadRequest):
        read_axes([text], ASKED)


def test_a_strength_needs_a_picture():
    with pytest.raises(BadRequest, match="strength"):
        combine_axes(ASKED, read_axes(["strength=0.2,0.8"], ASKED))
    redrawn = replace(ASKED, task=Redraw(Path("a.png")))
    assert [
        cell.request.task.strength
        for cell in combine_axes(redrawn, read_axes(["strength=0.2,0.8"], redrawn))
    ] == [0.2, 0.8]


@pytest.mark.parametrize("texts", [[], ["cfg=1,2"] * 2, ["cfg=1", "steps=1", "seed=1", "red=a"]])
def test_one_to_three_axes_each_of_its_own(texts: list[str]):
    with pytest.raises(BadRequest):
        read_axes(texts, ASKED)


def rolled(request: Request) -> Plan:
    """A plan whose seed is rolled anew each time, as the real one's is."""
    if request.cfg == 13:
        raise BadRequest("13 is unlucky", hint="take 12")
    rolled.dice += 1  # type: ignore[attr-defined]
    return a_plan(seed=request.seed or rolled.dice)  # type: ignore[attr-defined]


def test_one_seed_for_all_unless_seeds_vary():
    rolled.dice = 100  # type: ignore[attr-defined]
    free = replace(ASKED, seed=None)
    cells = plan_cells(free, read_axes(["cfg=1,2,3"], free), rolled)
    assert len({one.plan.seed for one in cells}) == 1
    assert [one.plan.seed for one in plan_cells(free, read_axes(["seed=4..6"], free), rolled)] == [
        4,
        5,
        6,
    ]


def test_a_cell_that_cannot_be_is_named():
    with pytest.raises(BadRequest, match="steps=20, cfg=13: 13 is unlucky"):
        plan_cells(ASKED, read_axes(["steps=20", "cfg=12,13"], ASKED), rolled)
    with pytest.raises(BadRequest, match="--count 2"):
        plan_cells(replace(ASKED, count=2), read_axes(["cfg=12"], ASKED), rolled)
