"""Whether the program's features do what they promise, seen on the built-in model's pictures."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
from captions import TIME_WORDS, describe
from data import HELD_OUT
from namer import Namer, read
from painter import Painter
from PIL import Image
from pixels import centre, edges, nearest, overlap, spread
from scenes import again, draw, imagine, sheet
from world import COLOURS, Scene

HERE = Path(__file__).parent
SEEDS, CAPTIONS = 16, 12


def _unseen(count: int, start: int, wanted: object = None, style: str | None = None) -> list[Scene]:
    """Scenes never trained on, of those that `wanted` likes."""
    scenes = (imagine(k, style=style) for k in range(HELD_OUT + start, HELD_OUT + start + 100_000))
    liked = (s for s in scenes if wanted is None or wanted(s))  # type: ignore[operator]
    return [scene for _, scene in zip(range(count), liked, strict=False)]


def _single(scene: Scene) -> bool:
    thing = scene.things[0]
    return (
        len(scene.things) == 1 and len(thing.spots) == 1 and not scene.relation and not thing.look
    )


def _placed(scene: Scene) -> bool:
    return (
        _single(scene)
        and getattr(scene.backdrop, "time", "") != ""
        and getattr(scene.backdrop, "place", "room")
        not in ("room", "space", "underwater", "forest", "city")
    )


def sharpness(painter: Painter | None) -> list[float]:
    """The mean step at edges, of what is drawn and of the scenes themselves."""
    scenes = _unseen(48, 5000)
    shown = [draw(scene, painter.size if painter else 192) for scene in scenes]
    said = [describe(scene, random.Random(k), whole=True) for k, scene in enumerate(scenes)]
    drawn = painter.draw(said, list(range(len(said)))) if painter else shown
    return [float(np.mean([edges(p) for p in pictures])) for pictures in (drawn, shown)]


def diversity(painter: Painter | None, namer: Namer) -> dict[str, list[float]]:
    """Of sixteen seeds of a full caption: the mean distance of the thing's middle, and how far the
    two most alike are from each other; of what is drawn and of scenes of the same words.
    """
    found: dict[str, list[list[float]]] = {"spread": [], "nearest": []}
    for k, scene in enumerate(_unseen(CAPTIONS, 6000, _single, "flat")):
        kind = scene.things[0].kind
        size = painter.size if painter else 192
        shown = [draw(again(scene, 77 * k + seed), size) for seed in range(SEEDS)]
        said = describe(scene, random.Random(k), whole=True)
        drawn = painter.draw([said] * SEEDS, list(range(SEEDS))) if painter else shown
        middles = []
        for pictures in (drawn, shown):
            masks = [reading.mask(kind) for reading in read(namer, pictures)]
            places = [centre(mask) for mask in masks if mask.any()]
            middles.append(spread(places) if len(places) > 1 else 0.0)
        found["spread"].append(middles)
        found["nearest"].append([nearest(drawn), nearest(shown)])
    return {name: np.mean(rows, 0).tolist() for name, rows in found.items()}


def negatives(painter: Painter, namer: Namer) -> list[int]:
    """A negative prompt removes what it names: here the time of day that a picture came out at.
    How often it went, and of how many.
    """
    scenes = _unseen(30, 7000, _placed, "flat")
    prompts = [f"a {s.things[0].colour} {s.things[0].kind} in a landscape" for s in scenes]
    seeds = list(range(len(prompts)))
    before = [r.whole["time"] for r in read(namer, painter.draw(prompts, seeds))]
    gone = 0
    for seed, (prompt, time) in enumerate(zip(prompts, before, strict=True)):
        away = painter.draw([prompt], [seed], negative=f"a landscape {TIME_WORDS[time][0]}")
        gone += read(namer, away)[0].whole["time"] != time
    return [gone, len(prompts)]


def redrawing(painter: Painter, namer: Namer, strength: float = 0.5) -> list[float]:
    """img2img: how often the colour becomes the one asked for, of how many, and how much outlines
    overlap.
    """
    scenes = _unseen(30, 8000, _single, "flat")
    dice = random.Random(0)
    wanted = [
        replace(
            s,
            things=(
                replace(
                    s.things[0], colour=dice.choice([c for c in COLOURS if c != s.things[0].colour])
                ),
            ),
        )
        for s in scenes
    ]
    starts = [draw(scene, painter.size) for scene in scenes]
    said = [describe(scene, random.Random(k), whole=True) for k, scene in enumerate(wanted)]
    drawn = painter.draw(said, list(range(len(said))), starts=starts, strength=strength)
    right, shared = 0, []
    for scene, was, now in zip(wanted, read(namer, starts), read(namer, drawn), strict=True):
        thing = scene.things[0]
        right += now.colour(thing.kind) == thing.colour
        shared.append(overlap(was.mask(thing.kind), now.mask(thing.kind)))
    return [right, len(wanted), float(np.mean(shared))]


def round_trip(painter: Painter) -> dict[str, float]:
    """Unseen scenes through the VAE and back: how near in decibels, and how sharp."""
    shown = [draw(scene, painter.size) for scene in _unseen(64, 9000)]
    back = painter.redrawn(shown)
    errors = [
        np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
        for a, b in zip(shown, back, strict=True)
    ]
    steps = [np.mean([edges(p) for p in pictures]) for pictures in (back, shown)]
    return {
        "decibels": float(np.mean([20 * np.log10(255 / np.sqrt(e)) for e in errors])),
        "sharpness": float(steps[0] / steps[1]),
    }


def _eight() -> list[str]:
    scenes = _unseen(8, 6500, _single, "flat")
    return [f"a {s.things[0].colour} {s.things[0].kind}" for s in scenes]


def blueprints(painter: Painter, lora: Path) -> list[float]:
    """The style LoRA: how much of a picture is blue, without it and with it."""

    def share(drawn: list[Image.Image]) -> float:
        pixels = np.stack([np.asarray(p, np.float32) for p in drawn])
        return float((pixels[..., 2] > 1.4 * pixels[..., 0]).mean())

    prompts = _eight()
    before = painter.draw(prompts, list(range(8)))
    with painter.wearing(lora):
        after = painter.draw(prompts, list(range(8)))
    sheet(before + after, 8).save(HERE / "lora.png", optimize=True)
    return [share(before), share(after)]


def glow(painter: Painter, namer: Namer, embedding: Path) -> list[int]:
    """The learnt word: how many of sixteen pictures show snow at sunset, without it and with it."""
    prompts = _eight() * 2
    before = painter.draw(prompts, list(range(16)))
    after = painter.draw(
        prompts, list(range(16)), read=painter.read_with([f"{p}, @" for p in prompts], embedding)
    )
    sheet(before[:8] + after[:8], 8).save(HERE / "embedding.png", optimize=True)
    return [
        sum((r.whole["place"], r.whole["time"]) == ("snow", "sunset") for r in read(namer, drawn))
        for drawn in (before, after)
    ]
