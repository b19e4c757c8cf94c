"""Whether the program's features do what they promise, seen on the built-in model's pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from namer import Namer, names_of
from painter import Painter
from PIL import Image
from pixels import background_of, colour_of, lab, nearest
from scenes import COLOURS, Land, Plain, Scene, Thing, draw, sheet

HERE = Path(__file__).parent


def _far(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).mean())


def negatives(painter: Painter, namer: Namer) -> str:
    """A negative prompt removes what it names: the pairs asked for without it, and with it."""
    asks = [
        "on a blue background",
        "on the grass by day",
        "in the snow by day",
        "on a yellow background",
    ] * 4
    kinds = ["house", "cat", "tree", "heart"]
    prompts = [
        f"a red {kind} and a green circle {where}"
        for kind, where in zip(kinds * 4, asks, strict=True)
    ]
    seeds = list(range(16))
    before = painter.draw(prompts, seeds)
    after = [
        painter.draw([p], [s], negative=k)[0]
        for p, s, k in zip(prompts, seeds, kinds * 4, strict=True)
    ]
    seen = [
        sum(k in names_of(namer, p, 2) for k, p in zip(kinds * 4, drawn, strict=True))
        for drawn in (before, after)
    ]
    return f"{seen[0]} of 16 pictures show it; with it as the negative prompt, {seen[1]}"


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
    """img2img at strength 0.5: the colour becomes the one asked for, and things stay where they
    were.
    """
    kinds, pairs = (
        ("house", "car", "heart", "mushroom"),
        (("red", "blue"), ("yellow", "purple"), ("green", "orange")),
    )
    right, overlap = [], []
    for n, kind in enumerate(kinds):
        for m, (old, new) in enumerate(pairs):
            thing = Thing(kind, old, "", 0.5, 0.5, 0.52)
            scene = Scene((thing,), Plain("grey"), "flat", "middle", 0)
            asked = f"a {new} {kind} on a grey background"
            drawn = painter.draw(
                [asked], [n * 3 + m], start=draw(scene, painter.size), strength=0.5
            )[0]
            right.append(colour_of(drawn, scene, thing) == new)
            plain = lab(draw(scene, painter.size, empty=True))
            masks = [
                np.abs(lab(p) - plain).sum(-1) > 24 for p in (draw(scene, painter.size), drawn)
            ]
            overlap.append((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
    return f"{sum(right)} of {len(right)} in the new colour; outlines overlap by {np.mean(overlap):.0%}"


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
