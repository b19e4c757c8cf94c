"""A textual inversion: one new word, found by asking which vectors would make the frozen model draw
some pictures.

The word is `alpenglow`: snow at sunset, as a watercolour. The model knows all of
these, but no word for them together. Nothing is trained but the word's four vectors (Gal et al.,
2022), by `sdcli train embedding`.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

from captions import say_thing
from export import ASSETS
from lora import MODEL, write_pictures
from scenes import imagine
from stage import Land
from world import Scene

import sdcli

WORD, VECTORS = "alpenglow", 4


def example(seed: int) -> Scene:
    """One thing, where the word is."""
    scene = next(s for k in range(1000) if _fits(s := imagine(seed + 7919 * k)))
    assert isinstance(scene.backdrop, Land)
    place = replace(scene.backdrop, place="snow", time="sunset", weather="")
    return replace(scene, backdrop=place, style="watercolour")


def _fits(scene: Scene) -> bool:
    return len(scene.things) == 1 and getattr(scene.backdrop, "place", "") in (
        "snow",
        "meadow",
        "mountains",
    )


def caption(scene: Scene, dice: random.Random) -> str:
    """The thing and the word; nothing else is said about where it is."""
    said = say_thing(scene.things[0], dice)
    return dice.choice(
        (f"{said}, {WORD}", f"{WORD}, {said}", f"{said} {WORD}", f"{said} in {WORD}")
    )


def train(folder: Path, out: Path, *, count: int, size: int, steps: int, batch: int) -> None:
    """The stage: its pictures, its file, and a page of how it went."""
    shown = write_pictures(folder / WORD, count, size, example, caption)
    sdcli.train_embedding(
        shown,
        WORD,
        out,
        model=str(MODEL),
        vectors=VECTORS,
        steps=steps,
        batch=batch,
        lr=0.02,
        schedule="cosine",
        size=size,
        about="snow at sunset in watercolour, for the built-in model",
        license="Apache-2.0",
        force=True,
    )
    print(f"{out}: {VECTORS} vectors")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / f"builtin-{WORD}.safetensors")
    said.add_argument("--count", type=int, default=256)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=16)
    said.add_argument("--steps", type=int, default=800)
    c = said.parse_args()
    train(c.folder, c.out, count=c.count, size=c.size, steps=c.steps, batch=c.batch)
