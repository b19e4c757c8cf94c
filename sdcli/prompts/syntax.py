"""The prompt language as text: weights, BREAK, and tags. No tokens, no tensors.

The language is A1111's: `(x)` is 1.1 times as strong, `[x]` 1.1 times weaker, `(x:1.3)` exactly 1.3
times; brackets nest by multiplying, a backslash makes a bracket a letter, and BREAK in capitals
starts a new chunk. AND joins prompts that pull the picture together, each with a weight of its own.
`plain` is none of that: the words as they stand. Brackets that change while a picture is drawn are
for `editing`, after AND and before the weights.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

from sdcli.errors import BadRequest
from sdcli.request import Lora

SYNTAXES = ("a1111", "plain")
STRONGER = 1.1
DEEPEST = 100  # brackets within brackets; 1.1 to this power is a weight of 13,780


class WeightedText(NamedTuple):
    """A stretch of text that has one weight."""

    text: str
    weight: float


BREAK = WeightedText(
    "BREAK", -1.0
)  # told apart by `is`: a user may well give some text this weight

_MARK = re.compile(
    r"""
    \\[()\[\]\\]                        # an escaped bracket or backslash is text
    | \\                                 # any other backslash is dropped
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)   # the end of (words:1.3)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+ | :)
    """,
    re.VERBOSE,
)
_BREAK = re.compile(r"(?<!\s)\s*\bBREAK\b\s*")
_AND = re.compile(r"\bAND\b")
_AND_WEIGHT = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")
_TAG = re.compile(r"<(\w+):([^<>]+)>")
_OPENED_BY = {")": "(", "]": "["}
_FACTOR = {"(": STRONGER, "[": 1 / STRONGER}


def parse_weights(text: str, syntax: str = "a1111") -> tuple[WeightedText, ...]:
    """The text cut into stretches of equal weight, in the syntax asked for.

    >>> pieces("a (red) fox")
    (Piece(text='a ', weight=1.0), Piece(text='red', weight=1.1), Piece(text=' fox', weight=1.0))
    """
    if syntax == "plain":
        return (WeightedText(text, 1.0),)
    _refuse_stray_tags(text)
    return parse_a1111_weights(text)


def split_at_and(text: str, syntax: str = "a1111") -> tuple[WeightedText, ...]:
    """The prompts that AND joins, each with the weight of its pull; without AND the text alone.

    >>> joined("a cat:0.5 AND a dog")
    (Piece(text='a cat', weight=0.5), Piece(text=' a dog', weight=1.0))
    """
    parts = [text] if syntax == "plain" else _AND.split(text)
    if len(parts) == 1:  # "a poster, 16:9" ends in no weight
        return (WeightedText(text, 1.0),)
    return tuple(map(_parse_and_weight, parts))


def parse_a1111_weights(text: str) -> tuple[WeightedText, ...]:
    """A1111's weights. Brackets left open count to the end; neighbours of one weight are joined."""
    reader = _WeightParser()
    for mark in _MARK.finditer(text):
        reader.read(mark)
    return _merge_equal_weights(reader.finish()) or (WeightedText("", 1.0),)


class _WeightParser:
    """Pieces as they are read, and the brackets that are open before them."""

    def __init__(self) -> None:
        self._found: list[WeightedText] = []
        self._opened: dict[str, list[int]] = {"(": [], "[": []}

    def read(self, mark: re.Match[str]) -> None:
        """One more bracket, weight or stretch of text. What closes nothing is text."""
        opener = _OPENED_BY.get(mark["close"] or "", "(")
        if mark["open"]:
            self._opened[mark["open"]].append(len(self._found))
            if len(self._opened[mark["open"]]) > DEEPEST:
                raise nesting_error()
        elif mark["weight"] and self._opened["("]:
            self._close("(", _parse_weight(mark["weight"], mark[0]))
        elif mark["close"] and self._opened[opener]:
            self._close(opener, _FACTOR[opener])
        else:
            self._found += (
                _split_at_break(mark[0]) if mark[0][0] != "\\" else [WeightedText(mark[0][1:], 1.0)]
            )

    def finish(self) -> list[WeightedText]:
        """Every piece; what was left open is closed here."""
        for opener, starts in self._opened.items():
            while starts:
                self._close(opener, _FACTOR[opener])
        return self._found

    def _close(self, opener: str, factor: float) -> None:
        for i in range(self._opened[opener].pop(), len(self._found)):
            piece = self._found[i]
            self._found[i] = (
                piece if piece is BREAK else WeightedText(piece.text, piece.weight * factor)
            )


