"""Whether a seam stands where an outpainting begins: `python -m tests.bench seams [PICTURES]`.

The built-in model draws pictures, and draws each on to its right, with the defaults and without what
keeps seams away. Measured is how far grey levels jump from a column to the next, on average: in the
columns where the new part meets the old picture, and in all others. A seam is a ratio above 1.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sdcli

PROMPTS = ("the sea at sunset", "mountains in the snow", "a meadow at noon", "a forest at night")
WIDTH = NEW = 192
FEATHER = 16
WAYS = {"as it is": {}, "feather 0": {"feather": 0}, "feather 0, grow 0": {"feather": 0, "grow": 0}}


def jumps(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each column to the next, by the left one of the two."""
    return np.abs(np.diff(image, axis=1)).mean(axis=(0, 2))


def main(words: list[str]) -> None:
    """Draw, measure, print a line for each way."""
    count = int(words[0]) if words else len(PROMPTS)
    folder = Path(tempfile.mkdtemp(prefix="sdcli-seams-"))
    at_seam: dict[str, list[float]] = {way: [] for way in WAYS}
    elsewhere: dict[str, list[float]] = {way: [] for way in WAYS}
    with sdcli.Session() as session:
        for seed in range(count):
            prompt, start = PROMPTS[seed % len(PROMPTS)], folder / f"{seed}.png"
            (picture,) = session.run(sdcli.make_plan(prompt, seed=seed))
            picture.save(start)
            for way, options in WAYS.items():
                task = sdcli.Outpaint(start, right=NEW)
                (wide,) = session.run(sdcli.make_plan(prompt, task, seed=seed, **options))
                found = jumps(np.asarray(wide.image, np.float64))
                lines = [WIDTH - 1, *([WIDTH - FEATHER - 1] if not options else [])]
                at_seam[way] += [found[line] for line in lines]
                elsewhere[way] += [*np.delete(found, lines)]
    print(f"{count} pictures; grey levels from a column to the next", file=sys.stdout)
    for way in WAYS:
        seam, rest = np.mean(at_seam[way]), np.mean(elsewhere[way])
        print(f"{way:20} at the seam {seam:.2f}, elsewhere {rest:.2f}, ratio {seam / rest:.2f}")
