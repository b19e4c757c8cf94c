from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdcli.errors import BadRequest
from sdcli.prompts.a1111 import BREAK, WeightedText, parse_a1111_weights, split_at_and
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tags import escape_tags, extract_foreign_tags, extract_lora_tags
from sdcli.request import Lora

SHARED = Path(__file__).parents[2] / "../shared/cases/prompt.json"
CASES = json.loads(SHARED.read_text("utf-8")) if SHARED.exists() else []


def cases(kind):
    return [
        pytest.param(case, id=case["prompt"])
        for case in CASES
        if (case["dialect"], case["kind"]) == ("a1111", kind)
    ]


@pytest.mark.parametrize("case", cases("attention"))
def test_weights_are_those_of_the_reference(case):
    assert [list(piece) for piece in parse_a1111_weights(case["prompt"])] == case["expected"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an owl", [("an owl", 1.0)]),
        ("an (old) owl", [("an ", 1.0), ("old", 1.1), (" owl", 1.0)]),
        ("[[dim]] light", [("dim", 1 / 1.1 * (1 / 1.1)), (" light", 1.0)]),
        ("(red:1.5) (blue:.5)", [("red", 1.5), (" ", 1.0), ("blue", 0.5)]),
        ("((red:2) fox:3)", [("red", 6.0), (" fox", 3.0)]),
        ("(red) (fox)", [("red", 1.1), (" ", 1.0), ("fox", 1.1)]),
        ("(red)(fox)", [("redfox", 1.1)]),
        ("(never closed", [("never closed", 1.1)]),
        (r"a smile :\) (wide\):2)", [("a smile :) ", 1.0), ("wide)", 2.0)]),
        ("4:3 ratio", [("4:3 ratio", 1.0)]),
        ("C:\\fox", [("C:fox", 1.0)]),
        ("a (b [c) d]", [("a ", 1.0), ("b ", 1.1), ("c", 1.1 * (1 / 1.1)), (" d", 1 / 1.1)]),
        ("()", [("", 1.0)]),
    ],
)
def test_weights(text, expected):
    assert [tuple(piece) for piece in parse_a1111_weights(text)] == expected


def test_break_ends_a_chunk():
    assert parse_a1111_weights("fox BREAK owl") == (
        WeightedText("fox", 1.0),
        BREAK,
        WeightedText("owl", 1.0),
    )
    assert parse_a1111_weights("BREAKFAST break") == (WeightedText("BREAKFAST break", 1.0),)


def test_two_breaks_have_an_empty_chunk_between():
    assert [text for text, _ in parse_a1111_weights("fox BREAK BREAK owl")] == [
        *("fox", "BREAK", "", "BREAK", "owl"),
    ]


@pytest.mark.parametrize("text", ["(fox BREAK owl:1.2)", "[fox BREAK owl]", "(fox BREAK owl"])
def test_in_brackets_break_is_a_word_as_in_a1111(text):
    pieces = parse_a1111_weights(text)
    assert [text for text, _ in pieces] == ["fox", "BREAK", "owl"]
    assert BREAK not in pieces


@pytest.mark.parametrize("text", ["(" * 101 + "a", "[" * 5000 + "a" + "]" * 5000])
def test_brackets_without_end_are_refused(text):
    with pytest.raises(BadRequest, match="brackets"):
        parse_a1111_weights(text)


@pytest.mark.parametrize("part", ["<a:", " ", ": ", ":1", "(a) ", "\\(", "BREAK ", "[a] "])
def test_a_long_prompt_is_read_in_a_moment(part):
    """A picture from anywhere may carry this; what is quadratic would take minutes."""
    text = part * 10_000
    assert parse_a1111_weights(extract_lora_tags(text)[0])
    assert split_at_and("AND" + text)


