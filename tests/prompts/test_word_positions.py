"""A prompt's words and their places."""

from __future__ import annotations

from sdcli.prompts.chunks import chunks
from sdcli.prompts.syntax import pieces
from sdcli.prompts.tokenizer import vocabulary
from sdcli.prompts.word_positions import PLACES, Word, words


def of(prompt: str, **known: int) -> tuple[Word, ...]:
    return words(chunks(pieces(prompt, "a1111"), vocabulary(), known))


def test_words_and_weights_and_punctuation():
    assert of("a (red:1.3) fox, sitting!") == (
        Word("a", (1,)), Word("red", (2,)), Word("fox", (3,)), Word("sitting", (5,)),
    )  # fmt: skip


def test_a_word_in_tokens_is_one_word():
    (word,) = of("photosynthetically")
    assert word.text == "photosynthetically" and word.places == tuple(
        range(1, 1 + len(word.places))
    )
    assert len(word.places) > 1
    assert [word.text for word in of("well-known - fox")] == ["well", "known", "fox"]


def test_words_after_a_break_are_in_the_next_chunk():
    assert of("a BREAK fox") == (Word("a", (1,)), Word("fox", (PLACES + 1,)))


def test_an_embedding_is_one_word_with_all_its_vectors():
    assert of("a zorgle fox", zorgle=3) == (
        Word("a", (1,)), Word("zorgle", (2, 3, 4)), Word("fox", (5,)),
    )  # fmt: skip
    assert of("zorgle zorgle", zorgle=2) == (Word("zorgle", (1, 2)), Word("zorgle", (3, 4)))


def test_nothing_has_no_words():
    assert of("") == of("...") == ()