def extract_lora_tags(text: str, syntax: str = "a1111") -> tuple[str, tuple[Lora, ...]]:
    """The text without its `<lora:name:weight>` tags, and the LoRAs that they name.

    >>> tags("a fox <lora:ink:0.8>")
    ('a fox ', (Lora(name='ink', unet=0.8, te=0.8),))
    """
    if syntax == "plain":
        return text, ()
    loras = tuple(_parse_lora_tag(mark[0], mark[1], mark[2]) for mark in _TAG.finditer(text))
    return _TAG.sub("", text), loras


def _parse_and_weight(part: str) -> WeightedText:
    """One of the joined prompts, and the number after its last colon."""
    text, _, number = part.rpartition(":")
    if _AND_WEIGHT.fullmatch(number.strip()):
        return WeightedText(text.rstrip(), float(number.strip()))
    return WeightedText(part.rstrip(), 1.0)


def _parse_lora_tag(tag: str, kind: str, inside: str) -> Lora:
    """`name:te:unet`, or `te=` and `unet=`. Unsaid, the U-Net's weight is the text encoder's."""
    if kind not in ("lora", "lyco"):
        raise BadRequest(
            f"`{tag}`: sdcli knows no `{kind}` networks",
            hint="only `<lora:name:weight>` is known; `--prompt-syntax plain` takes it as words",
        )
    name, *values = (part.strip() for part in inside.split(":"))
    named = dict(value.split("=", 1) for value in values if "=" in value)
    placed = [value for value in values if "=" not in value]
    if set(named) - {"te", "unet"} or len(placed) > 2:
        raise BadRequest(
            f"`{tag}` says more than a name and two weights",
            hint="write `<lora:name:weight>`, or `<lora:name:te=0.5:unet=1>`",
        )
    te = named.get("te", placed[0] if placed else "1")
    unet = named.get("unet", placed[1] if len(placed) > 1 else te)
    return Lora(name, unet=_parse_weight(unet, tag), te=_parse_weight(te, tag))


def nesting_error() -> BadRequest:
    """The answer to brackets that nobody can have meant."""
    return BadRequest(
        "the prompt has too many brackets within brackets",
        hint="write `(words:1.5)` for a weight, `\\(` and `\\[` for brackets that are text",
    )


def _split_at_break(text: str) -> list[WeightedText]:
    """Text of weight 1, with a BREAK wherever it says so."""
    first, *others = _BREAK.split(text)
    return [WeightedText(first, 1.0)] + [
        p for part in others for p in (BREAK, WeightedText(part, 1.0))
    ]


def _merge_equal_weights(found: list[WeightedText]) -> tuple[WeightedText, ...]:
    """Neighbours of one weight as one piece: a word is tokenized whole, whatever its brackets."""
    runs = groupby(found, key=lambda piece: (piece is BREAK, piece.weight))
    return tuple(
        BREAK if broken else WeightedText("".join(piece.text for piece in run), weight)
        for (broken, weight), run in runs
    )


def _parse_weight(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRequest(
            f"`{text}` in `{where}` is no weight",
            hint="write a number such as `0.8`, or `\\(` and `\\)` for brackets that are text",
        ) from None


def _refuse_stray_tags(text: str) -> None:
    """A tag that was not taken out is never drawn as if it were words."""
    if tag := re.search(r"<(?:lora|lyco|hypernet):[^<>]+>", text):
        raise BadRequest(
            f"`{tag[0]}` stands where nothing wears it",
            hint="a LoRA goes into the prompt, not the negative one, or to `--lora`",
        )
