from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.errors import BadRequest
from sdcli.prompts.scheduling import merge_schedules, parse_prompt_editing

SHARED = Path(__file__).parents[2] / "../shared/cases/prompt.json"
CASES = json.loads(SHARED.read_text("utf-8")) if SHARED.exists() else []


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["prompt"])
        for case in CASES
        if (case["dialect"], case["kind"]) == ("a1111", "schedule")
    ],
)
def test_prompts_change_as_in_the_reference(case):
    before = case["steps"] if case["hires_steps"] else 0
    found = parse_prompt_editing(case["prompt"], case["hires_steps"] or case["steps"], before)
    assert [list(stretch) for stretch in found] == case["expected"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", [(4, "a fox")]),
        ("a [red:blue:2] fox", [(2, "a red fox"), (4, "a blue fox")]),
        ("a [red:blue:.75] fox", [(3, "a red fox"), (4, "a blue fox")]),
        ("a [red::1] fox", [(1, "a red fox"), (4, "a  fox")]),
        ("a [hat:1]", [(1, "a "), (4, "a hat")]),
        ("[a|b]", [(1, "a"), (2, "b"), (3, "a"), (4, "b")]),
        ("[(a:1.2)|[b]|]", [(1, "(a:1.2)"), (2, "[b]"), (3, ""), (4, "(a:1.2)")]),
        ("(a [b:c:2]:1.3)", [(2, "(a b:1.3)"), (4, "(a c:1.3)")]),
        ("[x [b:c:2]]", [(2, "[x b]"), (4, "[x c]")]),
        ("a [b:c:9]", [(4, "a b")]),
        ("[a [b|c]:d:2]", [(1, "a b"), (2, "a c"), (3, "d"), (4, "d")]),
    ],
)
def test_a_prompt_changes(text, expected):
    assert [tuple(stretch) for stretch in parse_prompt_editing(text, 4)] == expected


def test_a_second_pass_counts_on_from_the_first():
    def second(text, **rule):
        return [tuple(each) for each in parse_prompt_editing(text, 4, 10, **rule)]

    assert second("[a:b:12]") == [(2, "a"), (4, "b")]  # of ten steps and four
    assert second("[a:b:1.25]") == [(1, "a"), (4, "b")]
    assert second("[a:b:0.9] [c:d:10]") == [(4, "b d")]
    assert second("[a|b]")[0] == (1, "a")
    # Before 1.6 the first pass's changes came once more, by its own ten steps.
    assert second("[a:b:0.5]", shares_below_one=True) == [(5, "a"), (10, "b")]


@pytest.mark.parametrize(
    "text",
    [
        r"a \[cat:dog:0.5\]",
        r"[cat\|dog]",
        "[cat:dog]",
        "[a] b|c",
        "(a|b)",
        "[a:b:c:1]",
        "[a|b:0.5]",
        "[a (b|c)]",
        "[never closed:0.5",
        "closed:0.5]",
        "[:(:0.5]",
        "[a:b:2] and a | that stands alone",
        "[a:b:2] and a backslash at the end \\",
        "[a:b:2] and one before a new line \\\n",
        "[a (b:c:d) e:2]",
        "",
    ],
)
def test_what_only_looks_like_it_stays_text(text):
    assert parse_prompt_editing(text, 4) == ((4, text),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("((b) [c:2]", [(2, "((b) "), (4, "((b) c")]),
        ("(a:b:[c:2]) d", [(2, "(a:b:) d"), (4, "(a:b:c) d")]),
        ("a [b:1e999]", [(4, "a ")]),
        ("a [b:-1e999]", [(4, "a b")]),
    ],
)
def test_brackets_that_are_read_beside_some_that_are_not(text, expected):
    assert [tuple(scheduled) for scheduled in parse_prompt_editing(text, 4)] == expected


@pytest.mark.parametrize(
    ("when", "now", "before"), [("0.5", 2, 2), ("1.0", 4, 1), ("1.5", 4, 1), ("5e-1", 0, 2)]
)
def test_before_1_6_what_is_below_one_was_a_share_of_the_steps(when, now, before):
    for old, last in ((False, now), (True, before)):
        scheduled = parse_prompt_editing(f"[a:b:{when}]", 4, shares_below_one=old)
        assert [each.text for each in scheduled][0] == ("a" if last else "b")
        assert scheduled[0].until == (last or 4)


def test_two_prompts_change_each_in_their_own_time():
    both = merge_schedules(parse_prompt_editing("[a:b:2]", 4), parse_prompt_editing("[c:d:3]", 4))
    assert list(both) == [(2, ("a", "c")), (3, ("b", "c")), (4, ("b", "d"))]


@pytest.mark.parametrize("part", ["[", "]", "[a", "[a|b]", "(", "[:1]", "\\["])
def test_a_long_prompt_is_read_in_a_moment(part):
    assert parse_prompt_editing(part * 10_000, 1)


def test_brackets_without_end_are_refused():
    with pytest.raises(BadRequest, match="brackets"):
        parse_prompt_editing("[" * 2000 + "a" + "]" * 2000, 4)


@settings(max_examples=200, deadline=None)
@given(st.text("ab[]():|\\. 0.5", max_size=40), st.integers(1, 12))
def test_every_text_has_words_for_every_step(text, steps):
    found = parse_prompt_editing(text, steps)
    assert found[-1].until == steps
    ends = [stretch.until for stretch in found]
    assert ends == sorted(set(ends))
