"""Prompts that change while they are drawn: `[a:b:0.5]` and `[a|b]`. A1111's language again.

`[from:to:when]` is `from` until `when` and then `to`; either may be left out. A `when` with a point
is a share of the steps, one without is a number of steps. `[a|b|c]` takes turns, a step each. What
is no such bracket is text, and stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sdcli.errors import BadRequest


class Stretch(NamedTuple):
    """A text, and the last step (from 1) that it is drawn with."""

    until: int
    text: str


@dataclass(frozen=True)
class _Change:
    """`[before:after:when]`: which of the two, by the step."""

    before: Sequence[_Part]
    after: Sequence[_Part]
    when: str

    def last(self, steps: int) -> int:
        """The last step with what was before."""
        share = "." in self.when
        return min(steps, int(float(self.when) * (steps if share else 1)))

    def turns(self, steps: int) -> Iterator[int]:
        """The steps after which the text is another."""
        yield self.last(steps)
        for part in (*self.before, *self.after):
            yield from _turns(part, steps)

    def at(self, step: int, steps: int) -> str:
        """The text at a step."""
        return _text(self.before if step <= self.last(steps) else self.after, step, steps)


@dataclass(frozen=True)
class _Turn:
    """`[a|b]`: one after another, over and over."""

    options: Sequence[Sequence[_Part]]

    def turns(self, steps: int) -> Iterator[int]:
        """The steps after which the text is another: all of them."""
        return iter(range(1, steps + 1))

    def at(self, step: int, steps: int) -> str:
        """The text at a step."""
        return _text(self.options[(step - 1) % len(self.options)], step, steps)


_Part = str | _Change | _Turn

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_CLOSERS = {"(": ")", "[": "]"}


def stretches(text: str, syntax: str, steps: int) -> tuple[Stretch, ...]:
    """The texts to draw with, one after another, in the syntax asked for."""
    return (Stretch(steps, text),) if syntax == "plain" else schedule(text, steps)


def together(*texts: Sequence[Stretch]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Texts that change each in their own time, as the steps up to which all of them stay."""
    for until in sorted({stretch.until for each in texts for stretch in each}):
        yield until, tuple(next(s.text for s in each if until <= s.until) for each in texts)


def schedule(text: str, steps: int) -> tuple[Stretch, ...]:
    """The texts to draw with, one after another; the last is drawn with until the end.

    >>> schedule("a [red:blue:0.5] fox", 10)
    (Stretch(until=5, text='a red fox'), Stretch(until=10, text='a blue fox'))
    """
    try:
        parts = _parsed(text)
    except RecursionError:
        raise BadRequest("the prompt has too many brackets within brackets") from None
    turns = {turn for part in parts for turn in _turns(part, steps) if 1 <= turn <= steps}
    return tuple(Stretch(turn, _text(parts, turn, steps)) for turn in sorted(turns | {steps}))


def _turns(part: _Part, steps: int) -> Iterator[int]:
    return iter(()) if isinstance(part, str) else part.turns(steps)


def _text(parts: Sequence[_Part], step: int, steps: int) -> str:
    return "".join(part if isinstance(part, str) else part.at(step, steps) for part in parts)


def _parsed(text: str) -> list[_Part]:
    """The text as stretches that stay and brackets that change."""
    parts: list[_Part] = []
    at = 0
    while at < len(text):
        if text[at] == "[" and (end := _closing(text, at)):
            parts += _bracket(text[at + 1 : end])
            at = end + 1
        else:
            length = 2 if text[at] == "\\" else 1
            parts.append(text[at : at + length])
            at += length
    return parts


def _bracket(inside: str) -> list[_Part]:
    """What stands in square brackets: a change, a turn, or text that is to be weaker."""
    options, ends = _split(inside, "|"), _split(inside, ":")
    if len(options) > 1 and len(ends) == 1:
        return [_Turn([_parsed(option) for option in options])]
    number = _NUMBER.fullmatch(ends[-1])
    if len(options) == 1 and len(ends) in (2, 3) and number:
        before, after = ends[:-1] if len(ends) == 3 else ("", ends[0])
        return [_Change(_parsed(before), _parsed(after), number[1])]
    return ["[", *_parsed(inside), "]"]


def _split(text: str, separator: str) -> list[str]:
    """The text cut at a sign where it stands in no bracket and behind no backslash."""
    cuts, at = [-1], 0
    while at < len(text):
        if text[at] == separator:
            cuts.append(at)
        at = (_closing(text, at) if text[at] in _CLOSERS else 0) or at
        at += 2 if text[at] == "\\" else 1
    return [text[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens here is closed; 0 where it never is."""
    open_: list[str] = []
    while at < len(text):
        letter = text[at]
        if letter in _CLOSERS:
            open_.append(_CLOSERS[letter])
        elif letter == open_[-1]:
            open_.pop()
            if not open_:
                return at
        at += 2 if letter == "\\" else 1
    return 0
