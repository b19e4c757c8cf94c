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

from sdcli.prompts.syntax import nesting_error

MANY_STEPS = 10_000  # among which every change of a prompt shows


class ScheduledText(NamedTuple):
    """A text, and the last step (from 1) that it is drawn with."""

    until: int
    text: str


@dataclass(frozen=True)
class _Switch:
    """`[before:after:when]`: which of the two, by the step."""

    before: Sequence[_Part]
    after: Sequence[_Part]
    when: str

    def last_step_before(self, steps: int) -> int:
        """The last step with what was before."""
        share = "." in self.when
        return min(steps, int(float(self.when) * (steps if share else 1)))

    def change_steps(self, steps: int) -> Iterator[int]:
        """The steps after which the text is another."""
        yield self.last_step_before(steps)
        for part in (*self.before, *self.after):
            yield from _change_steps(part, steps)

    def text_at(self, step: int, steps: int) -> str:
        """The text at a step."""
        return _text_at(
            self.before if step <= self.last_step_before(steps) else self.after, step, steps
        )


@dataclass(frozen=True)
class _Alternation:
    """`[a|b]`: one after another, over and over."""

    options: Sequence[Sequence[_Part]]

    def change_steps(self, steps: int) -> Iterator[int]:
        """The steps after which the text is another: all of them."""
        return iter(range(1, steps + 1))

    def text_at(self, step: int, steps: int) -> str:
        """The text at a step."""
        return _text_at(self.options[(step - 1) % len(self.options)], step, steps)


_Part = str | _Switch | _Alternation

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_CLOSERS = {"(": ")", "[": "]"}


def schedule_texts(text: str, syntax: str, steps: int) -> tuple[ScheduledText, ...]:
    """The texts to draw with, one after another, in the syntax asked for."""
    return (ScheduledText(steps, text),) if syntax == "plain" else parse_prompt_editing(text, steps)


def never_changes(text: str, syntax: str) -> bool:
    """Whether the text stays the same at every step, however many steps there are."""
    return len(schedule_texts(text, syntax, MANY_STEPS)) == 1


def merge_schedules(*texts: Sequence[ScheduledText]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Texts that change each in their own time, as the steps up to which all of them stay."""
    for until in sorted({stretch.until for each in texts for stretch in each}):
        yield until, tuple(next(s.text for s in each if until <= s.until) for each in texts)


def parse_prompt_editing(text: str, steps: int) -> tuple[ScheduledText, ...]:
    """The texts to draw with, one after another; the last is drawn with until the end.

    >>> schedule("a [red:blue:0.5] fox", 10)
    (Stretch(until=5, text='a red fox'), Stretch(until=10, text='a blue fox'))
    """
    try:
        parts = _Parser(text).parts(0, len(text))
    except RecursionError:
        raise nesting_error() from None
    change_steps = {
        turn for part in parts for turn in _change_steps(part, steps) if 1 <= turn <= steps
    }
    return tuple(
        ScheduledText(turn, _text_at(parts, turn, steps)) for turn in sorted(change_steps | {steps})
    )


def _change_steps(part: _Part, steps: int) -> Iterator[int]:
    return iter(()) if isinstance(part, str) else part.change_steps(steps)


def _text_at(parts: Sequence[_Part], step: int, steps: int) -> str:
    return "".join(part if isinstance(part, str) else part.text_at(step, steps) for part in parts)


class _Parser:
    """Finds the brackets that change. Their ends are known beforehand, so no text takes long."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = _match_brackets(text)

    def parts(self, start: int, stop: int) -> list[_Part]:
        """A stretch of the text as what stays and what changes."""
        found: list[_Part] = []
        kept = at = start
        while at < stop:
            end = self._ends.get(at, 0)
            if self._text[at] == "[" and end:
                found += [self._text[kept:at], *self._bracket(at + 1, end)]
                kept = at = end + 1
            else:
                at += 2 if self._text[at] == "\\" else 1
        return [*found, self._text[kept:stop]]

    def _bracket(self, start: int, stop: int) -> list[_Part]:
        """What stands in square brackets: a change, a turn, or text that is to be weaker."""
        options, sides = self._cut(start, stop, "|"), self._cut(start, stop, ":")
        if len(options) > 1 and len(sides) == 1:
            return [_Alternation([self.parts(*option) for option in options])]
        number = _NUMBER.fullmatch(self._text[slice(*sides[-1])])
        if len(options) == 1 and len(sides) in (2, 3) and number:
            before: list[_Part] = self.parts(*sides[0]) if len(sides) == 3 else []
            return [_Switch(before, self.parts(*sides[-2]), number[1])]
        return ["[", *self.parts(start, stop), "]"]

    def _cut(self, start: int, stop: int, sign: str) -> list[tuple[int, int]]:
        """A stretch cut at a sign, where that is in no bracket and behind no backslash."""
        cuts, at = [start - 1], start
        while at < stop:
            if self._text[at] == sign:
                cuts.append(at)
            at = self._ends.get(at, at)
            at += 2 if self._text[at] == "\\" else 1
        return [(a + 1, b) for a, b in zip(cuts, [*cuts[1:], stop], strict=True)]


def _match_brackets(text: str) -> dict[int, int]:
    """Where each bracket that is closed is closed."""
    found: dict[int, int] = {}
    opened: list[int] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in _CLOSERS:
            opened.append(at)
        elif opened and letter == _CLOSERS[text[opened[-1]]]:
            found[opened.pop()] = at
        at += 2 if letter == "\\" else 1
    return found
