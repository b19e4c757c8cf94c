"""Presets through the front door: files, names, pictures, and who goes before whom."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

INK = """
prompt = "a fox"
negative = "blurry"
scheduler = "euler-a"
steps = 7
cfg = 3
clip-skip = 2
strength = 0.4
"""


@pytest.fixture
def preset(own_folders: Path, tmp_path: Path) -> Callable[[str, str], None]:
    """Keep a preset under a name."""

    def keep(name: str, text: str) -> None:
        folder = own_folders / "config" / "presets"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.toml").write_text(text)

    return keep


def planned(sdcli: Callable, *words: object) -> dict[str, Any]:
    ran = sdcli(*words, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_preset_by_name_and_by_file(
    sdcli: Callable, preset: Callable, sd1: Path, tmp_path: Path
) -> None:
    preset("ink", INK)
    (tmp_path / "mine.toml").write_text(INK)
    for name in ("ink", "mine.toml", tmp_path / "mine.toml"):
        plan = planned(sdcli, "txt2img", "-m", sd1, "--preset", name)
        assert (plan["prompt"], plan["negative"]) == ("a fox", "blurry")
        assert (plan["scheduler"], plan["steps"], plan["cfg"]) == ("euler-a", 7, 3.0)


def test_who_goes_before_whom(
    sdcli: Callable, preset: Callable, sd1: Path, sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset("ink", f'model = "{sdxl}"\nsteps = 7\nwidth = 256\n')
    words = ("txt2img", "a cat", "--preset", "ink", "--steps", 5)
    plan = planned(sdcli, *words)
    told = plan["from"]
    assert (plan["family"], plan["steps"], plan["width"]) == ("sdxl", 5, 256)
    assert (told["prompt"], told["steps"]) == ("said", "said")
    assert (told["model"], told["width"]) == ("preset ink", "preset ink")
    assert told["cfg"] == "family sdxl"
    assert told["seed"] == "random"
    assert told["rng"] == "default"
    monkeypatch.setenv("SDCLI_MODEL", str(sd1))
    plan = planned(sdcli, *words)
    assert (plan["family"], plan["from"]["model"]) == ("sd1", "environment")
    plan = planned(sdcli, *words, "-m", sdxl)
    assert (plan["family"], plan["from"]["model"]) == ("sdxl", "said")


def test_what_a_task_has_no_use_for_is_left(
    sdcli: Callable, preset: Callable, sd1: Path, tmp_path: Path
) -> None:
    preset("ink", INK)
    Image.new("RGB", (64, 64)).save(tmp_path / "in.png")
    same = ("-m", sd1, "--preset", "ink")
    drawn = planned(sdcli, "txt2img", *same)["task"]
    assert drawn["is"] == "draw" and "strength" not in drawn
    over = ("img2img", *same, "--image", "in.png")
    assert planned(sdcli, *over)["task"]["strength"] == 0.4
    assert planned(sdcli, *over, "--strength", 0)["task"]["strength"] == 0


def test_a_picture_as_a_preset(sdcli: Callable, sd1: Path, tmp_path: Path, own_folders) -> None:
    model = Path(shutil.copy(sd1, tmp_path / "a.safetensors"))
    words = ("-m", model, "--steps", 2, "-W", 64, "-H", 64, "--seed", 7, "--cfg", 3.5)
    assert sdcli("txt2img", "a fox", *words, "--scheduler", "euler-a", "-o", "a.png").code == 0
    model.rename(own_folders / "models" / "renamed.safetensors")
    plan = planned(sdcli, "txt2img", "a cat", "--like", "a.png", "--seed", 8)
    assert (plan["prompt"], plan["cfg"], plan["scheduler"]) == ("a cat", 3.5, "euler-a")
    assert (plan["seed"], plan["width"]) == (8, 64)
    assert plan["model"]["path"].endswith("renamed.safetensors")
    assert (plan["from"]["cfg"], plan["from"]["seed"]) == ("picture a.png", "said")
    assert sdcli("txt2img", "--like", "a.png", "-o", "b.png").code == 0
    with Image.open("a.png") as one, Image.open("b.png") as other:
        assert one.tobytes() == other.tobytes()


def test_another_programs_picture_as_a_preset(
    sdcli: Callable, sd1: Path, tmp_path: Path, preset: Callable
) -> None:
    preset("ink", "steps = 9")
    info = PngInfo()
    info.add_text(
        "parameters",
        "a fox\nSteps: 4, Sampler: Heun, CFG scale: 3, Seed: 5, Face restoration: GFPGAN",
    )
    Image.new("RGB", (64, 64)).save(tmp_path / "theirs.png", pnginfo=info)
    words = ("txt2img", "--like", "theirs.png", "--preset", "ink")
    assert "its checkpoint is not recorded" in sdcli(*words, "--dry-run", "--json").err
    ran = sdcli(*words, "-m", sd1, "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert (plan["prompt"], plan["scheduler"], plan["steps"]) == ("a fox", "heun", 9)
    assert (plan["rng"], plan["from"]["steps"]) == ("nv", "preset ink")
    assert "repaired afterwards (GFPGAN)" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stepps = 4", "did you mean `steps`"),
        ("steps = 0", "steps: 0 is out of bounds"),
        ('steps = "many"', "`many` is not a whole number"),
        ("steps = [4]", "`steps` is to be one value"),
        ('lora = "a"', "`lora` is to be a list"),
        ("[steps]\nx = 1", "`steps` is neither"),
        ("steps =", "is not TOML"),
        ("x = " + "[" * 5_000, "is not TOML"),
        ("a = 1 # " + "x" * 2**20, "longer than any"),
    ],
)
def test_what_cannot_be_is_refused(
    sdcli: Callable, preset: Callable, sd1: Path, text: str, said: str
) -> None:
    preset("bad", text)
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--preset", "bad")
    assert ran.code == 2
    assert said in ran.err


def test_a_preset_that_is_not_there(sdcli: Callable, preset: Callable, sd1: Path) -> None:
    preset("ink", INK)
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--preset", "inc")
    assert (ran.code, ran.err) == (2, "error: there is no preset `inc`\nhint: there is ink\n")


def test_no_prompt_at_all(sdcli: Callable, preset: Callable, sd1: Path) -> None:
    preset("wordless", "steps = 4")
    for words in ((), ("--preset", "wordless")):
        ran = sdcli("txt2img", "-m", sd1, *words)
        assert (ran.code, ran.err.splitlines()[0]) == (2, "error: missing argument 'PROMPT'")
    preset("ink", INK)
    assert planned(sdcli, "txt2img", "", "-m", sd1, "--preset", "ink")["prompt"] == ""
