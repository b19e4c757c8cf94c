"""The judge, who is not the model: pixels are measured, and a classifier that has only ever seen
scenes names things.

`python judge.py` trains the classifier if need be, draws what 300 unseen captions ask for, and
writes the table and the sheet of the README. Before it judges the model it judges itself: the same
measurements on the scenes as drawn by code are the first column, the most that any model could
reach.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, pictures, tensor
from loop import Course, Loop, averaged
from painter import Painter
from PIL import Image
from scenes import (
    COLOURS,
    GROUNDS,
    KINDS,
    TIMES,
    Land,
    Plain,
    Scene,
    Thing,
    describe,
    draw,
    imagine,
    sheet,
)
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

# --- measuring pixels


def lab(picture: Image.Image) -> np.ndarray:
    """The picture in CIE Lab, where distances are what the eye sees."""
    return _lab(np.asarray(picture.convert("RGB"), np.float64) / 255)


def _lab(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


@cache
def _palette(style: str, tones: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Colours as a style paints them, in light and in shade, and the name that each stands for."""
    points, names = [], []
    for k, colour in enumerate(COLOURS.values()):
        for tone in tones:
            rgb = np.array(colour, np.float64) * tone
            if style == "pencil":
                rgb = 0.34 * rgb + 0.66 * np.array((246, 243, 234))
            elif style == "watercolour":
                rgb = 0.84 * rgb + 0.16 * np.array((246, 243, 234))
            points.append(_lab(rgb.clip(0, 255) / 255))
            names.append(k)
    return np.array(points), np.array(names)


def nearest(pixels: np.ndarray, style: str, tones: tuple[float, ...] = (1.05, 0.95)) -> np.ndarray:
    """For each Lab pixel the index of the colour that it would be called."""
    points, names = _palette(style, tones)
    return names[((pixels[:, None] - points[None]) ** 2).sum(-1).argmin(1)]


def background_of(picture: Image.Image, scene: Scene) -> tuple[str, ...]:
    """What is behind: a colour's name, or the time of day and the ground that it looks most
    like.
    """
    seen, size = lab(picture), picture.width
    inner = size // 9  # inside a watercolour's frame
    if isinstance(scene.backdrop, Plain):
        ring = np.ones((size, size), bool)
        ring[2 * inner : -2 * inner, 2 * inner : -2 * inner] = False
        ring[:inner], ring[-inner:], ring[:, :inner], ring[:, -inner:] = False, False, False, False
        found = nearest(seen[ring], scene.style)
        return (list(COLOURS)[np.bincount(found, minlength=len(COLOURS)).argmax()],)
    sky = np.s_[inner : int(0.45 * size), inner:-inner]
    earth = np.s_[int(0.62 * size) : int(0.78 * size), inner:-inner]
    away = _away_from_things(scene, size)
    best: dict[float, tuple[str, ...]] = {}
    for time in TIMES:
        for ground in GROUNDS:
            land = replace(scene.backdrop, time=time, ground=ground)
            model = lab(draw(replace(scene, backdrop=land), size, oversample=1, empty=True))
            far = sum(
                np.median(np.abs(seen[zone] - model[zone]).sum(-1)[away[zone]])
                for zone in (sky, earth)
            )
            best[float(far)] = (time, ground)
    return best[min(best)]


def _away_from_things(scene: Scene, size: int) -> np.ndarray:
    free = np.ones((size, size), bool)
    for thing in scene.things:
        free[_box(thing, size)] = False
    return free


def _box(thing: Thing, size: int) -> tuple[slice, slice]:
    x, y, half = thing.x * size, thing.y * size, thing.side * size / 2
    return slice(max(0, int(y - half)), int(y + half)), slice(max(0, int(x - half)), int(x + half))


def asked_background(scene: Scene) -> tuple[str, ...]:
    """What `background_of` should find."""
    behind = scene.backdrop
    return (behind.colour,) if isinstance(behind, Plain) else (behind.time, behind.ground)


def colour_of(picture: Image.Image, scene: Scene, thing: Thing) -> str:
    """The colour of what stands where a thing was asked for: the commonest among the pixels that
    are not background.
    """
    seen, size = lab(picture), picture.width
    box = _box(thing, size)
    behind = lab(draw(scene, size, oversample=1, empty=True))[box]
    inside = seen[box]
    ours = np.abs(inside - behind).sum(-1) > 24
    ours &= _silhouette(thing, size)[: ours.shape[0], : ours.shape[1]]
    if ours.sum() < 0.05 * ours.size:
        return "nothing"
    found = nearest(inside[ours], scene.style, (1.05, 0.92))
    return list(COLOURS)[np.bincount(found, minlength=len(COLOURS)).argmax()]


