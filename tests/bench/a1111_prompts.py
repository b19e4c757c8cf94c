"""Our reading of prompts beside A1111's own: `python -m tests.bench a1111_prompts FILE [COUNT]`.

FILE is a copy of that program's `modules/prompt_parser.py`; its grammar needs `pip install lark`.
COUNT random prompts (10,000) are made of the language's own signs, so that most are odd: real ones
agree far more often. A bracket right beside a stray one has two readings in their grammar, and the
versions of lark differ about it; such prompts are counted as they come.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from sdcli.errors import BadRequest
from sdcli.prompts.syntax import SYNTAXES

STEPS = 10
PIECES = (
    "a", "red fox", " ", ", ", "\n", "(", ")", "[", "]", ":", "|", "\\", "0.5", "3", "1.2", "16:9",
    ":1.3)", ":0.5]", ":3]", ":1.5]", "[a:b:", "[c:", "[x|y]", "(snow:1.2)", "\\(", " BREAK ",
    "BREAK", " AND ", "AND",
)  # fmt: skip
SHOWN = 20


def main(words: list[str]) -> None:
    """Print how many prompts both read alike, and the shortest of those that differ."""
    theirs = load_parser(Path(words[0]))
    count = int(words[1]) if len(words) > 1 else 10_000
    dice = random.Random(0)
    prompts = ["".join(dice.choices(PIECES, k=dice.randint(1, 14))) for _ in range(count)]
    print("| what | alike |\n|---|---|")
    differing: list[str] = []
    for what, ours, other in readings(theirs):
        apart = [prompt for prompt in prompts if ours(prompt) != other(prompt)]
        print(f"| {what} | {count - len(apart):,} of {count:,} |")
        differing += apart
    for prompt in sorted(set(differing), key=len)[:SHOWN]:
        print(repr(prompt))


Reading = Callable[[str], Any]


def readings(theirs: ModuleType) -> list[tuple[str, Reading, Reading]]:
    """What is compared: our reading of a prompt and theirs, each as plain lists."""
    ours, older = SYNTAXES["a1111"], SYNTAXES["a1111-1.5"]
    schedule = theirs.get_learned_conditioning_prompt_schedules

    def joined(prompt: str) -> list[list[Any]]:
        indexes, texts, _ = theirs.get_multicond_prompt_list([prompt])
        return [[texts[index], weight] for index, weight in indexes[0]]

    return [
        (
            "prompt editing",
            lambda prompt: _lists(ours.schedule, prompt, STEPS),
            lambda prompt: schedule([prompt], STEPS)[0],
        ),
        (
            "prompt editing before 1.6",
            lambda prompt: _lists(older.schedule, prompt, STEPS),
            lambda prompt: schedule([prompt], STEPS, use_old_scheduling=True)[0],
        ),
        (
            "weights and BREAK",
            lambda prompt: _lists(ours.parse_weights, prompt),
            lambda prompt: _lists(theirs.parse_prompt_attention, prompt),
        ),
        ("AND", lambda prompt: _lists(ours.split_at_and, prompt), joined),
    ]


def _lists(read: Callable[..., Any], *words: Any) -> list[list[Any]] | None:
    """What was read, or None where it was refused: theirs raises, ours says so."""
    try:
        return [list(each) for each in read(*words)]
    except (ValueError, BadRequest):
        return None


def load_parser(path: Path) -> ModuleType:
    """Their module, without the torch that only its other functions need."""
    sys.modules.setdefault("torch", ModuleType("torch"))
    spec = spec_from_file_location("prompt_parser", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
