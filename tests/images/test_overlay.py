"""A finished picture over the one it started from."""

import pytest
from PIL import Image, ImageChops

from sdcli.images.overlay import EDGES, Overlay, feathered
from tests.images.test_load import box

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)
MASK = box((64, 64), (16, 16, 48, 48))


@pytest.fixture
def old() -> Image.Image:
    """Green, and red under the mask."""
    return Image.composite(Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), GREEN), MASK)


def test_feathering_never_leaves_the_mask() -> None:
    mask = box((64, 64), (16, 16, 48, 48))
    for feather in (0, 1, 3, 8, 40):
        soft = feathered(mask, feather)
        outside = [s for s, m in zip(soft.getdata(), mask.getdata(), strict=True) if m == 0]
        assert set(outside) == {0}
        assert soft.getpixel((32, 32)) > 0
    soft = feathered(mask, 4)
    row = [soft.getpixel((x, 32)) for x in range(16, 24)]
    assert row == sorted(row) and row[0] < 64 and row[-1] == 255


def test_a_stroke_thinner_than_the_feather_still_shows() -> None:
    soft = feathered(box((64, 64), (30, 0, 32, 64)), 8)
    assert soft.getextrema()[1] > 0


@pytest.mark.parametrize("rules", EDGES)
@pytest.mark.parametrize("feather", [0, 1, 8, 40])
def test_outside_the_mask_not_a_bit_changes(old: Image.Image, rules: int, feather: int) -> None:
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    laid = Overlay(old, MASK, feather, rules).lay_over(noise)
    changed = ImageChops.difference(laid, old).convert("L").point(lambda level: 255 * bool(level))
    outside = ImageChops.subtract(changed, MASK)
    assert outside.getbbox() is None
    assert laid.getpixel((32, 32)) == noise.getpixel((32, 32)) or feather > 16


def test_nothing_of_what_was_under_the_mask_is_left(old: Image.Image) -> None:
    new = Image.new("RGB", (64, 64), (0, 190, 20))
    reds = {
        rules: Overlay(old, MASK, 8, rules).lay_over(new).getchannel("R").getextrema()[1]
        for rules in EDGES
    }
    assert reds[1] > 100  # the first version's rules, by which its pictures are still drawn
    assert reds[2] == 0


def test_the_edge_of_a_mask_is_no_seam() -> None:
    old, new = Image.new("RGB", (64, 64), (100, 100, 100)), Image.new("RGB", (64, 64), (140, 90, 0))
    laid = Overlay(old, MASK, 8).lay_over(new)
    for band in range(3):
        row = [laid.getpixel((x, 32))[band] for x in range(12, 33)]
        steps = [abs(a - b) for a, b in zip(row, row[1:], strict=False)]
        assert max(steps) <= 0.2 * abs(new.getpixel((0, 0))[band] - 100) + 1
    assert laid.getpixel((32, 32)) == (140, 90, 0)
    hard = Overlay(old, MASK, 0).lay_over(new)
    assert hard.getpixel((16, 32)) == (140, 90, 0) and hard.getpixel((15, 32)) == (100, 100, 100)


def test_a_picture_a_little_smaller_than_what_was_drawn_is_cropped_back() -> None:
    original = Image.effect_noise((61, 50), 60).convert("RGB")
    drawn = Image.new("RGB", (64, 56), BLUE)
    assert Overlay(original).lay_over(drawn).size == (61, 50)
    black = Image.new("L", (64, 56))
    assert Overlay(original, black, 8).lay_over(drawn).tobytes() == original.tobytes()
    assert Overlay(original).lay_over(drawn.resize((128, 112))).size == (128, 112)
