"""Does the CLIP in the box know what the built-in model draws?

    python -m tests.bench score [--pictures 300] [--steps 25] [--folder FOLDER]

Of every picture: is its own caption the best among 15 wrong ones; does the score fall when another
colour is asked for; and over the first captions, does it rise with `--cfg`? The captions are made here,
of the model's words; the pictures are drawn, saved and scored as the commands do.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from sdcli.engine import door
from sdcli.events import SilentListener
from sdcli.images.load import load_picture
from sdcli.measures.captions import COLOURS, THINGS
from sdcli.measures.judges import JudgeLike, find_judges
from sdcli.measures.measure import Vectors, cosine, unit_vectors
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request
from tests.bench.results import record_figures

PLACES = (
    "in a meadow",
    "on the beach",
    "in the snow",
    "by the sea",
    "in the city",
    "in the forest",
)
TIMES = ("by day", "at sunset", "at night", "in the fog")
WRONG = 15
CFGS = (1.0, 3.0, 5.0, 7.0)
OF_CFG = 40  # captions that are drawn under each


def captions(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Captions, each with its colour; no two the same."""
    dice, found = random.Random(seed), dict[str, str]()
    while len(found) < count:
        colour, thing = dice.choice(COLOURS)[0], dice.choice(THINGS)[0]
        if dice.random() < 0.42:
            ground = dice.choice([names[0] for names in COLOURS if names[0] != colour])
            where = f"on a {ground} background"
        else:
            where = f"{dice.choice(PLACES)} {dice.choice(TIMES)}"
        article = "an" if colour[0] in "aeiou" else "a"
        found[f"{article} {colour} {thing} {where}"] = colour
    return list(found.items())


def drawn(prompts: Sequence[str], folder: Path, cfg: float | None, steps: int) -> list[Image.Image]:
    """A picture of each prompt, of the seed of its place; those that are there are not drawn again."""
    pictures: list[Image.Image] = []
    with door.open_session() as session:
        for place, prompt in enumerate(prompts):
            path = folder / f"{place}-{cfg}-{steps}.png"
            if not path.exists():
                request = Request(Draw(), prompt, model="builtin", steps=steps, seed=place, cfg=cfg)
                (picture,) = session.run(replace(make_plan(request), batch=1), SilentListener())
                picture.save(path)
            pictures.append(load_picture(path))
    return pictures


def look(judge: JudgeLike, pictures: Sequence[Image.Image]) -> Vectors:
    """What the CLIP sees of pictures."""
    return np.stack([seen["clip"].picture for seen in judge.look(pictures, [""] * len(pictures))])


def read(judge: JudgeLike, words: Sequence[str]) -> Vectors:
    """What it makes of words."""
    blank = [Image.new("RGB", (8, 8))] * len(words)
    return np.stack([seen["clip"].words for seen in judge.look(blank, words)])


def shares(judge: JudgeLike, told: list[tuple[str, str]], seen: Vectors) -> dict[str, float]:
    """How often the right caption is found, and how often a wrong colour scores less."""
    dice = random.Random(1)
    words = [caption for caption, _ in told]
    fits = unit_vectors(seen) @ unit_vectors(read(judge, words)).T
    others = [[k for k in range(len(words)) if k != own] for own in range(len(words))]
    found = [
        all(fits[own, own] > fits[own, k] for k in dice.sample(others[own], WRONG))
        for own in range(len(words))
    ]
    wrong = [
        caption.replace(colour, dice.choice([c for c, *_ in COLOURS if c not in caption]), 1)
        for caption, colour in told
    ]
    recoloured = np.sum(unit_vectors(seen) * unit_vectors(read(judge, wrong)), axis=1)
    own = np.diag(fits)
    return {
        f"right caption among {WRONG} wrong ones": float(np.mean(found)),
        "less for a wrong colour": float(np.mean(recoloured < own)),
        "cosine with the caption": float(own.mean()),
        "cosine with a wrong colour": float(recoloured.mean()),
    }


def by_cfg(judge: JudgeLike, words: list[str], folder: Path, steps: int) -> dict[str, float]:
    """The mean cosine under each `--cfg`, and its standard error."""
    figures: dict[str, float] = {}
    for cfg in CFGS:
        looked = judge.look(drawn(words, folder, cfg, steps), words)
        values = [cosine(seen["clip"]) for seen in looked]
        figures[f"cosine at cfg {cfg:g}"] = fmean(values)
        figures[f"its standard error at cfg {cfg:g}"] = stdev(values) / len(values) ** 0.5
    return figures


def main(words: Sequence[str]) -> None:
    """Draw, judge, tell."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--pictures", type=int, default=300)
    flags.add_argument("--steps", type=int, default=25)
    flags.add_argument("--folder", type=Path)
    asked = flags.parse_args(words)
    judge = door.open_judges(find_judges(["builtin"]), {"clip"})
    told = captions(asked.pictures)
    prompts = [caption for caption, _ in told]
    with TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        figures = by_cfg(judge, prompts[:OF_CFG], folder, asked.steps)
        seen = look(judge, drawn(prompts, folder, None, asked.steps))
        figures |= shares(judge, told, seen)
    for name, value in figures.items():
        print(f"{name}: {value:.4f}")
    record_figures("score", vars(asked), figures)
