"""Prompts that change while they are drawn, in A1111's language: `[a:b:0.5]` and `[a|b]`.

`[from:to:when]` is `from` until `when` and then `to`; either may be left out. A `when` with a point
is a share of the steps, one without is a number of steps. `[a|b|c]` takes turns, a step each. What
is no such bracket is text and stays as it is written.

As in A1111, a prompt that its grammar cannot read does not change at all: one with a `|` outside
`[a|b]`, or with a backslash at its end. The grammar leaves open what a bracket right beside a stray
one means (`[a:b:3]]`), and A1111 decides it by chance; here it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sdcli.errors import BadRequest


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

    def change_steps(self, timeline: Timeline) -> Iterator[int]:
        """The steps after which the text is another."""
        yield timeline.last_step_before(self.when)
        for part in (*self.before, *self.after):
            yield from _change_steps(part, timeline)

    def text_at(self, step: int, timeline: Timeline) -> str:
        """The text at a step."""
        early = step <= timeline.last_step_before(self.when)
        return _text_at(self.before if early else self.after, step, timeline)


@dataclass(frozen=True)
class _Alternation:
    """`[a|b]`: one after another, over and over."""

    options: Sequence[Sequence[_Part]]

    def change_steps(self, timeline: Timeline) -> Iterator[int]:
        """The steps after which the text is another: all of them."""
        return iter(range(1, timeline.steps + 1))

    def text_at(self, step: int, timeline: Timeline) -> str:
        """The text at a step."""
        return _text_at(self.options[(step - 1) % len(self.options)], step, timeline)


_Part = str | _Switch | _Alternation


@dataclass(frozen=True)
class Timeline:
    """How many steps there are, and what the number in a bracket says about them.

    `shares_below_one` is the rule of A1111 before 1.6: what is less than 1 is a share of the steps,
    whether or not it has a point. Of a second pass the count goes on from the steps of the `first_pass`,
    and shares from 1.
    """

    steps: int
    shares_below_one: bool = False
    first_pass: int = 0

    def last_step_before(self, when: str) -> int:
        """The last step before a change; below 1 the change is there from the start."""
        number = float(when)
        share = number < 1 if self.shares_below_one else "." in when
        passed = min(self.first_pass, 1) if share else self.first_pass
        return int(max(0, min(self.steps, (number - passed) * (self.steps if share else 1))))


_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_MARK = re.compile(r"[^\\\[\]():|]+|\\.|[\[\]():|\\]")
_CLOSERS = {"(": ")", "[": "]"}
_DEEPEST = 100  # brackets within brackets


def parse_prompt_editing(
    text: str, steps: int, first_pass: int = 0, *, shares_below_one: bool = False
) -> tuple[ScheduledText, ...]:
    """The texts to draw with, one after another; the last is drawn with until the end.

    The steps may be those of a second pass, after so many of a `first_pass`; A1111 before 1.6 then
    went through the first pass's changes again.

    >>> parse_prompt_editing("a [red:blue:0.5] fox", 10)
    (ScheduledText(until=5, text='a red fox'), ScheduledText(until=10, text='a blue fox'))
    """
    if shares_below_one and first_pass:
        steps, first_pass = first_pass, 0
    timeline = Timeline(steps, shares_below_one, first_pass)
    parts = _parse(text)
    changes = {step for part in parts for step in _change_steps(part, timeline)}
    ends = sorted({step for step in changes if 1 <= step <= steps} | {steps})
    return tuple(ScheduledText(end, _text_at(parts, end, timeline)) for end in ends)


def merge_schedules(*texts: Sequence[ScheduledText]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Texts that change each in their own time, as the steps up to which all of them stay."""
    for until in sorted({scheduled.until for each in texts for scheduled in each}):
        yield until, tuple(next(s.text for s in each if until <= s.until) for each in texts)


def nesting_error() -> BadRequest:
    """The answer to brackets that nobody can have meant."""
    return BadRequest(
        "the prompt has too many brackets within brackets",
        hint="write `(words:1.5)` for a weight, `\\(` and `\\[` for brackets that are text",
    )


