"""Studies through the front door, on a tiny real model: whole folders, and pictures to the bit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.text import signed

SMALL = ("-W", 64, "-H", 64, "--seed", 7, "--cfg", 3)


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def same_as_alone(sdcli: Callable[..., Any], folder: Path, pictures: list[dict[str, Any]]) -> None:
    """Each picture equals, bit for bit, what its own command draws."""
    for place, facts in enumerate(pictures):
        _, *words = shlex.split(facts["command"])
        alone = folder.parent / f"alone-{place}.png"
        ran = sdcli(*words, "-o", alone, "-q")
        assert ran.code == 0, ran.err
        drawn = Image.open(folder / facts["path"])
        assert drawn.tobytes() == Image.open(alone).tobytes()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference of few steps: the order of things is the same, and the model is no real one."""
    monkeypatch.setattr("sdcli.engine.benchmark.STEPS", (24,))


def test_compare_leaves_a_folder_with_everything(sdcli, sd1: Path, tmp_path: Path, soon: None):
    words = ("compare-schedulers", "a fox", "-m", sd1, *SMALL, "--steps", "3,6", "--seeds", 2)
    ran = sdcli(*words, "--schedulers", "dpm++2m-karras,heun,Euler a", "-o", "out")
    assert ran.code == 0, ran.err
    out = tmp_path / "out"
    assert [Path(line).name for line in ran.out.split()] == [
        "report.html", "sheet.png", "sheet-seed-8.png", "errors.svg", "results.json",
    ]  # fmt: skip
    found = results(out)
    assert len(found["pictures"]) == 3 * 2 * 2 == len(list((out / "pictures").iterdir()))

    cells = {(cell["scheduler"], cell["steps"]): cell for cell in found["cells"]}
    assert [cell["evaluations"] for cell in cells.values()] == [3, 6, 5, 11, 3, 6]
    for (name, steps), cell in cells.items():
        assert cell["seconds"] > 0 and cell["per_step"] > 0 and cell["spread"] > 0.1
        assert (cell["share"] is None) == (name == "euler-a") == (not cell["deterministic"])
        if steps == 6 and name != "euler-a":
            assert cell["share"] < cells[name, 3]["share"]
            assert cell["psnr"] > cells[name, 3]["psnr"] and cell["ssim"] > cells[name, 3]["ssim"]
    for about in found["references"].values():
        assert about["apart"] < 0.02 and about["scheduler"] != about["witness"]
    assert "euler-a draws fresh noise" in ran.err and "dpm++2m-karras" in ran.err
    assert "a fox" in (out / "report.html").read_text()

    same_as_alone(sdcli, out, found["pictures"][::4])

    again = sdcli(*words, "--schedulers", "dpm++2m-karras", "-o", "again", "--json")
    assert again.code == 0
    lines = [json.loads(line) for line in again.out.splitlines()]
    assert lines[0]["measured"]["share"] == pytest.approx(found["pictures"][0]["share"])
    kept = results(tmp_path / "again")["references"]
    assert all(about["cached"] for about in kept.values())


def test_compare_without_a_settled_solver_has_no_reference(sdcli, sd1: Path, tmp_path: Path):
    words = ("compare-schedulers", "a fox", "-m", sd1, *SMALL, "--steps", 2, "--seeds", 1)
    ran = sdcli(*words, "--schedulers", "euler-a", "-o", "out")
    assert ran.code == 0, ran.err
    found = results(tmp_path / "out")
    assert found["references"] == {} and found["cells"][0]["spread"] is None
    assert not (tmp_path / "out" / "errors.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare-schedulers", "a fox", "--schedulers", "eular"), "euler"),
        (("compare-schedulers", "a fox", "--steps", "0"), "steps"),
        (("compare-schedulers", "a fox", "--steps", "10,x"), "whole number"),
        (("compare-schedulers", "a fox", "--eta", 0.5), "--eta"),
        (("sweep", "a fox", "--vary", "dog=cat,cow"), "dog"),
        (("sweep", "a fox", "--vary", "steps=10,2000"), "2000"),
        (("sweep", "a fox", "--vary", "cfg=1,2", "--vary", "scheduler=euler,eular"), "eular"),
        (("sweep", "a fox", "--vary", "strength=0.5,1"), "strength"),
        (("sweep", "a fox", "--vary", "cfg=1", "--strength", 0.5), "strength"),
        (("sweep", "a fox", "--vary", "cfg=1", "-o", "sheet.png"), "folder"),
        (("sweep", "a fox"), "vary"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_drawn(
    sdcli, sd1: Path, tmp_path: Path, words, said
):
    ran = sdcli(*words, "-m", sd1)
    assert ran.code == 2 and said in ran.err and ran.out == ""
    assert list(tmp_path.rglob("*.png")) == []


def test_sweep_over_an_option_and_a_word(sdcli, sd1: Path, tmp_path: Path):
    words = ("--vary", "steps=2,3", "--vary", "red=red,blue [x]", "--vary", "seed=1..2")
    ran = sdcli("sweep", "a red fox", "-m", sd1, *SMALL, *words, "-o", "out")
    assert ran.code == 0, ran.err
    assert "8 pictures, 20 model evaluations" in ran.err
    assert [Path(line).name for line in ran.out.split()] == [
        "report.html", "sheet.png", "sheet-2.png", "results.json",
    ]  # fmt: skip
    found = results(tmp_path / "out")
    assert [facts["values"]["red"] for facts in found["pictures"][:4]] == [
        "red",
        "red",
        "blue [x]",
        "blue [x]",
    ]
    assert {facts["plan"]["prompt"] for facts in found["pictures"]} == {
        "a red fox",
        "a blue [x] fox",
    }
    same_as_alone(sdcli, tmp_path / "out", found["pictures"][::3])
    _, *again = shlex.split(found["command"])
    assert sdcli(*again, "-o", "again").code == 0
    assert [one["plan"] for one in results(tmp_path / "again")["pictures"]] == [
        one["plan"] for one in found["pictures"]
    ]


def test_sweep_of_a_strength_is_img2img(sdcli, sd1: Path, tmp_path: Path):
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "a.png")
    ran = sdcli(
        "sweep", "a fox", "-m", sd1, "--steps", 4, "--vary", "strength=0..1/0.5", "--image", "a.png"
    )
    assert ran.code == 0, ran.err
    folder = Path(ran.out.split()[0]).parent
    found = results(tmp_path / folder)
    assert [facts["values"]["strength"] for facts in found["pictures"]] == ["0", "0.5", "1"]
    same_as_alone(sdcli, tmp_path / folder, found["pictures"])


