"""A1111's prompt language as text: weights, BREAK and AND. No tokens, no tensors.

`(x)` is 1.1 times as strong, `[x]` 1.1 times weaker, `(x:1.3)` exactly 1.3 times; brackets nest by
multiplying, a backslash makes a bracket a letter, and BREAK in capitals starts a new chunk. AND
joins prompts that pull the picture together, each with a weight of its own. Brackets that change
while a picture is drawn are read by `scheduling`, after AND and before the weights.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

from sdcli.prompts.scheduling import nesting_error
from sdcli.prompts.tags import parse_weight, refuse_stray_tags

STRONGER = 1.1
DEEPEST = 100  # brackets within brackets; 1.1 to this power is a weight of 13,780


class WeightedText(NamedTuple):
    """A stretch of text that has one weight."""

    text: str
    weight: float


# What ends a chunk. Inside brackets its weight is another, and it is the word BREAK, as in A1111.
BREAK = WeightedText("BREAK", -1.0)

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
_BREAK = re.compile(r"\bBREAK\b\s*")
_AND = re.compile(r"\bAND\b")
_AND_WEIGHT = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")
_OPENED_BY = {")": "(", "]": "["}
_FACTOR = {"(": STRONGER, "[": 1 / STRONGER}


def parse_a1111_weights(text: str) -> tuple[WeightedText, ...]:
    """The text cut into stretches of equal weight; a stretch equal to BREAK ends a chunk.

    Brackets left open count to the end; neighbours of one weight are joined.

    >>> parse_a1111_weights("a (red) fox")[1]
    WeightedText(text='red', weight=1.1)
    """
    parser = _WeightParser()
    for mark in _MARK.finditer(text):
        parser.read(mark)
    return _merge_equal_weights(parser.finish()) or (WeightedText("", 1.0),)


def parse_weights_without_tags(text: str) -> tuple[WeightedText, ...]:
    """As `parse_a1111_weights`; BadRequest where a tag is left, which would be drawn as words."""
    refuse_stray_tags(text)
    return parse_a1111_weights(text)


def split_at_and(text: str) -> tuple[WeightedText, ...]:
    """The prompts that AND joins, each with its weight: the number after its last colon.

    A prompt that stands alone has one too, so that `a poster, 16:9` weighs 9, as in A1111.

    >>> split_at_and("a cat:0.5 AND a dog")
    (WeightedText(text='a cat', weight=0.5), WeightedText(text=' a dog', weight=1.0))
    """
    return tuple(map(_parse_and_weight, _AND.split(text)))


class _WeightParser:
    """Stretches as they are read, and the brackets that are open before them."""

    def __init__(self) -> None:
        self._read: list[WeightedText] = []
        self._opened: dict[str, list[int]] = {"(": [], "[": []}

    def read(self, mark: re.Match[str]) -> None:
        """One more bracket, weight or stretch of text. What closes nothing is text."""
        opener = _OPENED_BY.get(mark["close"] or "", "(")
        if mark["open"]:
            self._opened[mark["open"]].append(len(self._read))
            if len(self._opened[mark["open"]]) > DEEPEST:
                raise nesting_error()
        elif mark["weight"] and self._opened["("]:
            self._close("(", parse_weight(mark["weight"], mark[0]))
        elif mark["close"] and self._opened[opener]:
            self._close(opener, _FACTOR[opener])
        elif mark[0][0] == "\\":
            self._read.append(WeightedText(mark[0][1:], 1.0))
        else:
            self._read += _split_at_break(mark[0])

    def finish(self) -> list[WeightedText]:
        """Every stretch; what was left open is closed here."""
        for opener, starts in self._opened.items():
            while starts:
                self._close(opener, _FACTOR[opener])
        return self._read

    def _close(self, opener: str, factor: float) -> None:
        for i in range(self._opened[opener].pop(), len(self._read)):
            self._read[i] = WeightedText(self._read[i].text, self._read[i].weight * factor)


def _parse_and_weight(part: str) -> WeightedText:
    """One of the joined prompts, and the number after its last colon."""
    text, _, number = part.rpartition(":")
    if _AND_WEIGHT.fullmatch(number.strip()) and ":" in part:
        return WeightedText(text.rstrip(), float(number.strip()))
    return WeightedText(part.rstrip(), 1.0)


def _split_at_break(text: str) -> list[WeightedText]:
    """Text of weight 1, with a BREAK wherever it says so, and no blanks beside that."""
    *parts, last = _BREAK.split(text)
    ended = [piece for part in parts for piece in (WeightedText(part.rstrip(), 1.0), BREAK)]
    return [*ended, WeightedText(last, 1.0)]


def _merge_equal_weights(pieces: list[WeightedText]) -> tuple[WeightedText, ...]:
    """Neighbours of one weight as one: a word is tokenized whole, whatever its brackets."""
    runs = groupby(pieces, key=lambda piece: piece.weight)
    return tuple(WeightedText("".join(piece.text for piece in run), weight) for weight, run in runs)
