"""Pictures that the first version drew are drawn again to the bit, whatever has been renamed since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "golden" / "first-version"
PICTURES = ("words.png", "noise.jpg", "sdxl.webp", "redrawn.png", "repainted.png")
CARRIED = "/work/main/sdcli/assets/builtin.safetensors"  # where it lay; it may lie there still
TORCH = "2.13.0+cpu"  # another one may sum otherwise


@pytest.fixture
def first_pictures(
    checkpoints: Callable, own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The pictures in a folder of their own, beside models that are where they never were."""
    monkeypatch.setenv("HOME", str(own_folders))
    for layout in ("sd1", "sdxl", "sd1-inpaint"):
        shutil.copy(checkpoints(layout), own_folders / "models" / f"here-{layout}.safetensors")
    return Path(shutil.copytree(FOLDER, tmp_path / "first"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_first_version(sdcli: Callable, first_pictures: Path, name: str) -> None:
    ran = sdcli("reproduce", first_pictures / name, "--json", "-o", f"again-{name}")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out)
    assert record["program"] == "sdcli"
    if version("torch") == TORCH:
        assert record["verdict"] == "identical", ran.err
    else:
        assert record["verdict"] != "different", ran.err


def test_a_picture_of_the_first_built_in_model_says_whose_it_is(
    sdcli: Callable, first_pictures: Path
) -> None:
    with Image.open(first_pictures / "builtin.png") as image:
        about = PngInfo()
        plan = image.info["sdcli"].replace(CARRIED, str(first_pictures / "gone.safetensors"))
        about.add_itxt("sdcli", plan)
        image.save("elsewhere.png", pnginfo=about)
    picture = "elsewhere.png"
    ran = sdcli("reproduce", picture)
    assert ran.code == 1 and "before its model's second edition" in ran.err
    ran = sdcli("reproduce", picture, "--set", "model=builtin", "--dry-run")
    assert ran.code == 0, ran.err
    assert sdcli("txt2img", "--like", picture, "-m", "builtin", "--dry-run").code == 0
