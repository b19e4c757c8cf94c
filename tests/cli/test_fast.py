"""Ways to be faster through the front door: announced, recorded, listed, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sdcli.options.fast_ways import FAST_WAYS, NAMED
from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import loras

SMALL = ("--steps", 3, "-W", 64, "-H", 64, "--seed", 1, "--scheduler", "euler", "--dtype", "fp32")


def test_a_way_is_announced_recorded_and_drawn_again(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, *SMALL, "--fast", "step-cache", "-o", "a.png")
    assert ran.code == 0
    assert "faster by step-cache (another picture)" in ran.err
    shown = json.loads(sdcli("show", "a.png", "--json").out)
    assert "step-cache" in json.dumps(shown)
    assert "step-cache: another picture" in json.dumps(shown)
    again = sdcli("reproduce", "a.png", "--exact")
    assert again.code == 0, again.err
    assert sdcli("txt2img", "a fox", "-m", sd1, *SMALL, "-o", "b.png").code == 0
    assert Path("a.png").read_bytes() != Path("b.png").read_bytes()


def test_the_same_ways_in_another_order_are_the_same_plan(sdcli: Callable, sd1: Path) -> None:
    plans = []
    for order in (("step-cache", "guidance-interval"), ("guidance-interval", "step-cache")):
        flags = [word for name in (*order, order[0]) for word in ("--fast", name)]
        ran = sdcli("txt2img", "a", "-m", sd1, "--seed", 1, *flags, "--dry-run", "--json")
        plans.append(json.loads(ran.out))
    assert plans[0] == plans[1]
    assert plans[0]["fast"] == ["guidance-interval", "step-cache"]


def test_doctor_and_help_list_every_way(sdcli: Callable) -> None:
    told = json.dumps([json.loads(line) for line in sdcli("doctor", "--json").out.splitlines()])
    for row in FAST_WAYS.values():
        assert row.name in told
        assert row.kind in told
    helped = sdcli("txt2img", "--help").out
    assert all(name in "".join(helped.split()) for name in NAMED)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--fast", "warp"), "there is no `warp`"),
        (("--fast", "guidance-interval", "--cfg", 1), "leaves out guidance"),
        (("--fast", "guidance-interval", "a AND b"), "needs more than"),
    ],
)
def test_what_cannot_apply_is_refused(
    sdcli: Callable, sd1: Path, words: tuple[object, ...], fact: str
) -> None:
    prompt = () if "a AND b" in words else ("a fox",)
    ran = sdcli("txt2img", *prompt, "-m", sd1, *words, "--dry-run")
    assert ran.code == 2
    assert fact in ran.err and "hint:" in ran.err


def test_a_trace_shows_no_guidance_that_is_left_out(sdcli: Callable, sd1: Path) -> None:
    flags = ("--fast", "guidance-interval", "--cfg-split", "--dry-run")
    ran = sdcli("trace", "a fox", "-m", sd1, *flags)
    assert ran.code == 2 and "--cfg-split" in ran.err
    ran = sdcli("trace", "a fox", "-m", sd1, *SMALL, "--fast", "step-cache", "--attention")
    assert ran.code == 0, ran.err


def test_a_few_step_file_brings_its_settings(sdcli: Callable, sdxl: Path, tmp_path: Path) -> None:
    model = tmp_path / "sdxl_lightning_4step.safetensors"
    model.write_bytes(sdxl.read_bytes())
    ran = sdcli("txt2img", "a fox", "-m", model, "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert (plan["steps"], plan["cfg"], plan["scheduler"]) == (4, 1.0, "euler-trailing")
    assert plan["from"]["steps"] == "looks like SDXL-Lightning"
    assert "looks like SDXL-Lightning: euler-trailing, 4 steps, cfg 1" in ran.err


def test_a_file_of_one_step_predicts_the_picture(
    sdcli: Callable, sdxl: Path, tmp_path: Path
) -> None:
    model = tmp_path / "sdxl_lightning_1step_x0.safetensors"
    model.write_bytes(sdxl.read_bytes())
    ran = sdcli("txt2img", "a fox", "-m", model, "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert (plan["steps"], plan["prediction"]) == (1, "x0")


def test_what_is_said_goes_before_and_is_warned_of(
    sdcli: Callable, sdxl: Path, tmp_path: Path
) -> None:
    model = tmp_path / "sdxl_lightning_4step.safetensors"
    model.write_bytes(sdxl.read_bytes())
    said = ("--steps", 9, "--cfg", 7, "--scheduler", "heun")
    ran = sdcli("txt2img", "a fox", "-m", model, *said, "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert (plan["steps"], plan["cfg"], plan["scheduler"]) == (9, 7.0, "heun")
    assert "WARNING: with `--cfg 7`" in ran.err


def test_a_few_step_lora_brings_its_settings(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    tensors, _ = loras.lora(loras.targets(identify_checkpoint(sd1)))
    path = loras.write(tmp_path / "lcm-lora-sdv1-5.safetensors", tensors)
    for words in (("a fox", "--lora", path), (f"a fox <lora:{path}:1>",)):
        ran = sdcli("txt2img", *words, "-m", sd1, "--dry-run", "--json")
        assert ran.code == 0, ran.err
        plan = json.loads(ran.out)
        assert (plan["steps"], plan["cfg"], plan["scheduler"]) == (6, 1.0, "lcm")
