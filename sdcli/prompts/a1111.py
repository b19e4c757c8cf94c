"""A1111's prompt language as text: weights, BREAK, AND, and tags. No tokens, no tensors.

`(x)` is 1.1 times as strong, `[x]` 1.1 times weaker, `(x:1.3)` exactly 1.3 times; brackets nest by
multiplying, a backslash makes a bracket a letter, and BREAK in capitals starts a new chunk. AND
joins prompts that pull the picture together, each with a weight of its own. Brackets that change
while a picture is drawn are read by `scheduling`, after AND and before the weights.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

from sdcli.errors import BadRequest
from sdcli.prompts.scheduling import nesting_error
from sdcli.request import Lora

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
_TAG = re.compile(r"<(\w+):([^>]+)>")
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
    _refuse_stray_tags(text)
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
            self._close("(", _parse_weight(mark["weight"], mark[0]))
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


def extract_lora_tags(text: str) -> tuple[str, tuple[Lora, ...]]:
    """The text without its `<lora:name:weight>` tags, and the LoRAs that they name.

    BadRequest where a tag asks for what is not done here.

    >>> extract_lora_tags("a fox <lora:ink:0.8>")
    ('a fox ', (Lora(name='ink', unet=0.8, te=0.8),))
    """
    words, tags = _split_off_tags(text)
    return words, tuple(_parse_lora_tag(tag) for tag in tags)


def extract_foreign_tags(text: str) -> tuple[str, tuple[Lora, ...], tuple[str, ...]]:
    """As `extract_lora_tags` for another program's prompt: what cannot be followed is reported.

    A1111 strips every tag from a prompt, those of hypernetworks and of extensions too, and goes on
    without a LoRA whose weight is no number.

    >>> extract_foreign_tags("a fox <segment:face>")[2]
    ('its tag `<segment:face>` asks for what is not done here',)
    """
    words, tags = _split_off_tags(text)
    loras, remarks = list[Lora](), list[str]()
    for tag in tags:
        followed = tag.without_extras()
        if len(followed.values) < len(tag.values):
            remarks.append(f"its tag `{tag}` asks for more than a weight, which is not done here")
        try:
            loras.append(_parse_lora_tag(followed))
        except BadRequest:
            remarks.append(f"its tag `{tag}` asks for what is not done here")
    return words, tuple(loras), tuple(remarks)


def escape_tags(text: str) -> str:
    """The text with its tags made words, which are read so by A1111 too.

    >>> escape_tags("<lora:ink:1>")
    '<\\\\lora:ink:1>'
    """
    return re.sub(r"<(?=\w+:[^>]+>)", r"<\\", text)


class _Tag(NamedTuple):
    """`<kind:name:0.8:te=0.5>`: its kind, its name and what stands behind that."""

    kind: str
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"<{':'.join((self.kind, self.name, *self.values))}>"

    def without_extras(self) -> _Tag:
        """The tag with the two weights alone that a LoRA can have."""
        named = [v for v in self.values if v.partition("=")[0] in ("te", "unet")]
        placed = [v for v in self.values if "=" not in v]
        return self._replace(values=(*placed[:2], *named))


def _split_off_tags(text: str) -> tuple[str, list[_Tag]]:
    """The words and the tags; nothing behind the last `>` is looked at, so no text takes long."""
    end = text.rfind(">") + 1
    tags = list[_Tag]()

    def take(mark: re.Match[str]) -> str:
        name, *values = (part.strip() for part in mark[2].split(":"))
        tags.append(_Tag(mark[1], name, tuple(values)))
        return ""

    return _TAG.sub(take, text[:end]) + text[end:], tags


def _parse_lora_tag(tag: _Tag) -> Lora:
    """`name:te:unet`, or `te=` and `unet=`. Unsaid, the U-Net's weight is the text encoder's."""
    if tag.kind not in ("lora", "lyco"):
        raise BadRequest(
            f"`{tag}`: sdcli knows no `{tag.kind}` networks",
            hint="only `<lora:name:weight>` is known; `--prompt-syntax plain` takes it as words",
        )
    if len(tag.values) > len(tag.without_extras().values):
        raise BadRequest(
            f"`{tag}` says more than a name and two weights",
            hint="write `<lora:name:weight>`, or `<lora:name:te=0.5:unet=1>`",
        )
    named = dict(value.split("=", 1) for value in tag.values if "=" in value)
    placed = [value for value in tag.values if "=" not in value]
    te = named.get("te", placed[0] if placed else "1")
    unet = named.get("unet", placed[1] if len(placed) > 1 else te)
    return Lora(tag.name, unet=_parse_weight(unet, str(tag)), te=_parse_weight(te, str(tag)))


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


def _parse_weight(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRequest(
            f"`{text}` in `{where}` is no weight",
            hint="write a number such as `0.8`, or `\\(` and `\\)` for brackets that are text",
        ) from None


def _refuse_stray_tags(text: str) -> None:
    """A tag that was not taken out is never drawn as if it were words, unless it is escaped."""
    if tag := re.search(r"<(?:lora|lyco|hypernet):[^<>]+>", text):
        raise BadRequest(
            f"`{tag[0]}` stands where nothing wears it",
            hint="a LoRA goes into the prompt, not the negative one, or to `--lora`; "
            f"`{escape_tags(tag[0])}` is words",
        )
