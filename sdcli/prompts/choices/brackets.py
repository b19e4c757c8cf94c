r"""A template cut into its brackets, in one pass: what stands in which, and the signs between.

Nothing is understood here yet but what is text: `\{` is a brace, and `[a|b]` is A1111's alternation,
whose `|` parts nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sdcli.errors import BadRequest

DEEPEST = 50  # braces within braces
_MARK = re.compile(r"\\[$%]\{|\\.|[$%]?\{|\}|\||\$\$|\[|\]|__|[^\\$%{}|\[\]_]+|.", re.DOTALL)
_SIGNS = {"|", "$$", "__"}
_ESCAPED = {"\\{", "\\}", "\\${", "\\%{", "\\_"}  # `\|` stays: A1111's brackets want it so


@dataclass(frozen=True)
class Sign:
    """`|`, `$$` or `__`, where it may part something."""

    text: str


@dataclass(frozen=True)
class Bracket:
    """`{...}`, `${...}` or `%{...}`; inside, while it is read, `[...]` too. `""` is the template."""

    opener: str
    items: list[Item] = field(default_factory=list["Item"])


Item = str | Sign | Bracket


def cut_brackets(text: str) -> list[Item]:
    """The texts, signs and brackets of a template; BadRequest where a brace is never closed."""
    opened = [Bracket("")]
    for mark in _MARK.findall(text):
        if mark in ("{", "${", "%{", "["):
            opened.append(Bracket(mark))
            if len(opened) > DEEPEST:
                raise BadRequest(
                    "the prompt has too many braces within braces",
                    hint="`\\{` and `\\[` are brackets that are text",
                )
        elif mark in ("}", "]"):
            _close(opened, mark)
        elif mark in _SIGNS:
            opened[-1].items.append(Sign(mark))
        else:
            _add_text(opened[-1], mark[1:] if mark in _ESCAPED else mark)
    while len(opened) > 1:
        bracket = opened.pop()
        if bracket.opener != "[":
            rest = as_text(bracket.items)[:40]
            raise BadRequest(
                f"the brace in `{bracket.opener}{rest}` is never closed",
                hint="close it with `}`, or write `\\{` for a brace that is text",
            )
        _give_up(bracket, opened[-1])
    return opened[0].items


def as_text(items: list[Item]) -> str:
    """What was written, but for its escapes."""
    return "".join(
        item
        if isinstance(item, str)
        else item.text
        if isinstance(item, Sign)
        else f"{item.opener}{as_text(item.items)}}}"
        for item in items
    )


def _close(opened: list[Bracket], closer: str) -> None:
    if closer == "]":
        if opened[-1].opener == "[":
            _keep_alternation(opened.pop(), opened[-1])
        else:
            _add_text(opened[-1], closer)
        return
    while opened[-1].opener == "[":  # which is never closed
        _give_up(opened.pop(), opened[-1])
    if len(opened) == 1:
        _add_text(opened[-1], closer)
        return
    bracket = opened.pop()
    opened[-1].items.append(bracket)


def _keep_alternation(square: Bracket, outer: Bracket) -> None:
    """`[...]` as text around what is in it, with every `|` a text."""
    _add_text(outer, "[")
    for item in square.items:
        bar = isinstance(item, Sign) and item.text == "|"
        _add(outer, "|" if bar else item)
    _add_text(outer, "]")


def _give_up(square: Bracket, outer: Bracket) -> None:
    """A `[` that nothing closes: a letter, and what follows it stands beside it."""
    _add_text(outer, "[")
    for item in square.items:
        _add(outer, item)


def _add(bracket: Bracket, item: Item) -> None:
    if isinstance(item, str):
        _add_text(bracket, item)
    else:
        bracket.items.append(item)


def _add_text(bracket: Bracket, text: str) -> None:
    """More text; neighbours are one."""
    if bracket.items and isinstance(bracket.items[-1], str):
        bracket.items[-1] += text
    else:
        bracket.items.append(text)
