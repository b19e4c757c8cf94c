"""Two pictures compared: the same, the same but for rounding, or another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sdcli.images.formats.table import FORMATS
from sdcli.metadata import record as metadata
from sdcli.picture import Picture
from sdcli.reproduce import compare as verdict
from sdcli.reproduce.recall import RecalledPicture, read_request
from tests.helpers import plans

PILLOW = {name: row.pillow for name, row in FORMATS.items()}
Change = Callable[[Image.Image], Image.Image]


def brighter(by: int) -> Change:
    return lambda image: image.point([min(255, level + by) for level in range(256)] * 3)


def rounded(image: Image.Image) -> Image.Image:
    half = (0, 0, 32, 64)
    rounded = image.copy()
    rounded.paste(brighter(1)(image.crop(half)), half)
    return rounded


def spotted(image: Image.Image) -> Image.Image:
    spotted = image.copy()
    spotted.putpixel((3, 3), (0, 255, 0))
    return spotted


def recalled(folder: Path, ending: str) -> tuple[Picture, RecalledPicture]:
    picture, path = plans.a_picture(), folder / f"a.{ending}"
    options = FORMATS[ending].options
    picture.image.save(
        path, PILLOW[ending], **metadata.metadata_save_options(picture, ending), **options
    )
    carried = metadata.read_picture_metadata(path)
    return picture, RecalledPicture(path, "sdcli", read_request(path), carried, (), carried.plan)


@pytest.mark.parametrize("ending", PILLOW)
@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda image: image, verdict.IDENTICAL),
        (rounded, verdict.ROUNDING),
        (brighter(40), verdict.DIFFERENT),
        (spotted, verdict.DIFFERENT),
        (lambda image: image.resize((64, 72)), verdict.DIFFERENT),
    ],
)
def test_how_they_compare(tmp_path: Path, ending: str, change: Change, word: str) -> None:
    picture, before = recalled(tmp_path, ending)
    found = verdict.compare_with_original(replace(picture, image=change(picture.image)), before)
    assert found.word == word
    assert (found.largest == 0) == (word == verdict.IDENTICAL)


def test_what_went_otherwise(tmp_path: Path) -> None:
    picture, before = recalled(tmp_path, "png")
    assert verdict.provenance_differences(picture, before) == ()
    made = replace(picture.provenance, device="cuda", dtype="fp16", events=("tiled VAE",))
    assert verdict.provenance_differences(replace(picture, provenance=made), before) == (
        "drawn on cpu in fp32; now on cuda in fp16",
        "then: the VAE again in fp32",
        "now: tiled VAE",
    )
