"""Does the map of an object's word lie on the object? Fifty prompts of the built-in model.

    python -m tests.bench.attention [--prompts 50] [--steps 12] [--sheet FILE]

The object is found in the finished picture by its colour: the pixels nearer to the colour that the
prompt names than to that of the background. The measure is the area under the ROC curve: how often
a pixel of the object has more attention than a pixel beside it. 0.5 is chance, 1 is all.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = {
    "red": (212, 44, 46), "orange": (242, 138, 34), "green": (52, 152, 78), "blue": (46, 98, 206),
    "purple": (132, 72, 188), "pink": (246, 146, 186), "brown": (128, 82, 50),
}  # fmt: skip
KINDS = (
    "circle",
    "square",
    "star",
    "heart",
    "balloon",
    "butterfly",
    "flower",
    "fish",
    "car",
    "cup",
)
WHITE = (246, 244, 240)
LEAST, MOST = 0.02, 0.8  # shares of the picture that an object can fill


@dataclass(frozen=True)
class Found:
    """How well the maps of a prompt's words lie on its object; None: no object is there."""

    prompt: str
    scores: dict[str, float] | None
    picture: Image.Image


def prompts(count: int) -> list[tuple[str, str, str]]:
    """Colours and kinds, each pair once, in an order that is always the same."""
    pairs = [(colour, kind) for colour in COLOURS for kind in KINDS]
    random.Random(0).shuffle(pairs)
    return [(c, k, f"a {c} {k} on a white background") for c, k in pairs[:count]]


def auc(map_: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """How often the map is larger inside the mask than outside; a tie is half."""
    values, places = np.unique(map_, return_inverse=True)
    counts = np.bincount(places.ravel(), minlength=len(values))
    ranks = np.cumsum(counts) - (counts - 1) / 2  # of each value, ties sharing theirs
    inside = int(mask.sum())
    total = ranks[places].reshape(mask.shape)[mask].sum()
    return float((total - inside * (inside + 1) / 2) / (inside * (mask.size - inside)))


def object_mask(picture: Image.Image, colour: str) -> NDArray[np.bool_]:
    """The pixels nearer to the colour than to the background."""
    levels = np.asarray(picture.convert("RGB"), np.float64)
    near, far = (((levels - np.array(rgb)) ** 2).sum(-1) for rgb in (COLOURS[colour], WHITE))
    return near < far


def measured(colour: str, kind: str, prompt: str, steps: int, seed: int) -> Found:
    """Draw the prompt and see how the words' maps lie on the object."""
    from sdcli.engine.trace import record_drawing
    from sdcli.planning.resolve import make_plan
    from sdcli.request import Draw, Request

    asked = Request(Draw(), prompt, model="builtin", steps=steps, seed=seed)
    from sdcli.events import SilentListener

    seen = record_drawing(make_plan(asked), SilentListener(), [steps], attention=True)
    assert seen.picture is not None
    picture = seen.picture.image
    mask = object_mask(picture, colour)
    if not LEAST < mask.mean() < MOST:
        return Found(prompt, None, picture)
    scores = {
        one.word: auc(
            np.asarray(one.map.resize(picture.size, Image.Resampling.BILINEAR), float), mask
        )
        for one in seen.attended
    }
    return Found(prompt, scores, picture)


def main(words: list[str] | None = None) -> None:
    """Measure the prompts and print the means."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.attention")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--sheet", type=Path)
    said = parser.parse_args(words)
    rows: list[tuple[float, float, float]] = []
    cells = []
    for seed, (colour, kind, prompt) in enumerate(prompts(said.prompts)):
        found = measured(colour, kind, prompt, said.steps, seed)
        if found.scores is None:
            print(f"{prompt}: no object of that colour was drawn", flush=True)
            continue
        row = found.scores[kind], found.scores[colour], found.scores["background"]
        rows.append(row)
        cells.append((found, row))
        print(
            f"{prompt}: {kind} {row[0]:.2f}, {colour} {row[1]:.2f}, background {row[2]:.2f}",
            flush=True,
        )
    scores = np.array(rows)
    for name, column in zip(
        ("the object's word", "its colour", "`background`"), scores.T, strict=True
    ):
        print(
            f"{name}: mean {column.mean():.3f}, better than chance in {(column > 0.5).sum()} of {len(rows)}"
        )
    if said.sheet:
        from sdcli.images.contact_sheet import Cell, draw_contact_sheet, flow_cells

        some = [Cell(found.picture, f"{found.prompt}: {row[0]:.2f}") for found, row in cells]
        draw_contact_sheet(flow_cells("Attention to the object's word", some)).save(said.sheet)


if __name__ == "__main__":
    main()
