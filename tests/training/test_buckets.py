from __future__ import annotations

import pytest

from sdcli.training.buckets import bucket_rules, place_in_bucket, place_in_square

# What kohya's trainer makes of 512 (`make_bucket_resolutions((512, 512), 256, 1024, 64)`).
KOHYA_512 = [
    (256, 832), (256, 896), (256, 960), (256, 1024), (320, 704), (320, 768), (384, 640),
    (448, 576), (512, 512), (576, 448), (640, 384), (704, 320), (768, 320), (832, 256),
    (896, 256), (960, 256), (1024, 256),
]  # fmt: skip


def test_the_buckets_are_kohyas():
    assert bucket_rules(512).table() == KOHYA_512


def test_every_bucket_keeps_to_the_area_and_the_step():
    for size in (128, 512, 768, 1024):
        rules = bucket_rules(size)
        for width, height in rules.table():
            assert width * height <= size * size
            assert width % rules.step == height % rules.step == 0


@pytest.mark.parametrize(
    ("picture", "bucket", "scaled"),
    [
        ((512, 512), (512, 512), (512, 512)),
        ((1920, 1080), (640, 384), (683, 384)),
        ((1080, 1920), (384, 640), (384, 683)),
        ((640, 480), (576, 448), (597, 448)),
        ((100, 100), (512, 512), (512, 512)),
        ((3000, 300), (1024, 256), (2560, 256)),
    ],
)
def test_a_picture_goes_where_its_shape_is_nearest_and_covers_it(picture, bucket, scaled):
    placement = place_in_bucket(picture, bucket_rules(512))
    assert placement.bucket == bucket
    assert placement.scaled == scaled


@pytest.mark.parametrize(
    ("picture", "bucket", "scaled"),
    [
        ((300, 200), (256, 192), (300, 200)),  # none is made larger
        ((2000, 1000), (640, 320), (640, 320)),
        ((513, 512), (512, 512), (513, 512)),
        ((1024, 1024), (512, 512), (512, 512)),
        ((30, 200), (64, 192), (64, 427)),  # one that is smaller than any bucket
    ],
)
def test_without_enlarging_a_bucket_is_a_picture_rounded_down(picture, bucket, scaled):
    placement = place_in_bucket(picture, bucket_rules(512, enlarge=False))
    assert placement.bucket == bucket
    assert placement.scaled == scaled


def test_without_buckets_it_is_the_square_in_the_middle():
    placement = place_in_square((1024, 512), 512)
    assert (placement.bucket, placement.scaled) == ((512, 512), (1024, 512))
    assert placement.lost == 0.5