def _silhouette(thing: Thing, size: int) -> np.ndarray:
    """Where such a thing has its own colour, and not a window's or a trunk's."""
    alone = replace(thing, colour="pink")
    on_black = Scene((alone,), Plain("turquoise"), "flat", "middle", 0)
    pixels = lab(draw(on_black, size, oversample=1))[_box(thing, size)]
    found = nearest(pixels.reshape(-1, 3), "flat", (1.05, 0.92, 0.7)).reshape(pixels.shape[:2])
    return found == list(COLOURS).index("pink")


# --- naming things


class Namer(nn.Module):
    """A small convolutional network that says which kinds of things a picture shows. Trained on
    scenes alone.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((3, 32, 2), (32, 64, 2), (64, 128, 2), (128, 160, 1)):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.look = nn.Sequential(*layers, nn.Conv2d(160, len(KINDS), 1))

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        """A score for each kind: that of the place that looks most like it, wherever it is."""
        return self.look(interpolate(shown, (64, 64), mode="area")).flatten(2).logsumexp(2) - 4


def train_namer(
    folder: Path, *, count: int, size: int, batch: int, lr: float, minutes: float
) -> None:
    """Teach the namer, on pictures blurred, shifted and faded a little: sharpness must not be
    what it goes by.
    """
    store, namer = pictures(folder, count, size), Namer()
    loop = Loop(folder, "namer", {"namer": namer}, Course(minutes, lr, 50, decay=0.99))
    dice = np.random.default_rng(0)
    for _ in loop.steps():
        seeds = np.sort(dice.choice(count, batch, replace=False))
        shown = tensor(store[seeds]).to(loop.device)
        if dice.random() < 0.6:
            rough = int(dice.integers(size // 4, size))
            shown = interpolate(
                interpolate(shown, (rough, rough), mode="area"), (size, size), mode="bilinear"
            )
        shown = shown.roll(tuple(dice.integers(-6, 7, 2).tolist()), (2, 3))
        shown = shown * float(dice.uniform(0.85, 1.05)) + torch.randn_like(shown) * float(
            dice.uniform(0, 0.06)
        )
        truth = torch.zeros(batch, len(KINDS), device=loop.device)
        for row, seed in enumerate(seeds):
            for thing in imagine(int(seed)).things:
                truth[row, KINDS.index(thing.kind)] = 1
        loop.learn(binary_cross_entropy_with_logits(namer(shown), truth) * 10)


@torch.no_grad()
def names_of(namer: Namer, picture: Image.Image, count: int) -> set[str]:
    """The `count` kinds that the namer is surest of."""
    scores = namer(tensor(np.asarray(picture.convert("RGB"))[None]))[0]
    return {KINDS[k] for k in scores.topk(count).indices.tolist()}


# --- judging


@dataclass(frozen=True)
class Score:
    """How many were right, of how many."""

    right: int
    of: int

    def __str__(self) -> str:
        return f"{100 * self.right / max(1, self.of):.0f} %"


def exam(count: int) -> list[tuple[Scene, str]]:
    """Scenes of seeds never trained on, and a caption for each that leaves nothing out."""
    return [
        (scene := imagine(HELD_OUT + k), describe(scene, random.Random(k), whole=True))
        for k in range(count)
    ]


def verdict(drawn: list[Image.Image], scenes: list[Scene], namer: Namer) -> dict[str, Score]:
    """What is right in pictures of scenes."""
    tally: dict[str, list[bool]] = {}
    for picture, scene in zip(drawn, scenes, strict=True):
        tally.setdefault("background", []).append(
            background_of(picture, scene) == asked_background(scene)
        )
        named = names_of(namer, picture, len(scene.things))
        if len(scene.things) == 1:
            thing = scene.things[0]
            tally.setdefault("object, alone", []).append(thing.kind in named)
            tally.setdefault("its colour", []).append(
                colour_of(picture, scene, thing) == thing.colour
            )
        else:
            tally.setdefault("both objects of two", []).append(
                {t.kind for t in scene.things} == named
            )
            colours = [colour_of(picture, scene, t) == t.colour for t in scene.things]
            tally.setdefault("both their colours, each in its place", []).append(all(colours))
    return {name: Score(sum(found), len(found)) for name, found in sorted(tally.items())}


def namer_of(folder: Path) -> Namer:
    """The trained namer."""
    namer = Namer()
    namer.load_state_dict(averaged(folder, "namer", "namer"))
    return namer.eval()


def by_style(
    drawn: list[Image.Image], scenes: list[Scene], namer: Namer
) -> dict[str, dict[str, Score]]:
    """The verdict for each style alone."""
    return {
        style: verdict(
            [p for p, s in zip(drawn, scenes, strict=True) if s.style == style],
            [s for s in scenes if s.style == style],
            namer,
        )
        for style in sorted({s.style for s in scenes})
    }


# --- what the features must show


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
    sheet(before + after, 8).save(Path(__file__).parent / "lora.png", optimize=True)
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
    sheet(before[:8] + after[:8], 8).save(Path(__file__).parent / "embedding.png", optimize=True)
    seen = [
        sum(background_of(p, scene) == ("sunset", "snow") for p in drawn)
        for drawn in (before, after)
    ]
    return f"{seen[0]} of 16 pictures show snow at sunset; with it, {seen[1]}"


def _into_readme(readme: Path, lines: list[str]) -> None:
    before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- judge -->")
    after = rest.partition("<!-- /judge -->")[2]
    table = "\n".join(["<!-- judge -->", "", *lines, "", "<!-- /judge -->"])
    readme.write_text(before + table + after, encoding="utf-8")


def marks(painter: Painter, namer: Namer, count: int) -> list[str]:
    """The table of what the captions asked for, and the sheet of the first pictures."""
    scenes, captions = (list(column) for column in zip(*exam(count), strict=True))
    seeds, part = list(range(count)), count // 5
    drawn = painter.draw(captions, seeds)
    sheet(drawn[:32], 8).save(Path(__file__).parent / "exam.png", optimize=True)
    columns = [
        verdict([draw(s, painter.size) for s in scenes], scenes, namer),
        verdict(drawn, scenes, namer),
        verdict(painter.draw(captions[:part], seeds[:part], cfg=1.0), scenes[:part], namer),
        verdict(painter.draw([""] * part, seeds[:part], cfg=1.0), scenes[:part], namer),
    ]
    lines = [
        f"{count} captions of unseen seeds, {painter.steps} steps, cfg {painter.cfg:g}, "
        f"{painter.size}x{painter.size}; cfg 1 and no prompt on the first {part}.",
        "",
        "| right in | the scenes themselves | the built-in model | at cfg 1 | without a prompt |",
        "|---|---|---|---|---|",
        *(
            f"| {k} | " + " | ".join(f"{c[k]} ({c[k].right}/{c[k].of})" for c in columns) + " |"
            for k in columns[1]
        ),
        "",
        "| style | " + " | ".join(columns[1]) + " |",
        "|---|" + "---|" * len(columns[1]),
    ]
    for style, scores in by_style(drawn, scenes, namer).items():
        lines.append(
            f"| {style} | " + " | ".join(str(scores.get(k, "")) for k in columns[1]) + " |"
        )
    return lines


def report(folder: Path, model: Path, count: int) -> None:
    """Judge; write the table into the README, and the sheets beside it."""
    here = Path(__file__).parent
    namer, painter = namer_of(folder), Painter(model)
    house = painter.draw(["a red house by the sea at night"] * 16, list(range(16)))
    sheet(house, 8).save(here / "sheet.png", optimize=True)
    lines = marks(painter, namer, count)
    _, captions = (list(column) for column in zip(*exam(8), strict=True))
    shown = [draw(imagine(HELD_OUT + k), painter.size) for k in range(64)]
    facts: dict[str, Callable[[], str]] = {
        "VAE round trip of unseen scenes": lambda: f"{painter.decibels(shown):.1f} dB",
        "negative prompt": lambda: negatives(painter, namer),
        "steps: mean distance to the picture of 80 steps, in grey levels": lambda: convergence(
            painter, captions
        ),
        "img2img at strength 0.5, a colour changed": lambda: redrawing(painter),
        "LoRA `builtin:blueprint`": lambda: blueprints(
            painter, model.with_name("builtin-blueprint.safetensors")
        ),
        "embedding `alpenglow`": lambda: glow(
            painter, model.with_name("builtin-alpenglow.safetensors")
        ),
    }
    lines += [
        "",
        "| feature | measured |",
        "|---|---|",
        *(f"| {name} | {fact()} |" for name, fact in facts.items()),
    ]
    _into_readme(here / "README.md", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument(
        "--model", type=Path, default=Path(__file__).parents[2] / "sdcli/assets/builtin.safetensors"
    )
    said.add_argument("--captions", type=int, default=300)
    said.add_argument("--minutes", type=float, default=4, help="for the classifier, the first time")
    chosen = said.parse_args()
    train_namer(chosen.folder, count=24576, size=128, batch=48, lr=2e-3, minutes=chosen.minutes)
    report(chosen.folder, chosen.model, chosen.captions)
