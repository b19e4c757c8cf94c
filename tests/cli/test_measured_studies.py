"""`--measure` in everything that draws many pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from tests.helpers import clips


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP in a file."""
    path = tmp_path_factory.mktemp("clip") / "tiny.safetensors"
    return clips.write_file(path, clips.as_transformers(clips.model("gelu", seed=5)), "gelu")


def rows(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def scored(sdcli: Callable, path: object, clip: Path) -> float:
    ran = sdcli("score", path, "--with", clip, "--measure", "clip", "--json", "-q")
    return rows(ran.out)[0]["measures"]["clip"]


SMALL = "--width", 64, "--height", 64


def test_a_sweep_over_seeds_names_the_best(sdcli: Callable, sd1: Path, clip: Path) -> None:
    asked = "--vary", "cfg=1,2,4", "--seeds", 2, "--measure", "clip,sharpness", "--with", clip
    draw = "-m", sd1, "--steps", 1, "--seed", 7, *SMALL, "-o", "study"
    ran = sdcli("sweep", "a (red:1.2) fox", *asked, *draw, "--json")
    assert ran.code == 0, ran.err
    pictures = [row for row in rows(ran.out) if "values" in row]
    assert len(pictures) == 6 and {row["seed"] for row in pictures} == {7, 8}
    first = pictures[0]
    assert first["measured"]["clip"] == pytest.approx(scored(sdcli, first["path"], clip), abs=1e-3)
    results = json.loads(Path("study/results.json").read_text())
    assert "--seeds 2 --measure clip,sharpness --with" in results["command"]
    for cell in results["judged"]:
        found = cell["measured"]["clip"]
        assert found["mean"] == pytest.approx(fmean(found["by seed"].values()))
        assert set(found["by seed"]) == {"7", "8"} and found["error"] is not None
    assert "Best by CLIP score, x100: cfg = " in ran.err
    page = Path("study/report.html").read_text()
    for text in (
        "Best by CLIP score",
        "Measured over 2 seeds",
        "CLIP score against cfg",
        "border-bottom",
    ):
        assert text in page
    twice = sdcli("sweep", "a fox", "--vary", "seed=1,2", "--seeds", 2, "-m", sd1)
    assert twice.code == 2 and "the same thing twice" in twice.err


def test_a_sweep_of_random_seeds_has_them_in_a_row(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("sweep", "a fox", "--vary", "cfg=1,2", "--seeds", 3, "-m", sd1, "--dry-run")
    assert ran.code == 0
    seeds = [int(line.split()[-1]) for line in ran.out.splitlines()[-6:]]
    assert seeds == [seeds[0] + k for k in (0, 1, 2)] * 2


def test_comparisons_have_the_columns_that_are_asked_for(
    sdcli: Callable, sd1: Path, clip: Path
) -> None:
    more = "--measure", "clip,psnr,diversity", "--with", clip, "-m", sd1, "--seed", 1, *SMALL
    ran = sdcli(
        *("compare-schedulers", "a fox", "--schedulers", "euler-a,lcm", "--steps", "1,2"),
        *("--seeds", 2, "-o", "compared", *more),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    heads = next(line for line in ran.err.splitlines() if line.startswith("scheduler"))
    assert heads.split()[-3:] == ["CLIP", "±", "diversity"]
    assert "Best by CLIP score, x100: " in ran.err
    results = json.loads(Path("compared/results.json").read_text())
    assert {cell["scheduler"] for cell in results["judged"]} == {"euler-a", "lcm"}
    fast = "compare-fast", "a fox", "--ways", "packed-linear", "--seeds", 1, "--steps", 1
    ran = sdcli(*fast, "-o", "fast", "--measure", "sharpness", "-m", sd1, *SMALL, "--json")
    assert ran.code == 0, ran.err
    assert all("sharpness" in row["measured"] for row in rows(ran.out) if "measured" in row)
    assert "sharp" in ran.err


def test_a_batch_measures_each_picture(sdcli: Callable, sd1: Path, clip: Path) -> None:
    Path("jobs.txt").write_text('a fox\n{"prompt": "a house", "seed": 4}\n')
    ran = sdcli(
        *("batch", "jobs.txt", "-m", sd1, "--steps", 1, *SMALL, "-o", "all/", "--json"),
        *("--measure", "clip", "--with", clip),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    for row in rows(ran.out):
        assert row["measured"]["clip"] == pytest.approx(scored(sdcli, row["path"], clip), abs=1e-3)
    assert "mean CLIP score, x100 of 2" in ran.err


def test_of_many_pictures_the_best_are_kept(sdcli: Callable, sd1: Path, clip: Path) -> None:
    draw = "txt2img", "a fox", "-m", sd1, "--steps", 1, "--seed", 1, "-c", 4, *SMALL
    judge = "--measure", "clip", "--with", clip, "--json"
    everything = rows(sdcli(*draw, "-o", "all/", *judge).out)
    best = sorted(everything, key=lambda row: -row["measured"]["clip"])[:2]
    ran = sdcli(*draw, "-o", "best/", "--keep-best", 2, *judge)
    assert ran.code == 0, ran.err
    assert [row["seed"] for row in rows(ran.out)] == [row["seed"] for row in best]
    assert sorted(map(str, Path("best").iterdir())) == sorted(r["path"] for r in rows(ran.out))
    for words, fact in (
        (("--keep-best", 2), "needs a measure"),
        (("--keep-best", 4, *judge), "keeps all of them"),
        (("--measure", "clip"), "the built-in model's world alone"),
    ):
        refused = sdcli(*draw, *words)
        assert refused.code == 2 and fact in refused.err
