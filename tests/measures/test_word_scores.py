"""What each word does for a score, by a judge whose answer can be worked out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from sdcli.measures.measure import Seen
from sdcli.score.words import score_words, word_lines

WORTH = {"red": 0.3, "house": 0.4, "snow": -0.2}


class Counting:
    """A judge for whom a text's cosine is the sum of what its words are worth."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def look(self, images: Sequence[Image.Image], words: Sequence[str]) -> list[dict[str, Seen]]:
        """The views."""
        self.asked += words
        return [{"clip": self.view(text)} for text in words]

    def view(self, text: str) -> Seen:
        near = sum(WORTH.get(word.strip(","), 0.0) for word in text.split())
        across = np.array([near, (1 - near**2) ** 0.5], np.float32)
        return Seen(np.array([1, 0], np.float32), across)


def test_every_word_and_phrase_is_left_out_in_turn():
    judge = Counting()
    found = score_words(judge, Image.new("RGB", (8, 8)), "a red house, in the snow")
    assert judge.asked == [
        "a red house, in the snow", "a house, in the snow", "a red, in the snow", "a red house",
        "in the snow", "a red house",
    ]  # fmt: skip
    assert found.score == pytest.approx(50)
    gains = {one.text: one.gain for one in found.parts}
    assert gains == {
        "red": pytest.approx(30),
        "house": pytest.approx(40),
        "snow": pytest.approx(-20),
    }
    assert [one.text for one in found.phrases] == ["a red house", "in the snow"]
    lines = word_lines(found)
    assert lines[0].startswith("CLIP score 50.00") and "without `snow`" in lines[-1]


def test_a_single_word_leaves_nothing():
    found = score_words(Counting(), Image.new("RGB", (8, 8)), "house")
    assert found.score == pytest.approx(40) and found.parts[0].gain == pytest.approx(40)
    assert found.phrases == ()
