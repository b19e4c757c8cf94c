"""A plan as a command: read by the real command line it is the same plan again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.metadata import record as metadata
from sdcli.planning.resolve import make_plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.request import Draw, Redraw, Repaint, Request

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "a fox"},
        {"prompt": "-x \"y\" 'z' $HOME [a|b] \\"},
        {
            "prompt": "狐",
            "negative": "- bad",
            "cfg": -0.1,
            "steps": 7,
            "scheduler": "euler-a",
            "eta": 0.3,
        },
        {"prompt": "a", "width": 72, "height": 520, "clip_skip": 2, "rng": "nv", "ensd": 31337},
        {
            "prompt": "a",
            "syntax": "plain",
            "emphasis": "no-norm",
            "prediction": "v",
            "dtype": "fp32",
        },
        {"prompt": "a", "count": 3, "seed": 2**64 - 5, "scheduler": "dpm++2m-sde-karras"},
        {"prompt": "a", "task": "redraw"},
        {"prompt": "a", "task": "repaint"},
    ],
)
def test_a_command_is_its_plan(
    sdcli: Callable[..., Any], sd1: Path, tmp_path: Path, asked: dict[str, Any]
):
    image, mask = tmp_path / "an image.png", tmp_path / "mask.png"
    Image.new("RGB", (64, 64)).save(image)
    black = Image.new("RGB", (64, 64))
    black.paste((255, 255, 255), (0, 0, 32, 32))
    black.save(mask)
    tasks = {"redraw": Redraw(image, 0.3), "repaint": Repaint(image, mask, 0.5, 3)}
    task = tasks.get(asked.get("task", ""), Draw())
    made = make_plan(Request(**{**asked, "task": task}, model=str(sd1)))
    _, *words = shlex.split(command_for_plan(made))
    ran = sdcli(words[0], "--dry-run", "--json", *words[1:])
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    decided = metadata.plan_to_data(made)
    assert {name: shown[name] for name in decided} == decided
