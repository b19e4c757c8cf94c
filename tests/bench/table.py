"""`python -m tests.bench table`: the README's table of speed, of the newest figures in `results.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.results import DIFFUSERS, RESULTS

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- speed -->\n", "<!-- end of speed -->\n"


def main(words: list[str]) -> None:
    """Put the table into the README."""
    if words:
        raise SystemExit("python -m tests.bench table")
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    README.write_text(f"{before}{BEGIN}{make_table(lines)}{END}{after}", encoding="utf-8")


def make_table(lines: list[dict[str, Any]]) -> str:
    """The steps at each size, the newest figure of each, and what they were taken on."""
    steps = [line for line in lines if line["bench"] == "speed step"]
    sides = sorted({int(line["asked"]["side"]) for line in steps})
    newest = {
        side: _newest([one for one in steps if one["asked"]["side"] == str(side)]) for side in sides
    }
    names = list(dict.fromkeys(name for side in sides for name in _names(newest[side])))
    rows = [
        f"| a step of SD 1.5, guided, fp32 | {' | '.join(f'{s}x{s}' for s in sides)} |",
        "|---" * (len(sides) + 1) + "|",
    ]
    rows += [
        f"| {name} | {' | '.join(_cell(newest[side], name) for side in sides)} |" for name in names
    ]
    about = steps[-1]
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    note = f"{about['machine']}; {versions}; medians of runs in turn (`python -m tests.bench speed step`)."
    return "\n".join(rows) + f"\n\n{note}\n"


def _newest(lines: list[dict[str, Any]]) -> dict[str, float]:
    return {line["figure"]: line["value"] for line in lines}  # the last of each figure stays


def _names(figures: dict[str, float]) -> Iterator[str]:
    return (name.removesuffix(", s") for name in figures if name.endswith(", s"))


def _cell(figures: dict[str, float], name: str) -> str:
    if f"{name}, s" not in figures:
        return ""
    times = "" if name == DIFFUSERS else f", **{figures[f'{name}, times {DIFFUSERS}']:.2f}x**"
    return f"{figures[f'{name}, s']:.2f} s{times}"
