"""A prompt's words and their places."""

from __future__ import annotations

from sdcli.prompts.a1111 import parse_a1111_weights
from sdcli.prompts.chunks import split_into_chunks
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.prompts.word_positions import CHUNK_PLACES, PlacedWord, find_word_positions


def of(prompt: str, **known: int) -> tuple[PlacedWord, ...]:
    return find_word_positions(
        split_into_chunks(parse_a1111_weights(prompt), clip_tokenizer(), known)
    )


def test_words_and_weights_and_punctuation():
    assert of("a (red:1.3) fox, sitting!") == (
        PlacedWord("a", (1,)), PlacedWord("red", (2,)),
        PlacedWord("fox", (3,)), PlacedWord("sitting", (5,)),
    )  # fmt: skip


def test_a_word_in_tokens_is_one_word():
    (word,) = of("photosynthetically")
    assert word.text == "photosynthetically" and word.places == tuple(
        range(1, 1 + len(word.places))
    )
    assert len(word.places) > 1
    assert [word.text for word in of("well-known - fox")] == ["well", "known", "fox"]


def test_words_after_a_break_are_in_the_next_chunk():
    assert of("a BREAK fox") == (PlacedWord("a", (1,)), PlacedWord("fox", (CHUNK_PLACES + 1,)))


def test_an_embedding_is_one_word_with_all_its_vectors():
    assert of("a zorgle fox", zorgle=3) == (
        PlacedWord("a", (1,)), PlacedWord("zorgle", (2, 3, 4)), PlacedWord("fox", (5,)),
    )  # fmt: skip
    assert of("zorgle zorgle", zorgle=2) == (
        PlacedWord("zorgle", (1, 2)),
        PlacedWord("zorgle", (3, 4)),
    )


def test_letters_cut_between_tokens_are_whole_again():
    assert [word.text for word in of("süßes haus")] == ["süßes", "haus"]


def test_nothing_has_no_words():
    assert of("") == of("...") == ()
