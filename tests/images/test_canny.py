from __future__ import annotations

import numpy as np
from PIL import Image

from sdcli.images.canny import find_edges


def lines(levels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(levels.astype(np.uint8)).convert("RGB")
    return np.asarray(find_edges(picture))[..., 0]


def test_a_step_is_one_line_on_its_darker_side():
    step = np.zeros((9, 12))
    step[:, 6:] = 200
    found = lines(step)
    assert set(np.unique(found)) == {0, 255}
    assert (found[:, 5] == 255).all() and np.count_nonzero(found) == 9


def test_the_steepest_channel_decides():
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    picture[:, 4:, 2] = 255
    found = np.asarray(find_edges(Image.fromarray(picture)))[..., 0]
    assert np.count_nonzero(found) == 8


def test_a_faint_line_is_kept_where_it_runs_into_a_strong_one():
    step = np.zeros((40, 20))
    step[:20, 10:] = 200
    step[20:, 10:] = 30  # 4 * 30 is between the two bounds
    assert np.count_nonzero(lines(step)[:, 9]) > 30
    step[:20, 10:] = 30
    assert np.count_nonzero(lines(step)) == 0


def test_the_size_is_kept_down_to_a_pixel():
    assert find_edges(Image.new("RGB", (1, 1))).size == (1, 1)
    assert find_edges(Image.new("L", (7, 3))).size == (7, 3)


def test_a_circle_as_opencv_draws_it():
    """Counted once with OpenCV 5.0's Canny(picture, 100, 200), pixel for pixel the same."""
    y, x = np.mgrid[:48, :48]
    disc = np.where((x - 24) ** 2 + (y - 22) ** 2 < 15**2, 220, 40)
    found = lines(disc)
    rows = [int(count) for count in (found > 0).sum(1)]
    assert rows == CIRCLE


CIRCLE = [*[0] * 7, 9, 4, 4, 4, 4, 2, 2, 4, *[2] * 15, 4, 2, 2, 4, 4, 4, 13, *[0] * 11]
