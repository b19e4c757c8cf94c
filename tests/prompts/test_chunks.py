from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.errors import BadRequest
from sdcli.prompts.a1111 import parse_a1111_weights
from sdcli.prompts.chunks import BACKTRACK, split_into_chunks
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.weights.clip import CHUNK_LENGTH


def cut(text, words=None):
    return split_into_chunks(parse_a1111_weights(text), clip_tokenizer(), words or {})


def texts(chunk):
    return " ".join(token.text for token in chunk.tokens)


def test_an_empty_prompt_is_one_empty_chunk():
    assert [chunk.tokens for chunk in cut("")] == [()]


def test_a_word_has_the_weight_of_its_brackets():
    (chunk,) = cut("a (red:1.5) fox")
    assert [(t.text, t.weight) for t in chunk.tokens] == [("a", 1.0), ("red", 1.5), ("fox", 1.0)]


def test_seventy_five_fit_and_one_more_begins_a_chunk():
    assert [len(c.tokens) for c in cut("fox " * CHUNK_LENGTH)] == [CHUNK_LENGTH]
    long = cut("fox " * (CHUNK_LENGTH + 1))
    assert [(len(c.tokens), c.end) for c in long] == [(CHUNK_LENGTH, "full"), (1, "end")]


@pytest.mark.parametrize("after", [0, 1, BACKTRACK - 1, BACKTRACK])
def test_a_full_chunk_ends_after_a_comma_that_is_near(after):
    before = CHUNK_LENGTH - 1 - after
    first, second = cut("fox " * before + "," + " owl" * (after + 3))
    moved = after if after < BACKTRACK else 0
    assert len(first.tokens) == CHUNK_LENGTH - moved
    assert first.moved_on == moved
    assert first.end == ("comma" if after < BACKTRACK else "full")
    assert len(second.tokens) == 3 + moved


def test_a_comma_that_comes_right_after_a_full_chunk_moves_nothing():
    first, second = cut("fox, " + "owl " * 72 + "cat" + ", dog")
    assert (first.tokens[-1].text, first.end) == ("cat", "full")
    assert texts(second) == ", dog"


def test_break_closes_a_chunk_even_an_empty_one():
    assert [(texts(c), c.end) for c in cut("fox BREAK owl")] == [("fox", "break"), ("owl", "end")]
    assert [texts(c) for c in cut("BREAK owl")] == ["", "owl"]
    assert [texts(c) for c in cut("owl BREAK")] == ["owl"]


def test_an_embedding_is_found_in_any_case_and_takes_one_place_a_vector():
    (chunk,) = cut("bad, (EasyNegative:1.2) x", {"easynegative": 3})
    found = [(t.embedding, t.vector, t.weight) for t in chunk.tokens if t.embedding]
    assert found == [("easynegative", 0, 1.2), ("easynegative", 1, 1.2), ("easynegative", 2, 1.2)]
    assert [t.text for t in chunk.tokens if not t.embedding] == ["bad", ",", "x"]


def test_an_embedding_is_a_whole_run_of_tokens_and_the_longest_name_wins():
    (plural,) = cut("foxes", {"fox": 1})
    assert not any(token.embedding for token in plural.tokens)
    (chunk,) = cut("my style-v2, my style", {"my style": 1, "my style-v2": 1})
    assert [t.embedding for t in chunk.tokens] == ["my style-v2", "", "my style"]


def test_the_vectors_of_an_embedding_stay_in_one_chunk():
    first, second = cut("fox " * 70 + "bad", {"bad": 8})
    assert (len(first.tokens), len(second.tokens)) == (70, 8)


def test_an_embedding_longer_than_a_chunk_is_refused():
    with pytest.raises(BadRequest, match="76 vectors"):
        cut("bad", {"bad": 76})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["fox", ",", "bad", "BREAK", "(owl:2)", "long-word"]), max_size=200)
)
def test_no_chunk_is_too_long_and_nothing_is_lost(words):
    made = cut(" ".join(words), {"bad": 5})
    assert all(len(chunk.tokens) <= CHUNK_LENGTH for chunk in made)
    flat = [token for chunk in made for token in chunk.tokens]
    assert sum(token.embedding == "bad" for token in flat) == 5 * words.count("bad")
    assert sum(token.text == "fox" for token in flat) == words.count("fox")
    assert sum(token.text == "," for token in flat) == words.count(",")
