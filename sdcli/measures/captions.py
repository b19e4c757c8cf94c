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
    ("red", "crimson"), ("orange",), ("yellow",), ("lime", "lime green", "light green"), ("green",),
    ("turquoise", "teal", "cyan"), ("blue",), ("navy", "navy blue", "dark blue"), ("purple", "violet"),
    ("magenta", "hot pink"), ("pink",), ("brown",), ("beige", "tan"), ("black",), ("grey", "gray"),
    ("white",),
)  # fmt: skip
THINGS: Kind = (
    ("circle", "ball", "disc"), ("square", "box"), ("triangle",), ("star",), ("heart",),
    ("cat", "kitten", "kitty", "kitties"), ("dog", "puppy", "puppies"), ("rabbit", "bunny", "bunnies"),
    ("bear", "teddy bear"), ("fox",), ("bird",), ("owl",), ("penguin",), ("duck",), ("fish",), ("whale",),
    ("turtle",), ("butterfly", "butterflies"),
    ("elephant",), ("girl", "little girl"), ("boy", "little boy"), ("wizard", "magician"), ("robot",),
    ("snowman", "snowmen"), ("ghost",), ("tree", "poplar"),
    ("flower", "daisy", "daisies", "tulip", "blossom"), ("mushroom", "toadstool"),
    ("cactus", "cacti"), ("apple",), ("pumpkin", "jack-o'-lantern"),
    ("house", "cottage", "home"), ("castle", "fortress"), ("lighthouse",), ("tent",), ("igloo",),
    ("car", "beetle car", "van", "automobile"), ("bus",), ("train",),
    ("boat", "sailboat", "steamer", "ship"), ("rocket", "spaceship"),
    ("airplane", "plane", "aeroplane", "biplane"),
    ("balloon", "heart-shaped balloon", "hot air balloon"), ("umbrella", "parasol"),
    ("cup", "mug", "teacup"), ("cake", "cupcake"), ("gift", "present"), ("crown",),
)  # fmt: skip

_OF = {name: (kind, names) for kind in (COLOURS, THINGS) for names in kind for name in names}
_NAMES = re.compile(  # the longest first; several of a thing; nobody is `at house`
    rf"(?<!\bat )\b({'|'.join(map(re.escape, sorted(_OF, key=len, reverse=True)))})(?:e?s)?\b"
)


def builtin_captions() -> list[str]:
    """All of them, each with everything said that its scene shows."""
    return (assets_folder() / FILE).read_text(encoding="utf-8").splitlines()


def wrong_captions(caption: str, count: int = WRONG) -> list[str]:
    """Captions that differ from this one in a colour or a thing, always the same ones."""
    every = sorted(set(_with_one_word_changed(caption)))
    seed = hashlib.sha256(caption.encode()).digest()
    return Random(seed).sample(every, min(count, len(every)))


def named(caption: str) -> list[tuple[re.Match[str], Kind, tuple[str, ...]]]:
    """The colours and things that a caption names: where, of which kind, and under which names."""
    found = ((word, _OF[word[1]]) for word in _NAMES.finditer(caption))
    return [(word, *of) for word, of in found]


def _with_one_word_changed(caption: str) -> Iterator[str]:
    for word, kind, names in named(caption):
        for others in kind:
            if others != names:
                yield caption[: word.start()] + others[0] + caption[word.end() :]


def shows_caption(judge: JudgeLike, image: Image.Image, caption: str) -> bool:
    """Whether a CLIP finds the caption nearer to the picture than any of the wrong ones."""
    right, *wrong = look_at(judge, image, [caption, *wrong_captions(caption)])
    return all(right > other for other in wrong)


def look_at(judge: JudgeLike, image: Image.Image, captions: Sequence[str]) -> list[float]:
    """How near each caption is to the picture, as the cosine of the two."""
    return [cosine(seen[JUDGE]) for seen in judge.look([image] * len(captions), captions)]
