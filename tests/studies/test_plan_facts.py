"""What a page says of a plan: the table of options, but for what every plan has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdcli import plan as plans
from sdcli.options.table import OPTIONS
from sdcli.studies.plan_facts import plan_facts, plan_summary
from tests.helpers.plans import a_plan

FILE = plans.File(Path("folder/ink.png"), "cd" * 32)


def test_an_ordinary_plan_says_what_decides_it() -> None:
    assert plan_facts(a_plan()) == {
        "prompt": "a red fox", "negative": "blurry", "model": "fox.safetensors (ababababab)",
        "steps": "20", "cfg": "7", "scheduler": "euler-a", "eta": "1", "seed": "42", "width": "64",
        "height": "64", "clip-skip": "1", "prediction": "eps", "dtype": "fp32", "family": "sd1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "changes", "said"),
    [
        ("image", {"task": plans.Redraw(FILE, 0.75)}, "ink.png (cdcdcdcdcd)"),
        ("strength", {"task": plans.Redraw(FILE, 0.75)}, "0.75"),
        ("feather", {"task": plans.Repaint(FILE, FILE, 0.5, 8)}, "8"),
        ("image-cfg", {"task": plans.Edit(FILE, 1.5)}, "1.5"),
        ("lora", {"loras": (plans.Lora(FILE, 0.5, 1, 1),)}, "ink.png (cdcdcdcdcd) at 0.5"),
        ("embedding", {"embeddings": (plans.Embedding(FILE, "glow", 2),)}, "glow"),
        ("vae", {"vae": FILE}, "ink.png (cdcdcdcdcd)"),
        ("zero-snr", {"zero_snr": True}, "yes"),
        ("rng", {"rng": "nv"}, "nv"),
        ("ensd", {"ensd": 31337}, "31337"),
        ("penultimate", {"penultimate": "none"}, "none"),
    ],
)  # fmt: skip
def test_what_is_in_use_is_said_and_nothing_else(
    option: str, changes: dict[str, Any], said: str
) -> None:
    assert OPTIONS[option].decides
    assert plan_facts(a_plan(**changes))[option] == said
    assert option not in plan_facts(a_plan())
    assert option not in plan_facts(a_plan(**changes), (option,))


def test_what_a_study_varies_is_not_on_its_line() -> None:
    assert plan_summary(a_plan()) == "fox · euler-a · 20 steps · cfg 7 · seed 42 · 64 x 64"
    assert plan_summary(a_plan(), ("width", "cfg")) == "fox · euler-a · 20 steps · seed 42"
