from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.helpers import controls

DRAW = ("--steps", 2, "--seed", 1, "-q", "--scheduler", "euler")


@pytest.fixture
def made(tmp_path):
    """A ControlNet for each family, a picture and a mask of 64x64, in the folder of the test."""
    for layout in ("sd1", "sdxl"):
        tensors = {f"control_model.{n}": t for n, t in controls.tensors(layout).items()}
        save_file(tensors, tmp_path / f"{layout}-control.safetensors")
    y, x = np.mgrid[:64, :64]
    rings = 128 + 120 * np.sin(np.hypot(x - 20, y - 30) / 3)
    Image.fromarray(np.stack([rings, rings[::-1], rings.T], 2).astype(np.uint8)).save(
        tmp_path / "rings.png"
    )
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    mask.save(tmp_path / "mask.png")
    return tmp_path


def pixels(name: str) -> np.ndarray:
    return np.asarray(Image.open(name).convert("RGB"), dtype=int)


def test_a_control_changes_the_picture_for_as_long_as_it_is_followed(sdcli, made, sd1):
    words = ("txt2img", "a fox", *DRAW, "-m", sd1, "-W", 64, "-H", 64)
    control = "sd1-control.safetensors:rings.png"
    asked = {
        "plain": (),
        "whole": ("--control", control),
        "none": ("--control", f"{control}:0"),
        "half": ("--control", f"{control}:0.5"),
        "first": ("--control", f"{control}@0-0.5"),
        "last": ("--control", f"{control}@0.5-1"),
        "edges": ("--control-canny", control),
        "inverted": ("--control-invert", control),
        "both": ("--control", control, "--control-canny", f"{control}:0.5"),
    }
    for name, flags in asked.items():
        assert sdcli(*words, *flags, "-o", f"{name}.png").code == 0, name
    drawn = {name: pixels(f"{name}.png") for name in asked}
    assert (drawn["none"] == drawn["plain"]).all()
    different = [name for name in asked if name != "none"]
    for at, one in enumerate(different):
        for other in different[at + 1 :]:
            assert (drawn[one] != drawn[other]).any(), (one, other)


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_img2img_and_inpainting_follow_controls_too(sdcli, made, checkpoints, layout):
    control = ("--control", f"{layout}-control.safetensors:rings.png")
    for command in (
        ("img2img", "a fox", "--image", "rings.png"),
        ("inpaint", "a fox", "--image", "rings.png", "--mask", "mask.png", "--feather", 0),
    ):
        words = (*command, *DRAW, "-m", checkpoints(layout))
        assert sdcli(*words, "-o", "plain.png").code == 0
        assert sdcli(*words, *control, "-o", "steered.png").code == 0
        assert (pixels("plain.png") != pixels("steered.png")).any()
        Path("plain.png").unlink()
        if command[0] == "inpaint":
            outside = np.asarray(Image.open("mask.png")) == 0
            assert (pixels("steered.png")[outside] == pixels("rings.png")[outside]).all()
        Path("steered.png").unlink()


def test_the_maps_are_kept_where_they_are_wanted(sdcli, made, sd1):
    control = "sd1-control.safetensors:rings.png"
    words = ("txt2img", "a fox", *DRAW, "-m", sd1, "-W", 64, "-H", 64, "-o", "out/fox.png")
    ran = sdcli(*words, "--control", control, "--control-canny", control, "--keep-maps")
    assert (ran.code, ran.out) == (0, "out/fox.png\n")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "fox-map-1.png",
        "fox-map-2.png",
        "fox.png",
    ]
    assert (pixels("out/fox-map-1.png") == pixels("rings.png")).all()
    assert set(np.unique(pixels("out/fox-map-2.png"))) == {0, 255}


def test_the_plan_names_what_is_followed(sdcli, made, sd1):
    control = "sd1-control.safetensors:rings.png:0.8@0.1-0.6"
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--control-canny", control, "--dry-run", "--json")
    (told,) = json.loads(ran.out)["controls"]
    assert (told["weight"], told["start"], told["end"], told["preprocessor"]) == (
        0.8,
        0.1,
        0.6,
        "canny",
    )
    assert len(told["file"]["sha256"]) == len(told["image"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("sdxl-control.safetensors:rings.png", "is a ControlNet for Stable Diffusion XL"),
        ("sd1-control.safetensors:nowhere.png", "there is no control picture at `nowhere.png`"),
        ("sd1-control.safetensors:notes.txt", "is not a picture that can be read"),
        ("sd1-control.safetensors", "names no picture"),
        ("nowhere.safetensors:rings.png", "there is no"),
        ("model.safetensors:rings.png", "is a checkpoint, not a ControlNet"),
        ("sd1-control.safetensors:rings.png@0.6-0.2", "from 0.6 to 0.2"),
    ],
)
def test_what_cannot_be_followed_is_refused(sdcli, made, sd1, flag, words):
    (made / "notes.txt").write_text("no picture")
    (made / "model.safetensors").write_bytes(sd1.read_bytes())
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--control", flag)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
