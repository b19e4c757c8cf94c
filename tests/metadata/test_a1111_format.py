"""AUTOMATIC1111's text: written strictly, read leniently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.metadata import a1111_format as infotext
from sdcli.metadata.a1111_format import Infotext
from tests.helpers.shared import cases

WHOLE = "a fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 64x32"

# Where that program's own reader is known to be wrong about what was meant.
MISREAD = {
    "civitai-nested": {"Civitai resources", "Civitai metadata"},
    "civitai-jammed-dot": {"Prompt", "Negative prompt", "Parameters                      "},
    "civitai-jammed-empty-neg": {
        "Prompt",
        "Negative prompt",
        "Parameters                      ",
        "Steps",
        "Civitai resources",
        "urn",
    },
    "go-sdcpp-empty-model-dup-keys": {"TE"},
    "ts-one-param": {"Negative prompt", "Steps"},
    "ts-multiline-negative": {"Negative prompt", "Steps"},
    "adetailer-prompt-quoted": {"Hashes"},
    "civitai-copy-button": {"Civitai resources"},
}
NAMES = {
    "prompt": "Prompt",
    "positive": "Prompt",
    "Prompt": "Prompt",
    "negative": "Negative prompt",
    "negativePrompt": "Negative prompt",
    "NegativePrompt": "Negative prompt",
    "steps": "Steps",
    "sampler": "Sampler",
    "cfgScale": "CFG scale",
    "CfgScale": "CFG scale",
    "seed": "Seed",
    "width": "Size-1",
    "height": "Size-2",
    "Vae": "VAE",
    "TextEncoder": "TE",
    "xyz_x_type": "X Type",
}


def told(info: Infotext) -> dict[str, str]:
    """A parsed text under that program's names."""
    lines = {"Prompt": info.prompt, "Negative prompt": info.negative}
    found = {name: "\n".join(map(str.strip, said.split("\n"))) for name, said in lines.items()}
    found |= info.fields
    if "Size" in found:
        found["Size-1"], _, found["Size-2"] = found["Size"].partition("x")
    return found


@pytest.mark.parametrize("case", cases("infotext.json"), ids=lambda case: case["id"])
def test_every_sample_reads_as_its_source_says(case: dict[str, Any]) -> None:
    found = told(infotext.parse_infotext(case["raw"]))
    known = case.get("source_expected", {})
    for name, value in known.items():
        mine = found.get(NAMES.get(name, name))
        if mine is not None and not isinstance(value, (dict, list)):
            assert mine == str(value) or float(mine) == float(value), name
    if isinstance(known.get("instructions"), dict):
        assert found.items() >= known["instructions"].items()
    for name, value in case["a1111_reference_parse"].items():
        if name not in MISREAD.get(case["id"], ()) and case["id"] != "hs-template-lines":
            assert found.get(name, "") == value, name


def test_the_parts() -> None:
    info = infotext.parse_infotext(WHOLE)
    assert (info.prompt, info.negative) == ("a fox", "blurry")
    assert info.fields == {"Steps": "20", "Sampler": "Euler a", "Seed": "7", "Size": "64x32"}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('Lora hashes: "a: 12, b: 34", Seed: 7', "Lora hashes", "a: 12, b: 34"),
        ('Note: "say \\"cheese\\"\\n", Seed: 7', "Note", 'say "cheese"\n'),
        ('Hashes: {"model": "12", "x": [1, 2]}, Seed: 7', "Hashes", '{"model": "12", "x": [1, 2]}'),
        (
            "Created Date: 2026-02-25T22:09:08.81Z, Seed: 7",
            "Created Date",
            "2026-02-25T22:09:08.81Z",
        ),
        ('Odd: "never closed, Seed: 7', "Seed", "7"),
        ("Odd: [1, 2, Seed: 7", "Seed", "7"),
        ("TE: one, TE: two, Seed: 7", "TE", "one, two"),
        ("CFG scale: 7, CFG scale: 8, Seed: 7", "CFG scale", "8"),
    ],
)
def test_values(line: str, name: str, value: str) -> None:
    assert infotext.parse_infotext(f"a fox\nSteps: 20, {line}").fields[name] == value


def test_wrapped_and_trailing_lines() -> None:
    info = infotext.parse_infotext(
        "a fox\nSteps: 20, Sampler: Euler a,\nSeed: 7\n"
        "Template: a {fox|dog}\nNegative Template: bad"
    )
    assert info.fields == {
        "Steps": "20",
        "Sampler": "Euler a",
        "Seed": "7",
        "Template": "a {fox|dog}",
        "Negative Template": "bad",
    }


def test_steps_in_a_prompt_are_words() -> None:
    info = infotext.parse_infotext(
        "steps: 1 2 3, up\nSteps: many, and more\nNegative prompt: Steps: no"
    )
    assert info.fields == {}
    assert info.prompt == "steps: 1 2 3, up\nSteps: many, and more"


names = st.text("abcdefghij ", min_size=2, max_size=20).map(lambda name: f"K{name}".strip())
values = st.text(min_size=1, max_size=40).map(str.strip).filter(bool)


@given(st.dictionaries(names, values, max_size=8))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(fields: dict[str, str]) -> None:
    # Values that begin like JSON or a quotation are only safe where they have to be quoted anyway.
    fields = {
        name: value
        for name, value in fields.items()
        if value[0] not in '"{[' and value.splitlines() == [value]
    }
    whole = Infotext("a fox", "blurry", {"Steps": "20", **fields})
    assert infotext.parse_infotext(infotext.compose_infotext(whole)) == whole


@given(st.text(max_size=2_000))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read(text: str) -> None:
    infotext.parse_infotext(text)


@pytest.mark.parametrize(
    "text",
    [
        "Steps: 1, " + 'a: "\\", ' * 50_000,
        "Steps: 1, " + 'k: {"a":1, ' * 50_000,
        "Steps: 1, a: " + "[" * 200_000,
        "Steps: 1, " + " " * 500_000,
        "." * 200_000 + "Steps: 1,",
        "Steps:" * 100_000,
        "a " * 300_000 + ":",
        "x\n" + "a" * 500_000,
        "x\n" + " \t" * 250_000,
        "x\n" + 'ab:"' * 100_000,
    ],
)
def test_nothing_takes_for_ever(text: str) -> None:
    infotext.parse_infotext(text)  # quadratic time would be minutes: the suite's limit ends it
