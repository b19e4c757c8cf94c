"""ComfyUI's weights, as A1111 reads what they are translated into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.prompts.a1111 import BREAK, parse_a1111_weights, split_at_and
from sdcli.prompts.comfyui import translate_comfyui, weigh_comfyui
from sdcli.prompts.escape import escape_editing, shield_end
from sdcli.prompts.scheduling import parse_prompt_editing
from sdcli.prompts.tags import extract_lora_tags

SHARED = Path(__file__).parents[2] / "../shared/cases/prompt.json"
CASES = json.loads(SHARED.read_text("utf-8")) if SHARED.exists() else []


def weighed(prompt):
    """What A1111 reads in the translation, without stretches of nothing."""
    pieces = parse_a1111_weights(translate_comfyui(prompt))
    return [(text, pytest.approx(weight, abs=1e-6)) for text, weight in pieces if text]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["prompt"]) for case in CASES if case["dialect"] == "comfyui"],
)
def test_weights_are_those_of_the_reference(case):
    assert weighed(case["prompt"]) == [tuple(piece) for piece in case["expected"]]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a (red) fox", [("a ", 1), ("red", 1.1), (" fox", 1)]),
        ("((red:1.2):0.5)", [("red", 1.2)]),
        ("(a (b) c:1.5)", [("a ", 1.5), ("b", 1.65), (" c", 1.5)]),
        ("((a))", [("a", 1.21)]),
        (r"a \(b\) (c\):1.2)", [("a (b) ", 1), ("c)", 1.2)]),
        ("[a:b:0.5] [c|d]", [("[a:b:0.5] [c|d]", 1)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a:nan)", [("a:nan", 1.1)]),
        ("(:1.3)", [(":1.3", 1.1)]),
        ("(a:-0.5) b (c", [("a", -0.5), (" b (c", 1)]),
        ("c:\\path AND BREAK", [("c:\\path and break", 1)]),
        ("a poster 16:9", [("a poster 16:9", 1)]),
        ("", []),
    ],
)
def test_a_weight_is_what_comfyui_gives_it(prompt, expected):
    assert weighed(prompt) == expected


@settings(max_examples=500, deadline=None)
@given(
    st.text("ab ():|[]\\.1,<>\n", max_size=30)
    | st.lists(st.sampled_from(["AND", "A", "ND", "BREAK", "BRE", "AK", "(", ":1)", ")", " "])).map(
        "".join
    )
    | st.text(max_size=60)
)
def test_whatever_is_written_weighs_the_same_and_means_nothing_else(prompt):
    expected = "".join(text for text, _ in weigh_comfyui(prompt))
    translated = translate_comfyui(prompt)
    pieces = parse_a1111_weights(translated)
    assert BREAK not in pieces
    assert "".join(text for text, _ in pieces).lower() == expected.lower()
    assert parse_prompt_editing(translated, 10) == ((10, translated),)
    assert [part.weight for part in split_at_and(translated)] == [1]
    assert extract_lora_tags(translated) == (translated, ())


@pytest.mark.parametrize("text", ["[" + "<a:" * 60_000, "(" * 19_999, ":1<a:b>" * 25_000])
def test_a_long_prompt_is_translated_in_a_moment(text):
    translate_comfyui(text)
    shield_end(escape_editing(text))
