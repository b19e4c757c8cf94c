"""A prompt's words, and which places of the text encoding each of them fills."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sdcli.prompts.chunks import Chunk
from sdcli.weights.clip import CHUNK_LENGTH

CHUNK_PLACES = CHUNK_LENGTH + 2  # of one chunk: the start, the words, the end


@dataclass(frozen=True)
class PlacedWord:
    """A word as it is read, and its places in the encoded prompt."""

    text: str
    places: tuple[int, ...]


def find_word_positions(chunks: Sequence[Chunk]) -> tuple[PlacedWord, ...]:
    """The words in their order; punctuation is none. A word cut in tokens is one word again."""
    found: list[PlacedWord] = []
    for number, chunk in enumerate(chunks):
        text, places = "", list[int]()
        for place, token in enumerate(chunk.tokens, start=number * CHUNK_PLACES + 1):
            goes_on = not token.embedding and len(token.text) > 1 and token.text.endswith("-")
            same = token.embedding and token.vector > 0
            text += "" if same else token.text[:-1] if goes_on else token.text
            places.append(place)
            following = place - number * CHUNK_PLACES
            more = following < len(chunk.tokens) and chunk.tokens[following].vector > 0
            if not goes_on and not more:
                if any(letter.isalnum() for letter in text):
                    found.append(PlacedWord(_join_letters(text), tuple(places)))
                text, places = "", []
    return tuple(found)


def _join_letters(text: str) -> str:
    """The text with its letters whole that were cut between two tokens, and shown as bytes there."""

    def letters(cut: re.Match[str]) -> str:
        return bytes.fromhex(cut[0].replace("\\x", "")).decode(errors="backslashreplace")

    return re.sub(r"(?:\\x[0-9a-f]{2})+", letters, text)
