"""A prompt's words, as a CLIP that judges reads them."""

from __future__ import annotations

import pytest

from sdcli.prompts.bare_words import bare_words, cut_words


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fox", "a fox"),
        ("a ((red)) [blue] (tall:1.3) fox", "a red blue tall fox"),
        ("a fox <lora:ink:0.8>, snow <hypernet:x:1>", "a fox , snow"),
        ("a cat AND a dog :0.5", "a cat, a dog"),
        ("a [cat:fox:0.5] BREAK by the sea", "a fox by the sea"),
        (r"a \(red\) fox", "a (red) fox"),
    ],
)
def test_weights_tags_and_changes_are_taken_out(prompt: str, words: str):
    assert bare_words(prompt) == words


def test_a_plain_prompt_is_all_words():
    assert bare_words("a (red) <lora:ink:1> fox", "plain") == "a (red) <lora:ink:1> fox"


def test_what_is_too_long_is_cut_and_said():
    cut = cut_words("word " * 80 + "fox")
    assert len(cut.tokens) == 75 and cut.left_out == "word " * 5 + "fox"
    assert cut_words("a fox").left_out == ""
