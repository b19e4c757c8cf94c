r"""What a prompt with choices says: texts, and what is chosen between them.

    {red|blue}                     one of them
    {2::red|blue}                  red twice as often
    {2$$red|blue|green}            two different ones, with a comma between
    {1-2$$ and $$red|blue|green}   one or two of them, with ` and ` between
    {~red|blue}  {@red|blue}       by chance; in turn, from seed to seed
    __colours__  __*/hair__        a line of the file, of all files that match
    ${x=!{red|blue}} ${x} ${x}     a value with a name, here chosen once; `${x:red}` is red without one
    __greeting(x=red)__            a line of a file with a value of its own
    %{a painting of ...$$a fox}    the second put into the first, in the place of the dots

It is dynamicprompts' language. `[a|b]` is A1111's alternation, in a choice too, and `\{` a brace that is
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.prompts.choices.brackets import Bracket, Item, Sign, as_text, cut_brackets


@dataclass(frozen=True)
class Weighted:
    """Something that can be chosen, and how often it is beside the others."""

    parts: Parts
    weight: float = 1.0


@dataclass(frozen=True)
class Choice:
    """`{a|b}`: from `least` to `most` of the options, joined."""

    options: tuple[Weighted, ...]
    least: int = 1
    most: int = 1
    separator: str = ","
    method: str = ""  # ~ by chance, @ in turn, ! all; nothing: as the others


@dataclass(frozen=True)
class FromFile:
    """`__name__`: one of the values of the files that match."""

    path: Parts
    values: tuple[Assignment, ...] = ()
    method: str = ""


@dataclass(frozen=True)
class Assignment:
    """`${x=...}`: a value with a name, for all of the text that it stands in."""

    name: str
    value: Parts
    at_once: bool = False  # chosen once, rather than wherever it is used
    keeps: bool = False  # what has a value already


@dataclass(frozen=True)
class Use:
    """`${x}`, or `${x:red}`: the value of that name, else the text after the colon."""

    name: str
    default: Parts | None = None


@dataclass(frozen=True)
class Wrap:
    """`%{before ... after$$inner}`: the text before and after something."""

    around: Parts
    inner: Parts


Part = str | Choice | FromFile | Assignment | Use | Wrap
Parts = tuple[Part, ...]

_WEIGHT = re.compile(r"\s*(\d+\.?\d*|\.\d+)::")
_COUNTS = re.compile(r"\s*([~@!]?)\s*(?:(\d{1,6})?(-)?(\d{1,6})?)")
_METHOD = re.compile(r"\s*([~@!])")
_NAME = r"\s*([A-Za-z_-][\w-]*)\s*"
_ASSIGNED = re.compile(_NAME + r"(\?)?=(!)?\s*")
_USED = re.compile(_NAME + r"(?:(:)\s*|$)")
_PATH = re.compile(r"[\w*?/.\\ -]+")


def read_template(text: str) -> Parts:
    """What a text says; BadRequest where it cannot be understood."""
    return _parts(cut_brackets(text))


def has_choices(parts: Parts) -> bool:
    """Whether anything is chosen."""
    return any(not isinstance(part, str) for part in parts)


def _parts(items: Sequence[Item]) -> Parts:
    return tuple(_read_items(items))


def _read_items(items: Sequence[Item]) -> Iterator[Part]:
    at = 0
    while at < len(items):
        item = items[at]
        if isinstance(item, Sign) and item.text == "__":
            end = _find_sign(items, "__", at + 1)
            file = None if end is None else _read_file(items[at + 1 : end])
            if end is not None and file is not None:
                yield file
                at = end + 1
                continue
        if isinstance(item, Bracket):
            yield from _READERS[item.opener](item.items)
        else:
            yield item if isinstance(item, str) else item.text
        at += 1


def _find_sign(items: Sequence[Item], text: str, start: int) -> int | None:
    wanted = Sign(text)
    return next((at for at in range(start, len(items)) if items[at] == wanted), None)


def _split(items: Sequence[Item], sign: str) -> Iterator[list[Item]]:
    """The items between the signs of a kind."""
    part: list[Item] = []
    for item in items:
        if item == Sign(sign):
            yield part
            part = []
        else:
            part.append(item)
    yield part


def _read_choice(items: list[Item]) -> Iterator[Part]:
    method, least, most, separator, rest = _read_counts(items)
    options = tuple(_read_option(option) for option in _split(rest, "|"))
    most = len(options) if most is None else most
    least, most = sorted((least, most))
    yield Choice(options, least, most, separator, method)


def _read_counts(items: list[Item]) -> tuple[str, int, int | None, str, list[Item]]:
    """How many are chosen, by what method and with what between them; and the options."""
    start = items[0] if items and isinstance(items[0], str) else ""
    method = _METHOD.match(start)
    counts = _COUNTS.fullmatch(start)
    if len(items) < 2 or items[1] != Sign("$$") or not counts or not (counts[2] or counts[4]):
        kept = start[method.end() :] if method else start
        return method[1] if method else "", 1, 1, ",", [kept, *items[1:]] if start else items
    least = int(counts[2] or 1)
    most = int(counts[4]) if counts[4] else None if counts[3] else least
    rest, separator = items[2:], ","
    end = _find_sign(rest, "$$", 0)
    if end is not None and not any(isinstance(item, Bracket) for item in rest[:end]):
        separator, rest = as_text(rest[:end]), rest[end + 1 :]
    return counts[1], least, most, separator, rest


def _read_option(items: list[Item]) -> Weighted:
    if not items or not isinstance(items[0], str):
        return Weighted(_parts(items))
    weight = _WEIGHT.match(items[0])
    text = items[0][weight.end() :] if weight else items[0].lstrip()
    parts = _parts([text, *items[1:]] if text else items[1:])
    return Weighted(parts, float(weight[1])) if weight else Weighted(parts)


def _read_variable(items: list[Item]) -> Iterator[Part]:
    start = items[0] if items and isinstance(items[0], str) else ""
    if assigned := _ASSIGNED.match(start):
        value = _after(items, assigned.end())
        yield Assignment(assigned[1], value, at_once=bool(assigned[3]), keeps=bool(assigned[2]))
    elif (used := _USED.match(start)) and (used[2] or len(items) == 1):
        yield Use(used[1], _after(items, used.end()) if used[2] else None)
    else:
        raise BadRequest(
            f"`${{{as_text(items)[:40]}}}` names no value",
            hint="`${x=red}` gives `x` a value and `${x}` uses it; `\\${` is text",
        )


def _after(items: list[Item], end: int) -> Parts:
    """What comes after the beginning of the first text."""
    first = str(items[0])[end:]
    return _parts([*([first] if first else []), *items[1:]])


def _read_wrap(items: list[Item]) -> Iterator[Part]:
    middle = _find_sign(items, "$$", 0)
    if middle is None:  # a percent sign before a choice
        yield "%"
        yield from _read_choice(items)
        return
    around, inner = _stripped(items[:middle]), _stripped(items[middle + 1 :])
    yield Wrap(_parts(around), _parts(inner))


def _stripped(items: list[Item]) -> list[Item]:
    """The items without the blanks before them."""
    if items and isinstance(items[0], str):
        return [items[0].lstrip(), *items[1:]]
    return items


def _read_file(items: Sequence[Item]) -> FromFile | None:
    """What stands between two `__`; None where that is no name."""
    path, values = _split_off_values(items)
    method = _METHOD.match(path[0]) if path and isinstance(path[0], str) else None
    if method:
        path = [str(path[0])[method.end() :], *path[1:]]
    texts = [item for item in path if isinstance(item, str)]
    named = "".join(texts)
    if any(isinstance(item, Sign) for item in path) or not path or values is None:
        return None
    if named != named.strip() or not all(_PATH.fullmatch(text) for text in texts):
        return None
    return FromFile(_parts(path), values, method[1] if method else "")


def _split_off_values(
    items: Sequence[Item],
) -> tuple[list[Item], tuple[Assignment, ...] | None]:
    """The path, and the values in brackets after it; None for those where they are no such."""
    for at, item in enumerate(items):
        if not isinstance(item, str) or "(" not in item:
            continue
        path, _, rest = item.partition("(")
        inside: list[Item] = [rest, *items[at + 1 :]]
        last = inside[-1]
        if not isinstance(last, str) or not last.endswith(")"):
            return [], None
        inside[-1] = last[:-1]
        return [*items[:at], *([path] if path else [])], _read_values(inside)
    return list(items), ()


def _read_values(items: list[Item]) -> tuple[Assignment, ...] | None:
    """`x=red, y={a|b}`."""
    found: list[Assignment] = []
    for each in _split_at_commas(items):
        assigned = _ASSIGNED.match(each[0]) if each and isinstance(each[0], str) else None
        if assigned is None:
            return None
        found.append(Assignment(assigned[1], _after(each, assigned.end())))
    return tuple(found)


def _split_at_commas(items: list[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    for item in items:
        first, *others = item.split(",") if isinstance(item, str) else [item]
        part.append(first)
        for other in others:
            yield part
            part = [other]
    yield part


_READERS = {"{": _read_choice, "${": _read_variable, "%{": _read_wrap}
