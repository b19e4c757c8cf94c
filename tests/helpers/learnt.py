"""Folders of small pictures to learn from."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

SIZES = ((64, 64), (96, 64), (64, 96))


def draw(path: Path, size: tuple[int, int] = (64, 64), seed: int = 0) -> Path:
    """A small picture of noise in large cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    cells = Image.new("RGB", (4, 4))
    cells.putdata([tuple(dice.randrange(256) for _ in range(3)) for _ in range(16)])
    cells.resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def folder(place: Path, captions: Mapping[str, str] | None = None) -> Path:
    """Three pictures of three shapes, each with its words beside it."""
    words = captions or {f"{name}.png": f"a {name} fox, sitting" for name in ("red", "old", "big")}
    for seed, (name, text) in enumerate(words.items()):
        draw(place / name, SIZES[seed % len(SIZES)], seed)
        if text:
            (place / name).with_suffix(".txt").write_text(text, encoding="utf-8")
    return place
