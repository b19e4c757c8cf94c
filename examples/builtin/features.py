"""Whether the program's features do what they promise, seen on the built-in model's pictures."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from painter import Painter
from PIL import Image
from pixels import background_of, colour_of, lab, nearest
from scenes import COLOURS, TIME_WORDS, Land, Plain, Scene, Thing, draw, sheet

HERE = Path(__file__).parent


def _far(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).mean())


def negatives(painter: Painter) -> str:
    """A negative prompt removes what it names: here the time of day that a picture came out at."""
    kinds = ("house", "cat", "tree", "car", "boat", "heart", "star", "cup") * 3
    colours = ("red", "green", "purple", "yellow", "orange", "pink", "blue", "brown") * 3
    prompts = [f"a {c} {k} in the snow" for k, c in zip(kinds, colours, strict=True)]
    thing = Thing("circle", "red", "", 0.5, 0.5, 0.52)
    scene = Scene((thing,), Land("day", "snow", False), "flat", "middle", 0)
    before = [background_of(p, scene)[0] for p in painter.draw(prompts, list(range(24)))]
    kept = 0
    for seed, (prompt, time) in enumerate(zip(prompts, before, strict=True)):
        away = painter.draw([prompt], [seed], negative=TIME_WORDS[time][0])[0]
        kept += background_of(away, scene)[0] == time
    return f"no time of day is asked for; with the one drawn as the negative prompt, {kept} of 24 keep it"


def convergence(painter: Painter, prompts: list[str]) -> str:
    """More steps come closer to the picture of very many."""
    seeds = list(range(len(prompts)))
    goal = painter.draw(prompts, seeds, steps=80)
    rows = []
    for steps in (5, 10, 25, 40):
        drawn = painter.draw(prompts, seeds, steps=steps)
        rows.append(
            f"{steps}: {np.mean([_far(a, b) for a, b in zip(drawn, goal, strict=True)]):.1f}"
        )
    return ", ".join(rows)


def redrawing(painter: Painter) -> str:
    """img2img: the colour becomes the one asked for, and things stay where they were."""
    ways = ((0.5, painter.cfg), (0.5, 2 * painter.cfg), (0.6, painter.cfg), (0.7, painter.cfg))
    return "; ".join(f"strength {s:g}, cfg {c:g}: {_redrawn(painter, s, c)}" for s, c in ways)


def _redrawn(painter: Painter, strength: float, cfg: float) -> str:
    kinds = ("house", "car", "heart", "mushroom")
    pairs = (("red", "blue"), ("yellow", "purple"), ("green", "orange"))
    right, overlap = 0, []
    for seed, (kind, (old, new)) in enumerate(product(kinds, pairs)):
        thing = Thing(kind, old, "", 0.5, 0.5, 0.52)
        scene = Scene((thing,), Plain("grey"), "flat", "middle", 0)
        start, asked = draw(scene, painter.size), f"a {new} {kind} on a grey background"
        drawn = painter.draw([asked], [seed], start=start, strength=strength, cfg=cfg)[0]
        right += colour_of(drawn, scene, thing) == new
        plain = lab(draw(scene, painter.size, empty=True))
        masks = [np.abs(lab(p) - plain).sum(-1) > 24 for p in (start, drawn)]
        overlap.append((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
    return f"{right} of 12 in the new colour, outlines overlap by {np.mean(overlap):.0%}"


def blueprints(painter: Painter, lora: Path) -> str:
    """The style LoRA: how much of a picture is blue, without it and with it."""
    kinds = ("house", "cat", "car", "tree", "star", "boat", "mushroom", "heart")
    prompts = [
        f"a {c} {k} on a {c2} background"
        for k, c, c2 in zip(
            kinds,
            ("red", "black", "green", "pink") * 2,
            ("yellow", "white", "orange", "grey") * 2,
            strict=True,
        )
    ]
    blue = list(COLOURS).index("blue")

    def share(drawn: list[Image.Image]) -> float:
        seen = [nearest(lab(p)[::4, ::4].reshape(-1, 3), "flat", (1.1, 1.0, 0.7)) for p in drawn]
        return float(np.mean([(names == blue).mean() for names in seen]))

    before = painter.draw(prompts, list(range(8)))
    with painter.wearing(lora):
        after = painter.draw(prompts, list(range(8)))
    sheet(before + after, 8).save(HERE / "lora.png", optimize=True)
    return f"{share(before):.0%} of the picture is blue; with it, {share(after):.0%}"


def glow(painter: Painter, embedding: Path) -> str:
    """The learnt word: how many pictures show snow at sunset, without it and with it."""
    kinds = ("house", "cat", "car", "tree", "star", "boat", "mushroom", "heart") * 2
    prompts = [
        f"a {c} {k}" for k, c in zip(kinds, ("blue", "black", "green", "purple") * 4, strict=True)
    ]
    seeds = list(range(16))
    thing = Thing("circle", "red", "", 0.5, 0.5, 0.52)
    scene = Scene((thing,), Land("sunset", "snow", True), "watercolour", "middle", 0)
    before = painter.draw(prompts, seeds)
    read = painter.read_with([f"{p}, @" for p in prompts], embedding)
    after = painter.draw(prompts, seeds, read=read)
    sheet(before[:8] + after[:8], 8).save(HERE / "embedding.png", optimize=True)
    seen = [
        sum(background_of(p, scene) == ("sunset", "snow") for p in drawn)
        for drawn in (before, after)
    ]
    return f"{seen[0]} of 16 pictures show snow at sunset; with it, {seen[1]}"
