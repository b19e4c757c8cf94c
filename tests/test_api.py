"""From Python: the picture that the command draws, to the bit, and torch only where it is drawn."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

import sdcli
from sdcli.options.table import ALL_OPTIONS

pytestmark = pytest.mark.slow
SMALL = {"steps": 2, "width": 64, "height": 64, "seed": 3}


@pytest.fixture
def sdcli_line(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The command line, beside the package of the same name."""
    return request.getfixturevalue("sdcli")


def same(one: Image.Image, other: Image.Image) -> bool:
    return (
        one.size == other.size
        and ImageChops.difference(one, other.convert("RGB")).getbbox() is None
    )


def test_it_is_the_picture_of_the_command(
    sdcli_line: Callable[..., Any], sd1: Path, tmp_path: Path
) -> None:
    ran = sdcli_line("txt2img", "a fox", "-m", sd1, "--steps", 2, "-W", 64, "-H", 64, "--seed", 3,
                        "-o", tmp_path / "command.png")  # fmt: skip
    assert ran.code == 0, ran.err
    picture = sdcli.txt2img("a fox", model=str(sd1), **SMALL)
    assert picture.seed == 3 and picture.plan.prompt == "a fox"
    assert same(picture.image, Image.open(tmp_path / "command.png"))
    saved = picture.save(tmp_path / "python.png")
    assert same(picture.image, Image.open(saved))
    again = sdcli_line("reproduce", saved, "--exact", "-o", tmp_path / "again.png")
    assert again.code == 0, again.err
    with pytest.raises(sdcli.BadRequest):
        picture.save(tmp_path / "python.png")


def test_other_tasks_and_drawing_again(sd1: Path, tmp_path: Path) -> None:
    first = sdcli.txt2img("a fox", model=str(sd1), **SMALL)
    path = first.save(tmp_path / "fox.png")
    redrawn = sdcli.img2img("a fox", path, model=str(sd1), steps=2, strength=0.5, seed=1)
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    mask.save(tmp_path / "mask.png")
    painted = sdcli.inpaint("a cat", path, tmp_path / "mask.png", model=str(sd1), steps=2, seed=1)
    assert not same(first.image, redrawn.image) and not same(first.image, painted.image)
    assert same(sdcli.draw_again(path, exact=True).image, first.image)
    assert sdcli.draw_again(path, steps=3).plan.steps == 3


def test_a_session_draws_several_plans(sd1: Path) -> None:
    class Heard(sdcli.SilentListener):
        steps = 0

        def on_step(self, step: Any) -> None:
            self.steps += 1

    heard = Heard()
    with sdcli.Session() as session:
        plan = sdcli.make_plan("a fox", model=str(sd1), count=2, **SMALL)
        pictures = list(session.run(plan, heard))
    assert [picture.seed for picture in pictures] == [3, 4]
    assert heard.steps == 2 * 2


def test_the_environment_and_presets_count_as_for_the_command(
    sd1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDCLI_MODEL", str(sd1))
    preset = tmp_path / "ink.toml"
    preset.write_text('steps = 3\nnegative = "red"\n')
    plan = sdcli.make_plan("a fox", preset=preset, negative="blue")
    assert (plan.model.path, plan.steps, plan.negative) == (sd1, 3, "blue")
    assert plan.sources["model"] == "environment" and plan.sources["steps"].startswith("preset")


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"stepz": 3}, "no option is called `stepz`"),
        ({"steps": 0}, "steps: 0 is out of bounds"),
        ({"steps": "many"}, "steps: `many` is not a whole number"),
        ({"cfg": float("nan")}, "cfg:"),
        ({"count": 2}, "this draws one picture"),
        ({"json": True}, "no option is called `json`"),
    ],
)
def test_what_cannot_be_is_said(sd1: Path, options: dict[str, Any], fact: str) -> None:
    with pytest.raises(sdcli.BadRequest, match=fact) as refused:
        sdcli.txt2img("a fox", model=str(sd1), **options)
    assert refused.value.hint or "cfg" in options or "steps" in options


def test_every_parameter_is_documented_from_the_table() -> None:
    text = inspect.getdoc(sdcli.txt2img) or ""
    for name, option in ALL_OPTIONS.items():
        if option.of == "request" and name != "prompt":
            assert f"{name.replace('-', '_')}: {option.help}" in text


def test_importing_it_loads_no_torch() -> None:
    probe = "import sys, sdcli; sdcli.Request, sdcli.make_plan; print('torch' in sys.modules)"
    root = str(Path(sdcli.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=root
    )
    assert ran.stdout.strip() == "False"