def test_a_folder_that_is_not_empty_is_kept(sdcli, sd1: Path, tmp_path: Path):
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    words = ("sweep", "a fox", "-m", sd1, *SMALL, "--vary", "steps=1,2", "-o", "out")
    ran = sdcli(*words)
    assert ran.code == 2 and "not empty" in ran.err
    assert sdcli(*words, "--force").code == 0
    assert mine.read_text() == "mine"


def test_dry_runs_are_plans_and_nothing_else(sdcli, sd1: Path, tmp_path: Path):
    ran = sdcli(
        "compare-schedulers", "a fox", "-m", sd1, "--schedulers", "all", "--dry-run", "--json"
    )
    plans = [json.loads(line) for line in ran.out.splitlines()]
    assert len({plan["scheduler"] for plan in plans}) > 15 and len({p["seed"] for p in plans}) == 3
    assert (
        len(
            sdcli(
                "sweep", "a fox", "-m", sd1, "--vary", "cfg=1,2", "--dry-run", "--json"
            ).out.splitlines()
        )
        == 2
    )
    assert [path for path in tmp_path.iterdir()] == []

    ran = sdcli(
        "sweep", "a red fox", "-m", sd1, "--vary", "red=red,blue", "--vary", "cfg=1..3", "--dry-run"
    )
    assert [line.split() for line in ran.out.splitlines()[-7:-5]] == [["red", "cfg"], ["red", "1"]]
    assert sdcli("trace", "a fox", "-m", sd1, "--dry-run").code == 0


def test_trace_leaves_a_strip_an_animation_and_a_page(sdcli, sd1: Path, tmp_path: Path):
    words = ("trace", "a red fox", "-m", sd1, *SMALL, "--steps", 6, "--frames", 3)
    ran = sdcli(*words, "--attention", "--with", "builtin", "--cfg-split", "-o", "out")
    assert ran.code == 0, ran.err
    out = tmp_path / "out"
    assert [Path(line).name for line in ran.out.split()] == [
        "picture.png", "report.html", "strip.png", "trace.webp", "trace.gif", "schedule.svg",
        "attention.png", "results.json",
    ]  # fmt: skip
    found = results(out)
    assert [one["step"] for one in found["steps"]] == [1, 3, 6]
    assert [one["word"] for one in found["attention"]] == ["a", "red", "fox"]
    told = sdcli(
        "explain", "--picture", out / "pictures" / "picture.png", "--with", "builtin", "--json"
    )
    parts = json.loads(told.out)["parts"]  # "a" says nothing by itself
    assert [one.get("gain") for one in found["attention"]] == [None, parts["red"], parts["fox"]]
    assert f"score {signed(-parts['red'])} without" in (out / "report.html").read_text()
    for name in ("trace.webp", "trace.gif"):
        with Image.open(out / name) as moving:
            assert moving.n_frames == 7  # every step, then the finished picture
            moving.load()
            assert moving.info["duration"] == 100
            moving.seek(6)
            moving.load()
            assert moving.info["duration"] > 1000
    assert sdcli("txt2img", "a red fox", "-m", sd1, *SMALL, "--steps", 6, "-o", "a.png").code == 0
    traced = Image.open(out / "pictures" / "picture.png")
    assert traced.tobytes() == Image.open(tmp_path / "a.png").tobytes()
    _, *again = shlex.split(found["command"])
    assert sdcli(*again, "-o", "again").code == 0
    assert (tmp_path / "again" / "strip.png").read_bytes() == (out / "strip.png").read_bytes()


def test_trace_of_a_picture_is_its_way_into_the_noise(sdcli, sd1: Path, tmp_path: Path):
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "a.png")
    words = ("trace", "a fox", "-m", sd1, "--image", "a.png", "--steps", 9, "--at", "1,5..9/2")
    ran = sdcli(*words, "-o", "out")
    assert ran.code == 0, ran.err
    assert [one["step"] for one in results(tmp_path / "out")["steps"]] == [9, 7, 5, 1]
    assert "√ᾱ_t" in (tmp_path / "out" / "report.html").read_text()
    assert not (tmp_path / "out" / "pictures").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "0"), "--at"),
        (("--at", "1,30"), "30"),
        (("--count", 2), "count"),
        (("--cfg", 1, "--cfg-split"), "--cfg-split"),
        (("--attention", "--image", "a.png"), "--attention"),
        (("--with", "builtin"), "add `--attention`"),
        (("--attention", "--with", "nowhere"), "nowhere"),
    ],
)
def test_a_trace_that_would_show_nothing_is_refused(sdcli, sd1: Path, tmp_path: Path, words, said):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    ran = sdcli("trace", "a fox", "-m", sd1, "--steps", 20, *words)
    assert ran.code == 2 and said in ran.err and ran.out == ""
    ran = sdcli("trace", "a [cat:dog:0.5]", "-m", sd1, "--attention")
    assert ran.code == 2 and "one prompt" in ran.err
