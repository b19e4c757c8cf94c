"""A picture on a larger canvas: its borders filled, the mask of what is drawn."""

import numpy as np
import pytest
from PIL import Image

from sdcli.images.outpaint import FILLS, Borders, new_part, widen
from sdcli.images.overlay import fade_over

BORDERS = Borders(left=5, up=0, right=40, down=7)


def picture(width: int = 16, height: int = 12) -> Image.Image:
    y, x = np.indices((height, width))
    return Image.fromarray(np.stack([x * 9, y * 9, x + y], -1).astype(np.uint8))


@pytest.mark.parametrize("fill", FILLS)
def test_the_picture_stands_in_its_borders(fill: str) -> None:
    old = picture()
    canvas = widen(old, BORDERS, fill)
    assert canvas.size == BORDERS.canvas(old.size) == (61, 19)
    assert np.array_equal(canvas.crop((5, 0, 21, 12)), old)
    assert np.array_equal(canvas, widen(old, BORDERS, fill))


def test_each_way_fills_with_what_it_says() -> None:
    old = np.asarray(picture())
    edge, mirror, noise = (np.asarray(widen(picture(), BORDERS, fill)) for fill in FILLS)
    assert (edge[:12, 21:] == old[:, -1:]).all() and (edge[:12, :5] == old[:, :1]).all()
    assert (mirror[:12, 21:37] == old[:, ::-1]).all()
    assert (mirror[:12, 37:53] == old).all()  # a border wider than the picture
    colours = {tuple(pixel) for pixel in old.reshape(-1, 3)}
    beside = {tuple(pixel) for pixel in noise[12:].reshape(-1, 3)}
    assert beside <= colours and len(beside) > 80


def test_the_mask_reaches_into_the_picture_only_where_it_grows() -> None:
    mask = np.asarray(new_part((61, 19), BORDERS, overlap=3))
    assert set(np.unique(mask)) == {0, 255}
    assert (mask[:9, 8:18] == 0).all()  # up to the upper edge, where nothing is added
    assert (mask == 0).sum() == 9 * 10
    assert (np.asarray(new_part((61, 19), BORDERS, overlap=200)) == 255).all()


def test_the_old_picture_fades_in_from_the_border_on() -> None:
    borders = Borders(0, 0, 24, 0)
    canvas, mask = Image.new("RGB", (64, 8), "black"), new_part((64, 8), borders, overlap=16)
    row = np.asarray(fade_over(Image.new("RGB", (64, 8), "white"), canvas, mask, 16))[4, :, 0]
    assert (row[:24] == 0).all() and (row[40:] == 255).all()
    assert (np.diff(row[24:40].astype(int)) >= 0).all()
