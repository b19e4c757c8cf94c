"""The judge, who is not the model: a reader of pictures that has only ever seen scenes drawn by
code says what is where, and pixels are measured.

`python judge.py` trains the reader if need be, draws what the first 300 unseen captions ask for,
none left out, and writes the tables and the sheets of the README, and the captions into the package.
Before it judges the model it judges itself: the same measurements on the scenes as drawn by code are
the most that any model could reach. What it has found out is kept in the folder, by the model's hash,
so that it can be killed too.
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

from captions import describe
from data import HELD_OUT
from export import ASSETS
from features import (
    HERE,
    blueprints,
    diversity,
    glow,
    negatives,
    redrawing,
    round_trip,
    sharpness,
)  # fmt: skip
from namer import Namer, Reading, namer_of, read, said_of, train_namer
from painter import Painter
from pixels import pieces, related
from scenes import draw, imagine, sheet
from unet import PROMPTS
from world import Scene

GOALS = {
    "background": 97, "weather": 0, "style": 95, "object, alone": 97, "its colour": 95, "how many": 0,
    "both objects": 95, "both colours, each in its place": 85, "relation": 80,
}  # fmt: skip
"""What is asked of each picture, and the share that should be right (0: only measured)."""
PART = 50
FIRST = (
    *["a red house by the sea at night"] * 8,
    *PROMPTS[1:],
    "two penguins in the snow, paper cut",
)
"""What is on the sheet that the README begins with."""
Found = dict[str, Any]


def exam(start: int, stop: int) -> tuple[list[Scene], list[str]]:
    """Scenes of seeds never trained on, and a caption for each that leaves nothing out."""
    scenes = [imagine(HELD_OUT + k) for k in range(start, stop)]
    said = [describe(s, random.Random(start + k), whole=True) for k, s in enumerate(scenes)]
    return scenes, said


def mark(reading: Reading, scene: Scene) -> Found:
    """What is right in one picture of a scene."""
    said, seen = said_of(scene), reading.whole
    found: Found = {"of": scene.style, "style": seen["style"] == scene.style}
    found["background"] = all(seen[n] == said[n] for n in ("place", "time", "behind") if n in said)
    if said.get("weather"):
        found["weather"] = seen["weather"] == said["weather"]
    kinds = list(reading.areas())
    things = scene.things
    coloured = all(reading.colour(thing.kind) == thing.colour for thing in things)
    if len(things) == 1:
        found["object, alone"] = kinds[:1] == [things[0].kind]
        found["its colour"] = coloured
        if len(things[0].spots) > 1:
            found["how many"] = pieces(reading.mask(things[0].kind)) == len(things[0].spots)
    else:
        found["both objects"] = set(kinds[:2]) == {thing.kind for thing in things}
        found["both colours, each in its place"] = coloured
        found["relation"] = related(reading, scene)
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
        if start == 0 and not how:
            sheet([p.reduce(2) for p in drawn[:32]], 8).save(HERE / "exam.png", optimize=True)
    return [mark(r, scene) for r, scene in zip(read(namer, drawn), scenes, strict=True)]


def score(found: list[Found], check: str) -> str:
    """`86 % (43/50)`, of the pictures to which a check applies."""
    right = [f[check] for f in found if check in f]
    return f"{100 * sum(right) / len(right):.0f} % ({sum(right)}/{len(right)})" if right else ""


def questions(
    painter: Painter, namer: Namer, model: Path, count: int
) -> dict[str, Callable[[], Any]]:
    """All that is asked about a model, and how it is found out."""
    part = min(PART, count)
    lora, word = (model.with_name(f"builtin-{n}.safetensors") for n in ("blueprint", "alpenglow"))
    asked: dict[str, Callable[[], Any]] = {"sheet": lambda: first_sheet(painter)}
    for k in range(0, count, PART):
        stop = min(k + PART, count)
        asked[f"exam-{k}"] = partial(sat, painter, namer, k, stop)
        asked[f"scenes-{k}"] = partial(sat, None, namer, k, stop)
    asked |= {
        "vae": lambda: round_trip(painter),
        "sharpness": lambda: sharpness(painter),
        "diversity": lambda: diversity(painter, namer),
        "negative": lambda: negatives(painter, namer),
        "img2img": lambda: redrawing(painter, namer),
        "cfg-1": lambda: sat(painter, namer, 0, part, cfg=1.0),
        "no-prompt": lambda: sat(painter, namer, 0, part, cfg=1.0, blind=True),
        "steps": lambda: by_steps(painter, namer, part),
    }
    if lora.exists():
        asked["lora"] = lambda: blueprints(painter, lora)
    if word.exists():
        asked["embedding"] = lambda: glow(painter, namer, word)
    return asked


def by_steps(painter: Painter, namer: Namer, part: int) -> dict[str, str]:
    """How often the right thing is drawn in so many steps."""
    return {
        str(steps): score(sat(painter, namer, 0, part, steps=steps), "object, alone")
        for steps in (8, 12, 40)
    }


def first_sheet(painter: Painter) -> list[str]:
    """The sheet at the top of the README: seeds 0 to 15, none left out."""
    drawn = painter.draw(list(FIRST), list(range(len(FIRST))))
    sheet(drawn, 8).save(HERE / "sheet.png", optimize=True)
    return list(FIRST)


def tables(answers: dict[str, Any], painter: Painter, count: int) -> list[str]:
    """The tables of the README."""
    asked = [f for k in range(0, count, PART) for f in answers[f"exam-{k}"]]
    ceiling = [f for k in range(0, count, PART) for f in answers[f"scenes-{k}"]]
    columns = (asked, ceiling, answers["cfg-1"], answers["no-prompt"])
    lines = [
        f"The first {count} captions of unseen seeds, {painter.steps} steps, cfg {painter.cfg:g}, "
        f"{painter.size}x{painter.size}; cfg 1 and no prompt on the first {min(PART, count)}.",
        "",
        "| right in | goal | the built-in model | the scenes themselves | at cfg 1 | without a prompt |",
        "|---|---|---|---|---|---|",
    ]
    for check, goal in GOALS.items():
        cells = [score(found, check) for found in columns]
        lines.append(
            f"| {check} | {f'{goal} %' if goal else ''} | **{cells[0]}** | "
            + " | ".join(cells[1:])
            + " |"
        )
    lines += ["", "| style | " + " | ".join(GOALS) + " |", "|---|" + "---|" * len(GOALS)]
    for style in sorted({f["of"] for f in asked}):
        of_style = [f for f in asked if f["of"] == style]
        lines.append(f"| {style} | " + " | ".join(score(of_style, c) for c in GOALS) + " |")
    return [*lines, "", "| feature | goal | measured |", "|---|---|---|", *feature_rows(answers)]


def feature_rows(answers: dict[str, Any]) -> list[str]:
    """The table of what the program's features do with the model."""
    drawn, shown = answers["sharpness"]
    spread, close = answers["diversity"]["spread"], answers["diversity"]["nearest"]
    gone, tried = answers["negative"]
    right, many, shared = answers["img2img"]
    steps = ", ".join(f"{n}: {value}" for n, value in answers["steps"].items())
    rows = [
        (
            "VAE round trip of unseen scenes",
            "33 dB",
            f"{answers['vae']['decibels']:.1f} dB, edges {answers['vae']['sharpness']:.0%} as sharp",
        ),
        ("sharpness: mean step at edges, of the scenes' own", "85 %", f"{drawn / shown:.0%}"),
        (
            "diversity: mean distance of the middle over 16 seeds, of the scenes' own",
            "60 %",
            f"{spread[0] / spread[1]:.0%}",
        ),
        (
            "nearest pair of 16 seeds, in grey levels (the scenes')",
            "no nearer",
            f"{close[0]:.1f} ({close[1]:.1f})",
        ),
        ("negative prompt removes the time of day that it names", "90 %", f"{gone} of {tried}"),
        (
            "img2img at 0.5: in the new colour; outlines overlap",
            "80 %",
            f"{right} of {many}; {shared:.0%}",
        ),
        ("object, alone, of the first captions, by steps", "", steps),
    ]
    if "lora" in answers:
        rows.append(
            (
                "LoRA `builtin:blueprint`: share of blue, without and with",
                "",
                "{:.0%}, {:.0%}".format(*answers["lora"]),
            )
        )
    if "embedding" in answers:
        rows.append(
            (
                "word `builtin:alpenglow`: snow at sunset, without and with",
                "",
                "{} and {} of 16".format(*answers["embedding"]),
            )
        )
    return [f"| {' | '.join(row)} |" for row in rows]


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
    (ASSETS / "builtin-captions.txt").write_text("\n".join(exam(0, count)[1]) + "\n", "utf-8")
    into_readme(tables(answers, painter, count))


def ceiling(folder: Path, count: int) -> None:
    """What the judge says of the scenes themselves."""
    namer = namer_of(folder)
    found = sat(None, namer, 0, count)
    for check, goal in GOALS.items():
        print(f"{check}: {score(found, check)}, goal {goal or 'none'}")
    print({name: [round(v, 3) for v in values] for name, values in diversity(None, namer).items()})


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument(
        "--model", type=Path, default=HERE.parents[1] / "sdcli/assets/builtin.safetensors"
    )
    said.add_argument("--captions", type=int, default=300)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--minutes", type=float, default=20, help="for the reader of pictures")
    said.add_argument("--ceiling", action="store_true", help="only judge the scenes themselves")
    chosen = said.parse_args()
    train_namer(chosen.folder, size=chosen.size, batch=48, lr=2e-3, minutes=chosen.minutes)
    if chosen.ceiling:
        ceiling(chosen.folder, chosen.captions)
    else:
        report(chosen.folder, chosen.model, chosen.captions)
