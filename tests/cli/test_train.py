"""`sdcli train`: from a folder of pictures to a file that is worn, told and trained again."""

from __future__ import annotations

import json
import signal
from itertools import count
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.helpers import learnt

FEW = ("--size", "64", "--steps", "4", "--save-every", "2", "--lr", "1e-2")
SMALL = ("-W", "64", "-H", "64", "--steps", "2", "--seed", "1")


@pytest.fixture
def foxes(tmp_path: Path) -> Path:
    """A folder of pictures to learn from."""
    return learnt.folder(tmp_path / "foxes")


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


def test_a_lora_is_trained_told_worn_and_trained_again(sdcli, sd1, foxes):
    ran = sdcli("train", "lora", foxes, "-o", "fox.safetensors", "-m", sd1, *FEW,
                "--save-every", "4", "--trigger", "sks", "--sample", "a sks fox")  # fmt: skip
    assert (ran.code, ran.out) == (0, "fox.safetensors\n"), ran.err
    said = metadata(Path("fox.safetensors"))
    assert said["modelspec.trigger_phrase"] == "sks"
    assert (said["ss_network_dim"], said["ss_steps"]) == ("16", "4")
    assert {*Path("fox.training").iterdir()} >= {
        Path("fox.training") / name for name in ("state.pt", "log.csv", "report.html", "pictures")
    }
    assert [path.name for path in Path("fox.training/pictures").iterdir()] == ["step-000004-1.png"]
    shown = sdcli("lora", "show", "fox.safetensors", "-m", sd1)
    assert "sks" in shown.out and "4 steps" in shown.out and "3 pictures" in shown.out
    plain = sdcli("txt2img", "a sks fox", "-m", sd1, *SMALL, "-o", "plain.png")
    worn = sdcli(
        "txt2img", "a sks fox", "-m", sd1, *SMALL, "-o", "worn.png", "--lora", "fox.safetensors"
    )
    assert (plain.code, worn.code) == (0, 0), worn.err
    assert Path("plain.png").read_bytes() != Path("worn.png").read_bytes()
    again = sdcli("reproduce", "fox.safetensors", "--exact")
    assert again.code == 0, again.err
    assert "identical" in again.err
    assert metadata(Path("fox-again.safetensors"))["sshs_model_hash"] == said["sshs_model_hash"]


def test_a_word_is_trained_and_known(sdcli, sd1, foxes):
    ran = sdcli("train", "embedding", foxes, "--word", "newfox", "-m", sd1, *FEW, "--json")
    assert ran.code == 0, ran.err
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["event"] for one in events] == ["step", "step", "saved", "step", "step", "saved"]
    drawn = sdcli("txt2img", "a newfox", "-m", sd1, *SMALL, "--embedding", "newfox.safetensors")
    assert drawn.code == 0, drawn.err
    shown = sdcli("show", "newfox.safetensors")
    assert "4 steps" in shown.out


