"""The built-in model's attention: an object's word lies on the object, better than chance."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.bench.attention import auc, measured, object_mask


def test_the_measure_is_right_where_it_is_known():
    mask = np.zeros((8, 8), bool)
    mask[2:5, 3:7] = True
    ramp = np.arange(64, dtype=float).reshape(8, 8)
    assert auc(mask.astype(float), mask) == 1
    assert auc(-mask.astype(float), mask) == 0
    assert auc(np.ones((8, 8)), mask) == 0.5
    pairs = [(a > b) + (a == b) / 2 for a in ramp[mask] for b in ramp[~mask]]
    assert auc(ramp, mask) == pytest.approx(np.mean(pairs))


def test_an_object_is_found_by_its_colour():
    picture = Image.new("RGB", (16, 16), (246, 244, 240))
    picture.paste((200, 50, 50), (4, 4, 12, 12))
    assert object_mask(picture, "red").sum() == 64


def test_a_word_lies_on_its_object():
    """One picture of the fifty that the bench measures, of fewer steps."""
    scores = measured("blue", "square", "a blue square on a white background", 12, 9).scores
    assert scores is not None, "no blue thing was drawn"
    assert scores["square"] > 0.7 > scores["background"]
