"""InvokeAI's prompt language (the library compel's), translated into A1111's.

`word+` and `word-` are 1.1 and 0.9 times as strong, and so on for more signs; `(some words)1.3` is
exactly 1.3 times, `(some words)` alone is no weight; `(words).attend(1.3)` is the same in long.
`("a", "b").and()` are two chunks, `("a", "b").blend(1, 0.5)` is a mixture, `cat.swap(dog)` a dog in
the place of a cat. Square brackets, colons and `|` mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from sdcli.prompts.a1111 import WeightedText
from sdcli.prompts.escape import ENDS_IN_NUMBER, escape_a1111
from sdcli.prompts.tags import escape_tags
from sdcli.request import Lora

_WORD = re.compile(
    r"""(?: \\[()",.+=-]                  # an escaped sign
          | [-+](?![\s()",.+=-]|$)         # a sign that goes on as a word
          | -?\d+
          | [^\s()",.+=-]                  # anything that is no sign
        )+""",
    re.VERBOSE,
)
_NUMBER = r"[-+]?(?:\d+\.\d*|\.\d+)|-?\d+"
_WEIGHT = re.compile(rf"(\++|-+)|({_NUMBER})")
_ATTEND = re.compile(rf"\s*\.attend\(\s*(?:(\++|-+)|({_NUMBER}))\s*\)")
_SWAP = re.compile(r"\s*\.swap\(")
_SWAP_END = re.compile(r"\s*(?:,[^()]*)?\)")
_QUOTED = re.compile(r'"((?:\\"|[^"])*)"')
_LORA = re.compile(rf"(?:useLora|withLora)\(\s*([\w-]+)\s*(?:,\s*({_NUMBER})\s*)?\)")
_BLANKS = re.compile(r"\s*")
_TO_BLANK = re.compile(r"\S+")
_JOINED = re.compile(r"\s*\((.*)\)\s*\.(and|add|blend)\(([^()]*)\)\s*", re.DOTALL)
_DEEPEST = 50
_LONGEST = 20_000


@dataclass(frozen=True)
class Translation:
    """A prompt in A1111's language, or as it stands, and what of it is not the same.

    `syntax` is `plain` where no word is weighted: no sign of the text means anything then.
    """

    text: str
    syntax: str
    loras: tuple[Lora, ...] = ()
    remarks: tuple[str, ...] = ()


def translate_compel(prompt: str) -> Translation:
    """The prompt as A1111 would have it written.

    >>> translate_compel("a red+ fox (in the snow)1.3").text
    'a (red:1.1) fox (in the snow:1.3)'
    >>> translate_compel("a (red) fox, 16:9")
    Translation(text='a red fox , 16:9', syntax='plain', loras=(), remarks=())
    """
    if len(prompt) > _LONGEST:
        return Translation(prompt, "plain")
    if len(prompt) > _LONGEST:
        return Translation(prompt, "plain", remarks=("its prompt is too long to be translated",))
    reader, joined = _Reader(), _JOINED.fullmatch(prompt)
    texts = _quoted_prompts(joined[1]) if joined else []
    parts = [_merge(reader.read_prompt(text)) for text in texts or [prompt]]
    if any(piece.weight != 1 for part in parts for piece in part):
        reader.remarks.append("its words are weighted by another rule (compel's): near, not equal")
    if joined and texts:
        text = reader.join(parts, joined[2], joined[3].split(","))
    elif all(piece.weight == 1 for piece in parts[0]):
        plain = " ".join(piece.text for piece in parts[0])
        return Translation(plain, "plain", tuple(reader.loras), tuple(reader.remarks))
    else:
        text = _written(parts[0])
    return Translation(text, "a1111", tuple(reader.loras), tuple(reader.remarks))


class _Item(NamedTuple):
    """What stands at a place: its words with their weights, and where it ends."""

    pieces: list[WeightedText]
    end: int


@dataclass
class _Reader:
    """Reads prompts, and notes on the way what has no equal."""

    loras: list[Lora] = field(default_factory=list[Lora])
    remarks: list[str] = field(default_factory=list[str])

    def read_prompt(self, text: str) -> list[WeightedText]:
        """All of a prompt; what cannot be read is words up to the next blank."""
        text = re.sub(r",(\S)", r", \1", text)  # as compel does
        pieces, at = list[WeightedText](), _skip_blanks(text, 0)
        while at < len(text):
            item = self._item(text, at, 0)
            if item is None:
                end = _match_end(_TO_BLANK, text, at)
                item = _Item([WeightedText(_unescape(text[at:end]), 1.0)], end)
            pieces += item.pieces
            at = _skip_blanks(text, item.end)
        return pieces

    def join(self, parts: list[list[WeightedText]], operator: str, options: list[str]) -> str:
        """Several prompts as one: `.and()` has them side by side, `.blend()` mixed."""
        weights = [float(o) for o in map(str.strip, options) if re.fullmatch(_NUMBER, o)]
        if operator == "blend":
            self.remarks.append("its `.blend()` mixed words; here they pull side by side (`AND`)")
            weights = weights if len(weights) == len(parts) else [1.0] * len(parts)
            whole = 1.0 if "no_normalize" in map(str.strip, options) else sum(weights) or 1.0
            pairs = zip(parts, weights, strict=True)
            return " AND ".join(f"{_written(part)} :{weight / whole:.6g}" for part, weight in pairs)
        if any(weight != 1 for weight in weights):
            self.remarks.append("its `.and()` weighs whole prompts, which is not done here")
        return " BREAK ".join(map(_written, parts))

    def _item(self, text: str, at: int, depth: int) -> _Item | None:
        """A LoRA, or words and what is done to them; bare words only inside brackets."""
        if lora := _LORA.match(text, at):
            weight = float(lora[2] or 1)
            self.loras.append(Lora(lora[1], weight, weight))
            return _Item([], lora.end())
        words = self._words(text, at, depth)
        if words is None:
            return None
        if changed := self._swapped(text, words, depth) or _weighted(text, at, words):
            return changed
        return words if depth or text[at] in '("' else None

    def _words(self, text: str, at: int, depth: int) -> _Item | None:
        """Words in brackets, words in quotes, or one word."""
        if depth > _DEEPEST or at >= len(text):
            return None
        if text[at] == "(":
            inside = self._inside(text, at + 1, depth + 1)
            closed = text[inside.end : inside.end + 1] == ")"
            return _Item(inside.pieces, inside.end + 1) if closed else None
        if quoted := _QUOTED.match(text, at):
            inner = quoted[1].replace('\\"', '"')
            inside = self._inside(inner, 0, depth + 1)
            return _Item(inside.pieces, quoted.end()) if inside.end == len(inner) else None
        word = _WORD.match(text, at)
        return word and _Item([WeightedText(_unescape(word[0]), 1.0)], word.end())

    def _inside(self, text: str, at: int, depth: int, stops: str = ",.") -> _Item:
        """As much of a text as stands well in brackets; `stops` are words there."""
        pieces, at = list[WeightedText](), _skip_blanks(text, at)
        while at < len(text):
            item = self._item(text, at, depth)
            if item is None and text[at] in stops:
                item = _Item([WeightedText(text[at], 1.0)], at + 1)
            if item is None:
                break
            pieces += item.pieces
            at = _skip_blanks(text, item.end)
        return _Item(pieces, at)

    def _swapped(self, text: str, words: _Item, depth: int) -> _Item | None:
        """`words.swap(others)`: the others, which is what the picture shows."""
        start = _SWAP.match(text, words.end)
        others = start and self._inside(text, start.end(), depth + 1, stops="")
        end = others and _SWAP_END.match(text, others.end)
        if not others or not end:
            return None
        self.remarks.append(
            "its `.swap()` drew one thing in the outline of another; only the second is read"
        )
        return _Item(others.pieces, end.end())


def _weighted(text: str, at: int, words: _Item) -> _Item | None:
    """The words with the weight that stands behind them, if one does."""
    mark = _ATTEND.match(text, words.end) or _WEIGHT.match(text, words.end)
    if mark is None or (mark[2] and text[at] not in '("' and mark.re is _WEIGHT):
        return None  # a bare word takes signs only
    signs = mark[1]
    factor = (1.1 if signs[0] == "+" else 0.9) ** len(signs) if signs else float(mark[2])
    return _Item([WeightedText(p.text, p.weight * factor) for p in words.pieces], mark.end())


def _merge(pieces: list[WeightedText]) -> list[WeightedText]:
    """Neighbours of one weight as one."""
    runs = groupby(pieces, key=lambda piece: piece.weight)
    return [WeightedText(" ".join(p.text for p in run).strip(), w) for w, run in runs]


def _written(pieces: list[WeightedText]) -> str:
    """Words and weights as A1111 has them written.

    Words that end in a number behind a colon are weighted by 1, else the prompt weighed that much.
    """
    written = " ".join(
        escape_a1111(text)
        if weight == 1 and not ENDS_IN_NUMBER.search(text)
        else f"({escape_a1111(text)}:{weight:.6g})"
        for text, weight in pieces
    )
    return escape_tags(written)  # one may begin in one stretch and end in another


def _skip_blanks(text: str, at: int) -> int:
    return _match_end(_BLANKS, text, at)


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _unescape(text: str) -> str:
    return re.sub(r'\\([()"])', r"\1", text)


def _quoted_prompts(text: str) -> list[str]:
    """The prompts between quotes with commas between; none where there is anything else."""
    prompts, at = list[str](), _skip_blanks(text, 0)
    while quoted := _QUOTED.match(text, at):
        prompts.append(quoted[1].replace('\\"', '"'))
        at = _skip_blanks(text, quoted.end())
        if text[at : at + 1] != ",":
            break
        at = _skip_blanks(text, at + 1)
    return prompts if at == len(text) else []
