"""Studies that are interrupted, and go on when the same command is given again."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.metadata.record import read_picture_metadata
from sdcli.outputs.study_folder import StudyFolder

SMALL = ("-W", 64, "-H", 64, "--cfg", 3)


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Ctrl-C comes while a picture is saved: interrupted(3) for the third. 0: no more."""

    saved, real = [0], StudyFolder.picture

    def at(number: int) -> None:
        saved[0] = 0

        def save(self: StudyFolder, *more: Any) -> Path:
            saved[0] += 1
            if saved[0] == number:
                raise KeyboardInterrupt
            return real(self, *more)

        monkeypatch.setattr(StudyFolder, "picture", save)

    return at


def test_a_sweep_goes_on_where_it_stopped(sdcli, sd1: Path, interrupted, tmp_path: Path):
    words = ("sweep", "a fox", "-m", sd1, *SMALL, "--vary", "steps=1..4", "--json")  # a random seed
    interrupted(3)
    ran = sdcli(*words)
    assert ran.code == 130
    assert "2 pictures kept in outputs/sweep-a-fox-" in ran.err and "same command" in ran.err
    before = [json.loads(line) for line in ran.out.splitlines()]
    interrupted(0)
    again = sdcli(*words)
    assert again.code == 0 and "2 pictures finished before" in again.err
    after = [json.loads(line) for line in again.out.splitlines()]
    (folder,) = (tmp_path / "outputs").iterdir()
    assert after[:2] == before  # the same pictures, with the seconds that they took
    pictures = results(folder)["pictures"]
    assert len({one["plan"]["seed"] for one in pictures}) == 1 and len(pictures) == 4
    assert not (folder / "unfinished").exists()
    assert len(list((folder / "pictures").iterdir())) == 4
    assert sdcli(*words).code == 0 and len(list((tmp_path / "outputs").iterdir())) == 2


def test_a_study_with_choices_goes_on_with_the_words_that_it_had(
    sdcli, sd1: Path, interrupted, tmp_path: Path
):
    several = "{red|blue|green|black|white|grey|pink|brown}"
    prompt = f"a {several} fox and a {several} hen"
    words = ("sweep", prompt, "--choices", "random", "-m", sd1, *SMALL, "--vary", "steps=1..3")
    interrupted(2)
    assert sdcli(*words).code == 130
    interrupted(0)
    again = sdcli(*words)
    assert again.code == 0 and "1 picture finished before" in again.err, again.err
    (folder,) = (tmp_path / "outputs").iterdir()
    plans = [one["plan"] for one in results(folder)["pictures"]]
    assert len({(plan["seed"], plan["prompt"]) for plan in plans}) == 1 and len(plans) == 3
    carried = [read_picture_metadata(path).plan for path in (folder / "pictures").iterdir()]
    assert {plan.prompt for plan in carried} == {plans[0]["prompt"]}
    assert {plan.template for plan in carried} == {prompt}


def test_a_comparison_goes_on_with_the_numbers_it_had(
    sdcli, sd1: Path, interrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sdcli.engine.benchmark.STEPS", (24,))
    words = ("compare-schedulers", "a fox", "-m", sd1, *SMALL, "--seed", 7, "--seeds", 2)
    words = (*words, "--schedulers", "dpm++2m-karras,euler-a", "--steps", "3,6")
    assert sdcli(*words, "-o", "whole").code == 0
    interrupted(6)
    ran = sdcli(*words, "-o", "out")
    assert ran.code == 130 and "5 pictures kept in out" in ran.err
    interrupted(0)
    again = sdcli(*words, "-o", "out")
    assert again.code == 0, again.err
    whole, out = results(tmp_path / "whole"), results(tmp_path / "out")
    for one, other in zip(whole["cells"], out["cells"], strict=True):
        for name in ("share", "psnr", "ssim", "spread"):
            assert one[name] == (other[name] and pytest.approx(other[name], rel=1e-6))
    for name in ("sheet.png", "sheet-seed-8.png"):
        sizes = {Image.open(tmp_path / folder / name).size for folder in ("whole", "out")}
        assert len(sizes) == 1
    assert not (tmp_path / "out" / "unfinished").exists()


def test_another_study_is_not_taken_for_it(sdcli, sd1: Path, interrupted, tmp_path: Path):
    words = ("sweep", "a fox", "-m", sd1, *SMALL, "--vary", "steps=1,2", "--seed", 3)
    interrupted(2)
    assert sdcli(*words).code == 130
    interrupted(0)
    assert sdcli(*words, "--eta", 1, "--scheduler", "euler-a").code == 0
    first, second = sorted((tmp_path / "outputs").iterdir())
    assert (first / "unfinished").exists() and (second / "results.json").exists()
    ran = sdcli(*words, "-o", first, "--cfg", 4)
    assert ran.code == 2 and "not empty" in ran.err
    assert sdcli(*words).code == 0 and (first / "results.json").exists()


def test_a_study_stopped_before_its_first_picture_leaves_nothing(
    sdcli, sd1: Path, interrupted, tmp_path: Path
):
    interrupted(1)
    ran = sdcli("sweep", "a fox", "-m", sd1, *SMALL, "--vary", "steps=1,2", "-o", "out")
    assert ran.code == 130 and "kept" not in ran.err
    assert "stopped before its first picture" in ran.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.*"))


@pytest.mark.cold
def test_a_trace_that_is_interrupted_keeps_its_picture(
    sdcli, sd1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = ("trace", "a fox", "-m", sd1, *SMALL, "--steps", 3, "-o", "out")  # a random seed

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sdcli.engine.trace._Filming.decode", interrupt)
        ran = sdcli(*words)
    assert ran.code == 130 and "1 picture kept in out" in ran.err and "same command" in ran.err
    before = (tmp_path / "out" / "pictures" / "picture.png").read_bytes()
    again = sdcli(*words)
    assert again.code == 0, again.err
    picture = tmp_path / "out" / "pictures" / "picture.png"
    assert Image.open(picture).tobytes() == Image.open(io.BytesIO(before)).tobytes()
    assert (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "unfinished").exists()
    other = sdcli(*words, "--attention")
    assert other.code == 2 and "not empty" in other.err


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_a_sweep_that_was_ended_goes_on(sdcli, sd1: Path, tmp_path: Path, end: signal.Signals):
    words = ["sweep", "a fox", "-m", str(sd1), *map(str, SMALL), "--vary", "steps=1..9", "--json"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sdcli", *words],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    drawn = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(end)
    more, err = process.communicate(timeout=60)
    drawn += map(json.loads, more.splitlines())
    codes = {signal.SIGKILL: -9, signal.SIGTERM: 143}
    assert process.returncode == codes[end]
    if end != signal.SIGKILL:
        assert "kept in outputs/sweep-a-fox-" in err and "the same command goes on there" in err
    again = sdcli(*words)
    assert again.code == 0 and "finished before" in again.err
    after = [json.loads(line) for line in again.out.splitlines()]
    assert after[: len(drawn)] == drawn
    (folder,) = (tmp_path / "outputs").iterdir()
    assert len(results(folder)["pictures"]) == 9
