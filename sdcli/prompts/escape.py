"""Words of other prompt languages, written so that A1111's reads them as they were meant."""

from __future__ import annotations

import re

from sdcli.prompts.tags import escape_tags, extract_foreign_tags

ENDS_IN_NUMBER = re.compile(r":\s*[-+.\d]+\s*$")
_SIGNS = re.compile(r"\\.|[:|]", re.DOTALL)
_TAGS_AND_SIGNS = re.compile(rf"<\w+:[^>]+>|{_SIGNS.pattern}", re.DOTALL)
_LONGEST_NUMBER = 100


def escape_a1111(text: str) -> str:
    """Words that mean nothing but themselves in A1111's language."""
    text = re.sub(r"([()\[\]\\])", r"\\\1", text)
    return lower_capitals(escape_tags(text))


def escape_editing(text: str) -> str:
    r"""A prompt whose brackets are weights and nothing else, as in stable-diffusion.cpp.

    >>> escape_editing("a [red:blue:0.5] (fox:1.2) AND more")
    'a [red\\:blue\\:0.5] (fox\\:1.2) and more'
    """
    if "[" in text:  # for weights, a backslash before a colon is not there
        end = text.rfind(">") + 1  # behind which no tag is looked for, so that no text takes long
        text = _TAGS_AND_SIGNS.sub(_escape, text[:end]) + _SIGNS.sub(_escape, text[end:])
    return re.sub(r"\bAND\b", "and", text)


def _escape(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}" if sign[0] in ":|" else sign[0]


def shield_end(text: str) -> str:
    """The prompt, ended so that no number behind its last colon weighs all of it: a backslash there
    is not drawn."""
    words = extract_foreign_tags(text[-20_000:])[0]
    return f"{text}\\" if ENDS_IN_NUMBER.search(words[-_LONGEST_NUMBER:]) else text


def lower_capitals(text: str) -> str:
    """The text without AND and BREAK: text encoders read capitals as small letters."""
    return re.sub(r"\b(?:BREAK|AND)\b", lambda word: word[0].lower(), text)
