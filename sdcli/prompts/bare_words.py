"""A prompt as a CLIP that judges pictures reads it: its words alone, as many as it can take."""

from __future__ import annotations

import re
from typing import NamedTuple

from sdcli.prompts.a1111 import BREAK, parse_a1111_weights
from sdcli.prompts.stages import MANY_STEPS
from sdcli.prompts.syntax import DEFAULT_SYNTAX, SYNTAXES
from sdcli.prompts.tags import extract_foreign_tags
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.weights.clip import CHUNK_LENGTH


class CutWords(NamedTuple):
    """The tokens that a CLIP takes, and the words that are too many for it."""

    tokens: tuple[int, ...]
    left_out: str


def bare_words(prompt: str, syntax: str = DEFAULT_SYNTAX) -> str:
    """The prompt without weights, tags and brackets; where it changes on the way, its last words.

    >>> bare_words("a ((red)) [cat:fox:0.5] BREAK by the sea <lora:ink:0.8>")
    'a red fox by the sea'
    """
    rules = SYNTAXES[syntax]
    text = extract_foreign_tags(prompt)[0] if rules.has_tags else prompt
    parts = [rules.schedule(part.text, MANY_STEPS)[-1].text for part in rules.split_at_and(text)]
    if rules.has_weights:
        parts = [_without_weights(part) for part in parts]
    return ", ".join(filter(None, (re.sub(r"\s+", " ", part).strip() for part in parts)))


def _without_weights(text: str) -> str:
    pieces = parse_a1111_weights(text)
    return "".join(" " if piece == BREAK else piece.text for piece in pieces)


def cut_words(words: str) -> CutWords:
    """The first 75 tokens; the start and the end take CLIP's other two places."""
    tokens = clip_tokenizer().encode(words)
    rest = "".join(token.text.removesuffix("-") + " " * (not token.text.endswith("-"))
                   for token in tokens[CHUNK_LENGTH:])  # fmt: skip
    return CutWords(tuple(token.id for token in tokens[:CHUNK_LENGTH]), rest.strip())
