"""Captions of the built-in model's world, and those that are wrong in one word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from sdcli.measures.captions import (
    COLOURS,
    THINGS,
    WRONG,
    builtin_captions,
    named,
    shows_caption,
    wrong_captions,
)
from sdcli.measures.measure import Seen


def test_there_are_300_and_each_names_a_thing_and_a_colour() -> None:
    captions = builtin_captions()
    assert len(captions) == 300 == len(set(captions))
    for caption in captions:
        kinds = [kind for _, kind, _ in named(caption)]
        assert COLOURS in kinds and THINGS in kinds, caption
        assert len(set(wrong_captions(caption))) == WRONG


def test_a_wrong_caption_differs_in_one_word_and_never_by_a_synonym() -> None:
    right = "a crimson cottage by the sea"
    for wrong in wrong_captions(right, 100):
        old, new = (
            word
            for pair in zip(right.split(), wrong.split(), strict=True)
            if pair[0] != pair[1]
            for word in pair
        )
        assert old in {"crimson", "cottage"} and new not in {"red", "house", "hut", "home"}
    assert wrong_captions(right) == wrong_captions(right)


def test_names_of_several_words_are_one_name_and_several_things_are_named_too() -> None:
    caption = "two buses and a hot pink heart-shaped balloon at home, dark blue foxes by a jack-o'-lantern"
    found = [(word[0], names[0]) for word, _, names in named(caption)]
    assert found == [
        ("buses", "bus"), ("hot pink", "magenta"), ("heart-shaped balloon", "balloon"),
        ("dark blue", "navy"), ("foxes", "fox"), ("jack-o'-lantern", "pumpkin"),
    ]  # fmt: skip


class Judge:
    """Finds captions that hold a word near, and all others far."""

    def __init__(self, word: str) -> None:
        self.word = word

    def look(self, images: Sequence[Image.Image], words: Sequence[str]) -> list[dict[str, Seen]]:
        near = [np.array([1.0, float(self.word in text)], np.float32) for text in words]
        return [{"clip": Seen(np.array([0.0, 1.0], np.float32), each)} for each in near]


@pytest.mark.parametrize(("word", "shown"), [("red house", True), ("blue house", False)])
def test_a_picture_shows_its_caption_where_no_wrong_one_is_nearer(word: str, shown: bool) -> None:
    assert shows_caption(Judge(word), Image.new("RGB", (8, 8)), "a red house") is shown
