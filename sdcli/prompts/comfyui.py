"""ComfyUI's prompt language, translated into A1111's.

`(x)` is 1.1 times as strong, and `(x:1.3)` is 1.3 whatever stands around it, where A1111 multiplies.
A bracket that is never closed is a letter, square brackets are letters, and a backslash makes letters
of round ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from sdcli.prompts.a1111 import STRONGER, WeightedText
from sdcli.prompts.escape import escape_a1111, lower_capitals, shield_end
from sdcli.prompts.tags import escape_tags

_HIDDEN = {"\\(": "\ue000", "\\)": "\ue001"}  # brackets that are letters, as no prompt has them
_DEEPEST = 50
_LONGEST = 20_000


def translate_comfyui(prompt: str) -> str:
    """The prompt as A1111 would have it written.

    >>> translate_comfyui("((a red fox:1.3) [in (the snow)")
    '\\\\(\\\\(a red fox:1.3\\\\) \\\\[in (the snow:1.1)'
    """
    written = "".join(map(_written, weigh_comfyui(prompt)))
    # A tag or an AND may begin in one stretch and end in the next.
    return shield_end(lower_capitals(escape_tags(written)))


def weigh_comfyui(prompt: str) -> Iterator[WeightedText]:
    """The prompt cut into stretches, each with its weight."""
    if len(prompt) > _LONGEST:
        yield WeightedText(prompt, 1.0)
        return
    for spelled, hidden in _HIDDEN.items():
        prompt = prompt.replace(spelled, hidden)
    for text, weight in _weigh(prompt, 1.0, 0):
        for spelled, hidden in _HIDDEN.items():
            text = text.replace(hidden, spelled[1])
        yield WeightedText(text, weight)


def _weigh(text: str, weight: float, depth: int) -> Iterator[WeightedText]:
    for part in _split_at_brackets(text):
        closed = len(part) > 1 and part[0] == "(" and part[-1] == ")"
        if not closed or depth >= _DEEPEST:
            yield WeightedText(part, weight)
            continue
        words, colon, number = part[1:-1].rpartition(":")
        said = _weight(number) if colon and words else None
        inner = part[1:-1] if said is None else words
        yield from _weigh(inner, weight * STRONGER if said is None else said, depth + 1)


def _split_at_brackets(text: str) -> Iterator[str]:
    """What stands in brackets of the outermost level, and what stands between them."""
    level = start = 0
    for bracket in re.finditer(r"[()]", text):
        at = bracket.start()
        if bracket[0] == "(" and level == 0 and at > start:
            yield text[start:at]
            start = at
        level += 1 if bracket[0] == "(" else -1
        if bracket[0] == ")" and level == 0:
            yield text[start : at + 1]
            start = at + 1
    if start < len(text):
        yield text[start:]


def _weight(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _written(piece: WeightedText) -> str:
    words = escape_a1111(piece.text)
    if piece.weight == 1:
        return words
    return f"({words}:{piece.weight:.6f}".rstrip("0").rstrip(".") + ")"
