"""A prompt's words, and which places of the text encoding each of them fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdcli.prompts.chunks import LENGTH, Chunk

PLACES = LENGTH + 2  # of one chunk: the start, the words, the end


@dataclass(frozen=True)
class Word:
    """A word as it is read, and its places in the encoded prompt."""

    text: str
    places: tuple[int, ...]


def words(chunks: Sequence[Chunk]) -> tuple[Word, ...]:
    """The words in their order; punctuation is none. A word cut in tokens is one word again."""
    found: list[Word] = []
    for number, chunk in enumerate(chunks):
        text, places = "", list[int]()
        for place, token in enumerate(chunk.tokens, start=number * PLACES + 1):
            goes_on = not token.word and len(token.text) > 1 and token.text.endswith("-")
            same = token.word and token.row > 0
            text += "" if same else token.text[:-1] if goes_on else token.text
            places.append(place)
            following = place - number * PLACES
            more = following < len(chunk.tokens) and chunk.tokens[following].row > 0
            if not goes_on and not more:
                if any(letter.isalnum() for letter in text):
                    found.append(Word(text, tuple(places)))
                text, places = "", []
    return tuple(found)
