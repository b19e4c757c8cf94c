"""The captions that the built-in model was judged by, and whether a picture shows its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from random import Random

from PIL import Image

from sdcli.folders import assets_folder
from sdcli.measures.clip_score import JUDGE
from sdcli.measures.judges import JudgeLike
from sdcli.measures.measure import cosine

FILE = "builtin-captions.txt"  # of scenes that its training never saw
WRONG = 15  # captions that a picture's own has to be found among

Kind = tuple[
    tuple[str, ...], ...
]  # words that stand in the same places; in brackets the same thing

COLOURS: Kind = (
    ("red", "crimson"), ("orange",), ("yellow",), ("green",), ("blue",), ("purple", "violet"), ("pink",),
    ("brown",), ("black",), ("white",), ("grey", "gray"), ("turquoise", "teal", "cyan"),
)  # fmt: skip
THINGS: Kind = (
    ("house", "cottage", "home", "hut"), ("tree",), ("boat", "sailboat", "ship"), ("car", "automobile"),
    ("cat", "kitten", "kitty"), ("mushroom", "toadstool"), ("circle", "ball", "disc"), ("square", "box"),
    ("triangle",), ("star",), ("heart",), ("balloon",), ("umbrella", "parasol"), ("fish",),
    ("rocket", "spaceship"), ("butterfly",), ("flower", "daisy", "blossom"), ("cup", "mug"),
)  # fmt: skip


def builtin_captions() -> list[str]:
    """All of them, each with everything said that its scene shows."""
    return (assets_folder() / FILE).read_text(encoding="utf-8").splitlines()


def wrong_captions(caption: str, count: int = WRONG) -> list[str]:
    """Captions that differ from this one in a colour or a thing, always the same ones."""
    every = sorted(set(_with_one_word_changed(caption)))
    seed = hashlib.sha256(caption.encode()).digest()
    return Random(seed).sample(every, min(count, len(every)))


def _with_one_word_changed(caption: str) -> Iterator[str]:
    for word in re.finditer(r"\w+", caption):
        for kind in (COLOURS, THINGS):
            if any(word[0] in same for same in kind):
                for others in kind:
                    if word[0] not in others:
                        yield caption[: word.start()] + others[0] + caption[word.end() :]


def shows_caption(judge: JudgeLike, image: Image.Image, caption: str) -> bool:
    """Whether a CLIP finds the caption nearer to the picture than any of the wrong ones."""
    right, *wrong = look_at(judge, image, [caption, *wrong_captions(caption)])
    return all(right > other for other in wrong)


def look_at(judge: JudgeLike, image: Image.Image, captions: Sequence[str]) -> list[float]:
    """How near each caption is to the picture, as the cosine of the two."""
    return [cosine(seen[JUDGE]) for seen in judge.look([image] * len(captions), captions)]
