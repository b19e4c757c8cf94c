"""Ways to be faster compared, through the front door, on a tiny real model."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

SMALL = ("-W", 64, "-H", 64, "--seed", 7, "--steps", 6, "--scheduler", "euler")


def test_every_way_is_measured_against_the_exact_picture(
    sdcli: Callable, sd1: Path, tmp_path: Path
) -> None:
    ways = "step-cache,step-cache+guidance-interval"
    ran = sdcli(
        "compare-fast", "a fox", "-m", sd1, *SMALL, "--ways", ways, "--seeds", 2, "-o", "out"
    )
    assert ran.code == 0, ran.err
    assert [Path(line).name for line in ran.out.split()] == [
        "report.html", "sheet.png", "sheet-seed-8.png", "results.json",
    ]  # fmt: skip
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    exact, cache, both = found["ways"]
    assert [exact["name"], cache["name"], both["name"]] == ["exact", *ways.split(",")]
    assert exact["grey_levels"] == 0 and exact["ssim"] == 1 and exact["kind"] == "same bits"
    assert cache["kind"] == both["kind"] == "another picture"
    assert cache["grey_levels"] > 0 and cache["ssim"] < 1 and cache["psnr"] < 60
    assert set(found["exact once more, seconds"]) == {"7", "8"}
    assert len(found["pictures"]) == 6 == len(list((tmp_path / "out" / "pictures").iterdir()))
    for place in (0, 2):  # each is, bit for bit, what its own command draws
        facts = found["pictures"][place]
        _, *words = shlex.split(facts["command"])
        assert sdcli(*words, "-o", f"alone-{place}.png").code == 0
        with Image.open(tmp_path / "out" / facts["path"]) as drawn:
            assert drawn.tobytes() == Image.open(f"alone-{place}.png").tobytes()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "step-cache+guidance-interval" in page and "times as fast" in page


def test_what_does_not_apply_is_passed_over_unless_it_was_named(
    sdcli: Callable, sd1: Path, tmp_path: Path
) -> None:
    words = ("compare-fast", "a fox", "-m", sd1, *SMALL, "--cfg", 1)
    ran = sdcli(*words, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    asked = {tuple(json.loads(line)["fast"]) for line in ran.out.splitlines()}
    assert () in asked and ("step-cache",) in asked and ("guidance-interval",) not in asked
    ran = sdcli(*words, "--ways", "guidance-interval")
    assert ran.code == 2 and "--cfg 1" in ran.err


def test_captions_that_the_pictures_show_are_counted_with_the_built_in_model(
    sdcli: Callable, sd1: Path, tmp_path: Path
) -> None:
    words = ("compare-fast", "a fox", "-W", 64, "-H", 64, "--seed", 1, "--seeds", 1)
    drawn = ("--steps", 3, "--captions", 2, "--ways", "step-cache", "-o", "out")
    ran = sdcli(*words, *drawn)
    assert ran.code == 0, ran.err
    ways = json.loads((tmp_path / "out" / "results.json").read_text())["ways"]
    assert all(0 <= way["obeyed"] <= 2 for way in ways) and "shown" in ran.err
    assert "captions shown" in (tmp_path / "out" / "report.html").read_text()
    ran = sdcli(*words, "-m", sd1, "--captions", 2)
    assert ran.code == 2 and "another model" in ran.err


@pytest.mark.parametrize(
    ("ways", "hint"),
    [
        ("stepcache", "step-cache"),
        ("packed-convolutions", "openvino"),
        ("taesd+", "openvino"),
        ("compile+openvino", "leave one"),
    ],
)
def test_a_way_that_there_is_not_is_a_bad_request(
    sdcli: Callable, sd1: Path, ways: str, hint: str
) -> None:
    ran = sdcli("compare-fast", "a fox", "-m", sd1, "--ways", ways)
    assert ran.code == 2 and hint in ran.err and "Traceback" not in ran.err