def test_plain_syntax_takes_every_sign_as_it_stands():
    text = "(a) [b|c] BREAK AND <lora:x:1> \\("
    plain = SYNTAXES["plain"]
    assert plain.parse_weights(text) == (WeightedText(text, 1.0),)
    assert plain.split_at_and(text) == (WeightedText(text, 1.0),)
    assert plain.extract_tags(text) == (text, ())
    assert plain.schedule("[a|b]", 4) == ((4, "[a|b]"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(a:1.2.3)", "1.2.3"),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_drawn_as_words(text, said):
    with pytest.raises(BadRequest) as refusal:
        parse_a1111_weights(text)
    assert said in refusal.value.fact
    assert refusal.value.hint


@pytest.mark.parametrize("case", cases("AND"))
def test_prompts_are_joined_as_in_the_reference(case):
    assert [list(part) for part in split_at_and(case["prompt"])] == case["expected"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox AND an owl :0.5", [("a fox", 1.0), (" an owl", 0.5)]),
        ("a fox AND (an owl:0.5)", [("a fox", 1.0), (" (an owl:0.5)", 1.0)]),
        ("a BRAND and sand", [("a BRAND and sand", 1.0)]),
        ("a poster, 16:9 ", [("a poster, 16", 9.0)]),  # that program's quirk, and it is said
        ("a poster, 16:9,", [("a poster, 16:9,", 1.0)]),
        ("a fox AND 5", [("a fox", 1.0), (" 5", 1.0)]),
    ],
)
def test_prompts_are_joined_with_and_in_capitals(text, expected):
    assert [tuple(part) for part in split_at_and(text)] == expected


@pytest.mark.parametrize(
    ("tag", "lora"),
    [
        ("<lora:ink>", Lora("ink", unet=1.0, te=1.0)),
        ("<lora:ink:0.8>", Lora("ink", unet=0.8, te=0.8)),
        ("<lora:ink:0.8:0.5>", Lora("ink", unet=0.5, te=0.8)),
        ("<lora:ink:te=0.3>", Lora("ink", unet=0.3, te=0.3)),
        ("<lora:ink:1:unet=-0.5>", Lora("ink", unet=-0.5, te=1.0)),
        ("<lyco:my ink v2:0>", Lora("my ink v2", unet=0.0, te=0.0)),
    ],
)
def test_a_tag_names_a_lora_and_leaves_the_text(tag, lora):
    assert extract_lora_tags(f"a fox{tag}, red") == ("a fox, red", (lora,))


@pytest.mark.parametrize(
    "tag", ["<hypernet:x:1>", "<lora:x:strong>", "<lora:x:1:1:1>", "<lora:x:dyn=4>"]
)
def test_a_tag_that_cannot_be_followed_is_refused_by_name(tag):
    with pytest.raises(BadRequest, match="<"):
        extract_lora_tags(f"a fox {tag}")


@pytest.mark.parametrize(
    ("tag", "loras", "remark"),
    [
        ("<lora:ink:0.8>", (Lora("ink", 0.8, 0.8),), None),
        ("<lora:ink:0.8:lbw=OUTALL>", (Lora("ink", 0.8, 0.8),), "more than a weight"),
        ("<lora:ink:1:0.5:4>", (Lora("ink", 0.5, 1.0),), "more than a weight"),
        ("<lora:ink:strong>", (), "not done here"),
        ("<hypernet:moss:0.5>", (), "not done here"),
        ("<segment:face>", (), "not done here"),
    ],
)
def test_another_programs_tags_leave_its_prompt_as_they_do_there(tag, loras, remark):
    words, found, remarks = extract_foreign_tags(f"a fox{tag}, red")
    assert (words, found) == ("a fox, red", loras)
    assert bool(remarks) is bool(remark)
    assert not remark or (tag in remarks[0] and remark in remarks[0])


def test_an_escaped_tag_is_words():
    text = "a <lora:ink:1> fox"
    assert "".join(t for t, _ in parse_a1111_weights(escape_tags(text))) == text
    assert extract_lora_tags(escape_tags(text)) == (escape_tags(text), ())
    assert escape_tags("1 < 2: <3") == "1 < 2: <3"


def test_the_weight_of_an_and_may_stand_behind_any_space() -> None:
    assert [part.weight for part in split_at_and("a fox :\x1d.7 AND a hen :\u2003.5 ")] == [
        0.7,
        0.5,
    ]
