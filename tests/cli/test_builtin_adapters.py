"""The adapters that come with the built-in model: what they do is seen on the pictures themselves."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sdcli import folders

LORA = folders.assets_folder() / "builtin-blueprint.safetensors"
WORDS = ("txt2img", "a red house, blueprint", "--seed", 5, "--steps", 12, "-q")


def pixels(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


@pytest.mark.skipif(not LORA.exists(), reason="this checkout has no adapters of its own")
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


@pytest.mark.skipif(not LORA.exists(), reason="this checkout has no adapters of its own")
def test_the_blueprint_lora_fits_the_model_whole(sdcli):
    ran = sdcli("lora", "show", "builtin:blueprint", "-m", "builtin")
    fits = next(line for line in ran.out.splitlines() if line.startswith("fits"))
    part, _, whole = fits.split()[1:4]
    assert part == whole and int(whole) > 10
    assert "blueprint" in ran.out.split("triggers")[1]
