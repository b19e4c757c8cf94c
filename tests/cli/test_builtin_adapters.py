"""The adapters that come with the built-in model: what they do is seen on the pictures themselves."""

from __future__ import annotations

import numpy as np
from PIL import Image

WORDS = ("txt2img", "a red house, blueprint", "--seed", 5, "--steps", 12, "-q")


def pixels(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


def test_the_blueprint_lora_turns_the_picture_blue_and_leaves_no_trace(sdcli):
    for name, flags in {
        "plain": (),
        "none": ("--lora", "builtin:blueprint:0"),
        "worn": ("--lora", "builtin:blueprint"),
    }.items():
        assert sdcli(*WORDS, *flags, "-o", f"{name}.png").code == 0
    blue = {name: _blueness(pixels(f"{name}.png")) for name in ("plain", "worn")}
    assert blue["worn"] > blue["plain"] + 20
    assert (pixels("none.png") == pixels("plain.png")).all()


def _blueness(picture: np.ndarray) -> float:
    """How much more blue than red there is, on average, in grey levels."""
    return float((picture[..., 2] - picture[..., 0]).mean())


def test_the_blueprint_lora_fits_the_model_whole(sdcli):
    ran = sdcli("lora", "show", "builtin:blueprint", "-m", "builtin")
    fits = next(line for line in ran.out.splitlines() if line.startswith("fits"))
    part, _, whole = fits.split()[1:4]
    assert part == whole and int(whole) > 10
    assert "blueprint" in ran.out.split("triggers")[1]


def test_the_few_step_lora_brings_its_settings_and_draws_with_them(sdcli):
    words = ("txt2img", "a red circle on a white background", "--lora", "builtin:few", "--seed", 5)
    assert sdcli(*words, "-o", "few.png", "-q").code == 0
    told = sdcli("show", "few.png").out
    assert "euler-trailing" in told
    assert {("steps", "4"), ("cfg", "1")} <= {tuple(line.split()[:2]) for line in told.splitlines()}
    drawn = pixels("few.png")
    middle = drawn[88:104, 88:104].mean((0, 1))
    assert middle[0] > middle[1:].max() + 60 and drawn[:8].mean() > 200
    assert "18" in sdcli(*words, "--steps", 18, "--dry-run").out  # what is said goes first
