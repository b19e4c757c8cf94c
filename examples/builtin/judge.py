"""The judge, who is not the model: pixels are measured, and a classifier that has only ever seen
scenes names things.

`python judge.py` trains the classifier if need be, draws what 300 unseen captions ask for, and
writes the table and the sheets of the README. Before it judges the model it judges itself: the same
measurements on the scenes as drawn by code are the first column, the most that any model could
reach. What it has found out is kept in the folder, by the model's hash, so that it can be killed
too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from data import HELD_OUT
from features import HERE, blueprints, convergence, glow, negatives, redrawing
from namer import Namer, namer_of, names_of, train_namer
from painter import Painter
from PIL import Image
from pixels import asked_background, background_of, colour_of
from scenes import Scene, describe, draw, imagine, sheet

CHECKS = (
    "background", "object, alone", "its colour", "both objects of two",
    "both their colours, each in its place",
)  # fmt: skip
PART = 50
HOUSE = "a red house by the sea at night"
FEATURES = {
    "vae": "VAE round trip of unseen scenes",
    "negative": "negative prompt",
    "img2img": "img2img, a colour changed",
    "steps": "steps: mean distance to the picture of 80 steps, in grey levels",
    "lora": "LoRA `builtin:blueprint`",
    "embedding": "embedding `builtin:alpenglow`, four vectors",
}
Found = dict[str, Any]


def exam(start: int, stop: int) -> tuple[list[Scene], list[str]]:
    """Scenes of seeds never trained on, and a caption for each that leaves nothing out."""
    scenes = [imagine(HELD_OUT + k) for k in range(start, stop)]
    said = [describe(s, random.Random(start + k), whole=True) for k, s in enumerate(scenes)]
    return scenes, said


def look(picture: Image.Image, scene: Scene, namer: Namer) -> Found:
    """What is right in one picture of a scene."""
    found: Found = {
        "style": scene.style,
        "background": background_of(picture, scene) == asked_background(scene),
    }
    named = names_of(namer, picture, len(scene.things))
    colours = [colour_of(picture, scene, thing) == thing.colour for thing in scene.things]
    kinds = {thing.kind for thing in scene.things} == named
    alone = len(scene.things) == 1
    found["object, alone" if alone else "both objects of two"] = kinds
    found["its colour" if alone else "both their colours, each in its place"] = all(colours)
    return found


class Notebook:
    """What was found out about one model, a file for each question. Several judges may share one."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder / f"judge-{hashlib.sha256(model.read_bytes()).hexdigest()[:10]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def work(self, questions: dict[str, Callable[[], Any]]) -> dict[str, Any]:
        """The answers; a question that another judge is at is left to it, for ten minutes."""
        for patience in (600, 0):
            for question, find_out in questions.items():
                if not self._path(question).exists() and self._claim(question, patience):
                    self._path(question).write_text(json.dumps(find_out()))
                    print(f"{question}: {self._path(question).read_text()[:160]}", flush=True)
            while not all(self._path(q).exists() or self._stale(q, 600) for q in questions):
                time.sleep(1)
        return {question: json.loads(self._path(question).read_text()) for question in questions}

    def _path(self, question: str) -> Path:
        return self.folder / f"{question}.json"

    def _stale(self, question: str, patience: float) -> bool:
        claim = self.folder / f"{question}.claim"
        return not claim.exists() or time.time() - claim.stat().st_mtime > patience

    def _claim(self, question: str, patience: float) -> bool:
        free = self._stale(question, patience)
        if free:
            (self.folder / f"{question}.claim").touch()
        return free


def sat(painter: Painter | None, namer: Namer, start: int, stop: int, **how: Any) -> list[Found]:
    """A part of the exam; without a painter, the scenes themselves sit it."""
    scenes, said = exam(start, stop)
    if painter is None:
        drawn = [draw(scene) for scene in scenes]
    else:
        said = [""] * len(said) if how.pop("blind", False) else said
        drawn = painter.draw(said, list(range(start, stop)), **how)
    if start == 0 and painter and not how:
        sheet(drawn[:32], 8).save(HERE / "exam.png", optimize=True)
    return [look(picture, scene, namer) for picture, scene in zip(drawn, scenes, strict=True)]


def score(found: list[Found], check: str) -> str:
    """`86 % (43/50)`, of the pictures to which a check applies."""
    right = [f[check] for f in found if check in f]
    return f"{100 * sum(right) / len(right):.0f} % ({sum(right)}/{len(right)})" if right else ""


def questions(
    painter: Painter, namer: Namer, model: Path, count: int
) -> dict[str, Callable[[], Any]]:
    """All that is asked about a model, and how it is found out."""
    part, few = min(PART, count), exam(0, 6)[1]
    shown = [draw(imagine(HELD_OUT + k), painter.size) for k in range(64)]
    lora, word = (model.with_name(f"builtin-{n}.safetensors") for n in ("blueprint", "alpenglow"))
    asked: dict[str, Callable[[], Any]] = {"sheet": lambda: houses(painter)}
    for k in range(0, count, PART):
        stop = min(k + PART, count)
        asked[f"exam-{k}"] = partial(sat, painter, namer, k, stop)
        asked[f"scenes-{k}"] = partial(sat, None, namer, k, stop)
    return asked | {
        "vae": lambda: f"{painter.decibels(shown):.1f} dB",
        "lora": lambda: blueprints(painter, lora),
        "embedding": lambda: glow(painter, word),
        "negative": lambda: negatives(painter),
        "img2img": lambda: redrawing(painter),
        "cfg-1": lambda: sat(painter, namer, 0, part, cfg=1.0),
        "no-prompt": lambda: sat(painter, namer, 0, part, cfg=1.0, blind=True),
        "steps": lambda: convergence(painter, few),
    }


def houses(painter: Painter) -> str:
    """The sheet at the top of the README."""
    drawn = painter.draw([HOUSE] * 16, list(range(16)))
    sheet(drawn, 8).save(HERE / "sheet.png", optimize=True)
    return HOUSE


def tables(answers: dict[str, Any], painter: Painter, count: int) -> list[str]:
    """The tables of the README."""
    asked = [f for k in range(0, count, PART) for f in answers[f"exam-{k}"]]
    ceiling = [f for k in range(0, count, PART) for f in answers[f"scenes-{k}"]]
    columns = (asked, ceiling, answers["cfg-1"], answers["no-prompt"])
    lines = [
        f"{count} captions of unseen seeds, {painter.steps} steps, cfg {painter.cfg:g}, "
        f"{painter.size}x{painter.size}; cfg 1 and no prompt on the first {min(PART, count)}.",
        "",
        "| right in | the built-in model | the scenes themselves | at cfg 1 | without a prompt |",
        "|---|---|---|---|---|",
    ]
    for check in CHECKS:
        cells = [score(found, check) for found in columns]
        lines.append(f"| {check} | **{cells[0]}** | " + " | ".join(cells[1:]) + " |")
    lines += ["", "| style | " + " | ".join(CHECKS) + " |", "|---|" + "---|" * len(CHECKS)]
    for style in sorted({f["style"] for f in asked}):
        of_style = [f for f in asked if f["style"] == style]
        lines.append(f"| {style} | " + " | ".join(score(of_style, c) for c in CHECKS) + " |")
    rows = [f"| {title} | {answers[name]} |" for name, title in FEATURES.items()]
    return [*lines, "", "| feature | measured |", "|---|---|", *rows]


def into_readme(lines: list[str]) -> None:
    """Put the tables where the README keeps them."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- judge -->")
    after = rest.partition("<!-- /judge -->")[2]
    table = "\n".join(["<!-- judge -->", "", *lines, "", "<!-- /judge -->"])
    readme.write_text(before + table + after, encoding="utf-8")


def report(folder: Path, model: Path, count: int) -> None:
    """Judge; write the tables into the README, and the sheets beside it."""
    namer, painter, book = namer_of(folder), Painter(model), Notebook(folder, model)
    answers = book.work(questions(painter, namer, model, count))
    into_readme(tables(answers, painter, count))


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument(
        "--model", type=Path, default=HERE.parents[1] / "sdcli/assets/builtin.safetensors"
    )
    said.add_argument("--captions", type=int, default=300)
    said.add_argument("--minutes", type=float, default=15, help="for the classifier")
    chosen = said.parse_args()
    train_namer(chosen.folder, count=24576, size=128, batch=48, lr=2e-3, minutes=chosen.minutes)
    report(chosen.folder, chosen.model, chosen.captions)