def _change_steps(part: _Part, timeline: Timeline) -> Iterator[int]:
    return iter(()) if isinstance(part, str) else part.change_steps(timeline)


def _text_at(parts: Sequence[_Part], step: int, timeline: Timeline) -> str:
    return "".join(
        part if isinstance(part, str) else part.text_at(step, timeline) for part in parts
    )


@dataclass
class _Bracket:
    """A bracket that is open: the parts between its separators so far; `""` opens the prompt."""

    opener: str = ""
    sides: list[list[_Part]] = field(default_factory=lambda: [[]])
    separators: list[str] = field(default_factory=list[str])
    depth: int = 0  # of the brackets closed inside it

    def add(self, *parts: _Part) -> None:
        """More of what stands in it, after its last separator."""
        self.sides[-1] += parts

    def as_text(self) -> list[_Part]:
        """It and its separators as they are written."""
        parts: list[_Part] = [self.opener, *self.sides[0]]
        for separator, side in zip(self.separators, self.sides[1:], strict=True):
            parts += [separator, *side]
        return parts


def find_stray_sign(text: str) -> str:
    """The `|` or backslash that keeps a text from changing, though it has a bracket that would
    change it; nothing where no sign does.

    >>> find_stray_sign("a | b [red:blue:0.5]")
    '|'
    """
    prompt, sign = _read(text)
    changes = any(not isinstance(part, str) for part in prompt.as_text())
    return sign if changes else ""


def _parse(text: str) -> Sequence[_Part]:
    """The text as what stays and what changes; all of it stays where the grammar has no reading."""
    prompt, stray = _read(text)
    return [text] if stray else prompt.as_text()


def _read(text: str) -> tuple[_Bracket, str]:
    """The whole text as a bracket, and the sign for which the grammar has no reading of it."""
    opened, stray = [_Bracket()], ""
    for mark in _MARK.findall(text):
        if mark in _CLOSERS:
            opened.append(_Bracket(mark))
        elif mark in (")", "]"):
            _close(opened, mark)
        elif mark in (":", "|"):
            opened[-1].separators.append(mark)
            opened[-1].sides.append([])
        else:
            stray = mark if mark == "\\" else stray  # at the end, or of a line
            opened[-1].add(mark)
    _give_up(opened)
    return opened[0], stray or ("|" if "|" in opened[0].separators else "")


def _close(opened: list[_Bracket], closer: str) -> None:
    """End the innermost bracket; where that is not one of the grammar's, all of them are text."""
    bracket = opened[-1]
    parts = _read_bracket(bracket) if _CLOSERS.get(bracket.opener) == closer else None
    if parts is None:
        _give_up(opened)
        opened[0].add(closer)
        return
    opened.pop()
    opened[-1].add(*parts)
    opened[-1].depth = max(opened[-1].depth, bracket.depth + 1)
    if bracket.depth >= _DEEPEST:
        raise nesting_error()


def _read_bracket(bracket: _Bracket) -> list[_Part] | None:
    """What a closed bracket means, or None where it means nothing."""
    kinds, count = set(bracket.separators), len(bracket.separators)
    if bracket.opener == "(":
        return [*bracket.as_text(), ")"] if not kinds or bracket.separators == [":"] else None
    if not kinds:
        return [*bracket.as_text(), "]"]
    if kinds == {"|"}:
        return [_Alternation(bracket.sides)]
    *sides, last = bracket.sides
    texts = [part for part in last if isinstance(part, str)]
    number = _NUMBER.fullmatch("".join(texts)) if len(texts) == len(last) else None
    if kinds != {":"} or count > 2 or number is None:
        return None
    return [_Switch(sides[0] if count == 2 else [], sides[-1], number[1])]


def _give_up(opened: list[_Bracket]) -> None:
    """The brackets that are still open are text of the prompt, and their separators too."""
    prompt, *brackets = opened
    for bracket in brackets:
        prompt.sides[-1].append(bracket.opener)
        prompt.sides[-1] += bracket.sides[0]
        prompt.separators += bracket.separators
        prompt.sides += bracket.sides[1:]
    del opened[1:]
