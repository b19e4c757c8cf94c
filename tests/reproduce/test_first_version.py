"""Pictures that the first version drew are drawn again to the bit, whatever has been renamed since."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from sdcli import folders

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "golden" / "first-version"
PICTURES = ("words.png", "noise.jpg", "sdxl.webp", "redrawn.png", "repainted.png", "builtin.png")
BUILTIN = "4a6516867d20adab95fdfbfba5f61cb18bfceb43c66c343e58dfcb73bed6558b"
TORCH = "2.13.0+cpu"  # another one may sum otherwise


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    if name == "builtin.png" and sha256(folders.assets_folder() / "builtin.safetensors") != BUILTIN:
        pytest.skip("the built-in model is another one by now")
    ran = sdcli("reproduce", first_pictures / name, "--json", "-o", f"again-{name}")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out)
    assert record["program"] == "sdcli"
    if version("torch") == TORCH:
        assert record["verdict"] == "identical", ran.err
    else:
        assert record["verdict"] != "different", ran.err
