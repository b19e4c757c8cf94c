from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

DRAW = ("--steps", 2, "--seed", 1, "-q", "--scheduler", "euler")


@pytest.fixture
def photo(tmp_path):
    y, x = np.mgrid[:64, :64]
    waves = np.stack([128 + 100 * np.sin(x / 5), 128 + 100 * np.cos(y / 7), x * 3], 2)
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "photo.png")
    return "photo.png"


@pytest.mark.parametrize("layout", ["sd1-edit", "sdxl-edit"])
def test_both_guidances_are_heard(sdcli, photo, checkpoints, layout):
    words = ("edit", "make it snow", "--image", photo, *DRAW, "-m", checkpoints(layout))
    seen = []
    cases = ((), ("--image-cfg", 3), ("--cfg", 2), ("--image-cfg", 1.5))
    for number, flags in enumerate(cases):
        assert sdcli(*words, *flags, "-o", f"{number}.png").code == 0
        seen.append(Image.open(f"{number}.png").tobytes())
    assert len(set(seen)) == 3 and seen[0] == seen[3]  # 1.5 is what it is where nothing is said
    assert Image.open("0.png").size == (64, 64)


def test_the_plan_says_how_closely_the_picture_is_kept_to(sdcli, photo, checkpoints):
    words = ("edit", "snow", "--image", photo, "-m", checkpoints("sd1-edit"), "--image-cfg", 2)
    told = json.loads(sdcli(*words, "--dry-run", "--json").out)
    assert told["task"]["image_cfg"] == 2.0


@pytest.mark.parametrize(
    ("command", "layout", "words"),
    [
        (("edit", "snow", "--image", "photo.png"), "sd1", "follows no instructions"),
        (("txt2img", "a fox"), "sd1-edit", "only follows instructions"),
        (("edit", "snow", "--image", "nowhere.png"), "sd1-edit", "nowhere.png"),
        (("edit", "snow", "--image", "photo.png", "--image-cfg", "nan"), "sd1-edit", "nan"),
    ],
)
def test_what_cannot_be_edited_is_refused(sdcli, photo, checkpoints, command, layout, words):
    ran = sdcli(*command, "-m", checkpoints(layout))
    assert ran.code == 2 and words in ran.err
