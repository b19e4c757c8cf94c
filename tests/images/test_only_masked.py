"""A mask's part cut out and laid back, holes filled from around, pictures at other sizes."""

import numpy as np
import pytest
from PIL import Image

from sdcli.images.only_masked import cut_out_masked, fill_masked, masked_box
from sdcli.images.resize import Box, contain, cover, stretch


def picture(width: int = 128, height: int = 96) -> Image.Image:
    y, x = np.indices((height, width))
    return Image.fromarray(np.stack([x, y, (x + y) // 2], -1).astype(np.uint8))


def mask(box: tuple[int, int, int, int], width: int = 128, height: int = 96) -> Image.Image:
    whole = Image.new("L", (width, height))
    whole.paste(255, box)
    return whole


@pytest.mark.parametrize(
    ("padding", "size", "box"),
    [
        (0, (64, 64), (30, 35, 60, 65)),
        (8, (64, 64), (22, 27, 68, 73)),
        (0, (128, 64), (15, 35, 75, 65)),  # as wide again as it is high
        (0, (512, 64), (0, 35, 128, 65)),  # wider than the picture goes
        (500, (64, 64), (0, 0, 128, 96)),
    ],
)
def test_the_region_has_the_proportions_of_what_is_drawn(
    padding: int, size: tuple[int, int], box: Box
) -> None:
    assert masked_box(mask((30, 35, 60, 65)), padding, *size) == box


def test_a_region_at_the_edge_is_moved_inwards() -> None:
    assert masked_box(mask((0, 40, 10, 70)), 0, 64, 64) == (0, 40, 30, 70)


def test_outside_the_mask_nothing_changes() -> None:
    old, painted = picture(), mask((30, 35, 60, 65))
    cut_out = cut_out_masked(old, painted, 8, 64, 64)
    drawn = Image.new("RGB", (64, 64), "red")
    new = np.asarray(cut_out.lay_back(drawn))
    inside = np.asarray(painted) == 255
    assert (new[inside] == (255, 0, 0)).all()
    assert (new[~inside] == np.asarray(old)[~inside]).all()
    assert np.array_equal(cut_out.unchanged().lay_back(drawn), old)


def test_what_is_cut_and_laid_back_is_itself() -> None:
    old, painted = picture(), mask((30, 35, 60, 65))
    cut_out = cut_out_masked(old, painted, 17, 64, 64)  # cut at its own size
    assert np.array_equal(cut_out.lay_back(cut_out.part), old)
    assert set(np.unique(cut_out_masked(old, painted, 17, 200, 200).part_mask)) == {0, 255}


@pytest.mark.parametrize("size", [(96, 96), (64, 256), (200, 40)])
def test_what_is_drawn_larger_comes_back_to_its_place(size: tuple[int, int]) -> None:
    old, painted = picture(), mask((30, 35, 60, 65))
    cut_out = cut_out_masked(old, painted, 3, *size)
    back = np.asarray(cut_out.lay_back(cut_out.part), int)
    assert np.abs(back - np.asarray(old, int)).max() <= 2  # a pixel off is a level or more all over
    assert np.abs(back - np.asarray(old, int)).mean() < 0.2


def test_a_hole_is_filled_from_around_and_forgets_what_was_there() -> None:
    hole = mask((30, 35, 60, 65))
    one, other = picture(), picture()
    other.paste("magenta", (32, 37, 58, 63))
    filled = fill_masked(one, hole)
    assert np.array_equal(filled, fill_masked(other, hole))
    apart = np.abs(np.asarray(filled, int) - np.asarray(one, int))
    assert apart[np.asarray(hole) == 0].max() == 0
    assert 0 < apart.max() < 20  # of a gradient


def test_three_ways_to_another_size() -> None:
    old = picture(64, 32)
    assert stretch(old, 32, 32).size == cover(old, 32, 32).size == (32, 32)
    assert stretch(old, 64, 32) is cover(old, 64, 32) is contain(old, 64, 32) is old
    tall = np.asarray(contain(old, 64, 64))
    assert np.array_equal(tall[16:48], old)
    assert (tall[:16] == tall[16]).all() and (tall[48:] == tall[47]).all()
    wide = np.asarray(contain(old, 100, 32))
    assert np.array_equal(wide[:, 18:82], old)
    assert (wide[:, :18] == wide[:, 18:19]).all() and (wide[:, 82:] == wide[:, 81:82]).all()
    assert np.asarray(cover(old, 32, 32))[..., 0].min() >= 14  # the sides are cut off