def test_ctrl_c_saves_and_resume_goes_on_to_the_same_file(sdcli, sd1, foxes, monkeypatch):
    from sdcli.engine.training.trainer import Trainer

    words = ("train", "lora", foxes, "-m", sd1, *FEW)
    assert sdcli(*words, "-o", "whole/fox.safetensors").code == 2  # there is no folder
    Path("whole").mkdir()
    assert sdcli(*words, "-o", "whole/fox.safetensors").code == 0
    step = Trainer.take_step

    def interrupted(self: Trainer) -> float:
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(Trainer, "take_step", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores it
    try:
        ran = sdcli(*words, "-o", "fox.safetensors")
    finally:
        signal.signal(signal.SIGINT, before)
    assert ran.code == 130 and "--resume" in ran.err
    assert metadata(Path("fox.safetensors"))["ss_steps"] == "3"
    monkeypatch.setattr(Trainer, "take_step", step)
    assert "exists" in sdcli(*words, "-o", "fox.safetensors").err
    other = sdcli(*words, "-o", "fox.safetensors", "--resume", "--rank", "8")
    assert other.code == 2 and "rank" in other.err
    ran = sdcli(*words, "-o", "fox.safetensors", "--resume")
    assert ran.code == 0 and "after step 3" in ran.err
    assert Path("fox.safetensors").read_bytes() == Path("whole/fox.safetensors").read_bytes()
    assert len(Path("fox.training/log.csv").read_text().splitlines()) == 5


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_file(sdcli, sd1, foxes, monkeypatch):
    from sdcli.engine.training.batch_loss import BatchLoss

    found, batches = BatchLoss.find, count()
    monkeypatch.setattr(
        BatchLoss, "find",
        lambda self, examples: found(self, examples) * (float("nan") if next(batches) == 2 else 1),
    )  # fmt: skip
    ran = sdcli("train", "lora", foxes, "-o", "fox.safetensors", "-m", sd1, *FEW)
    assert ran.code == 1
    assert "no number at step 3" in ran.err and "as it was after step 2" in ran.err
    assert "hint: a lower `--lr`" in ran.err
    assert metadata(Path("fox.safetensors"))["ss_steps"] == "2"


def test_what_was_not_trained_here_is_neither_resumed_nor_trained_again(sdcli, foxes):
    resumed = sdcli("train", "lora", foxes, "-o", "fox.safetensors", "--resume")
    assert resumed.code == 2 and "nothing to resume" in resumed.err
    again = sdcli("reproduce", Path("fox.safetensors").absolute())
    assert again.code == 2 and "there is no file" in again.err
    from sdcli.folders import assets_folder

    other = sdcli("reproduce", assets_folder() / "builtin-blueprint.safetensors")
    assert other.code == 1 and "the picture `00000.png` is nowhere" in other.err


def test_a_dry_run_tells_everything_and_loads_nothing(sdcli, sd1, foxes):
    ran = sdcli("train", "lora", foxes, "-o", "fox.safetensors", "-m", sd1, *FEW, "--dry-run")
    assert ran.code == 0
    for text in ("3 pictures", "64x64", "rank 16", "4 of 1 picture", "GB", "not known"):
        assert text in ran.out
    assert not Path("fox.safetensors").exists() and not Path("fox.training").exists()
    (record,) = sdcli(
        "train", "lora", foxes, "-o", "fox.safetensors", "--dry-run", "--json"
    ).out.splitlines()
    assert len(json.loads(record)["pictures"]) == 3


def test_settings_are_taken_from_a_trained_file(sdcli, foxes):
    ran = sdcli("train", "lora", foxes, "-o", "a.safetensors", "--dry-run", "--json",
                "--like", "builtin:blueprint", "--lr", "3e-4")  # fmt: skip
    settings = json.loads(ran.out)["settings"]
    assert (settings["rank"], settings["conv-rank"], settings["lr"]) == (8, 8, 3e-4)
    refused = sdcli("train", "lora", foxes, "-o", "a.safetensors", "--dry-run", "--like", "builtin")
    assert refused.code == 2 and "does not say how it was trained" in refused.err


@pytest.mark.parametrize("layout", ["sd1-inpaint", "sdxl-refiner"])
def test_what_does_not_draw_from_words_is_not_trained(sdcli, checkpoints, foxes, layout):
    ran = sdcli("train", "lora", foxes, "-o", "a.safetensors", "-m", checkpoints(layout))
    assert ran.code == 2


def test_from_python_it_is_the_same_training(sd1, foxes, tmp_path):
    import sdcli as package

    path = package.train_lora(
        foxes, tmp_path / "fox.safetensors", model=str(sd1), size=64, steps=1, conv_rank=2
    )
    assert metadata(path)["ss_network_args"] == '{"conv_dim": "2", "conv_alpha": "2.0"}'
    with pytest.raises(package.BadRequest, match="no option is called `ranks`"):
        package.train_lora(foxes, tmp_path / "b.safetensors", ranks=2)


@pytest.mark.thorough
def test_two_processes_train_the_file_that_one_does(sdcli, sd1, foxes, tmp_path):
    import os
    import subprocess
    import sys

    words = ("train", "lora", foxes, "-m", sd1, *FEW, "--batch", "3", "--repeats", "3")
    assert sdcli(*words, "-o", "one.safetensors").code == 0
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    ran = subprocess.run(
        [*launch, "-m", "sdcli", *map(str, words), "-o", "two.safetensors"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ran.stdout.splitlines() == ["two.safetensors"], ran.stderr
    one, two = (metadata(Path(f"{name}.safetensors")) for name in ("one", "two"))
    assert one["sshs_model_hash"] == two["sshs_model_hash"]


@pytest.mark.thorough
def test_two_processes_that_are_asked_to_end_agree_on_the_step(sdcli, sd1, foxes, tmp_path):
    import os
    import subprocess
    import sys
    import time

    words = ("train", "lora", foxes, "-m", sd1, "--size", "64", "--batch", "2", "--lr", "1e-3")
    words = (*words, "--steps", "60", "--save-every", "20", "--repeats", "3")
    assert sdcli(*words, "-o", "one.safetensors").code == 0
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    command = [*launch, "-m", "sdcli", *map(str, words), "-o", "two.safetensors"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    give_up = time.monotonic() + 120
    while not Path("two.training/state.pt").exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    os.killpg(ran.pid, signal.SIGINT)
    said = ran.communicate(timeout=60)[1]
    assert "--resume" in said and ran.returncode
    stopped = int(metadata(Path("two.safetensors"))["ss_steps"])
    assert 20 <= stopped < 60
    subprocess.run([*command, "--resume"], check=True, env=environment)
    one, two = (metadata(Path(f"{name}.safetensors")) for name in ("one", "two"))
    assert one["sshs_model_hash"] == two["sshs_model_hash"]
