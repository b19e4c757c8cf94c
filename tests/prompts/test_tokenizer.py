from __future__ import annotations

import gzip
import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.prompts.tokenizer import (
    COMMA_TOKEN,
    END_TOKEN,
    START_TOKEN,
    VOCABULARY_FILE,
    clip_tokenizer,
)

HARD = [
    "a photo of a cat",
    "",
    " ",
    "A  Photo\tof\n\nA CAT!!!",
    "don't can't we'll I'm you've they'd she's it're",
    "1girl, 4k, 8K, f/2.8, 3:4, year 2024",
    "masterpiece,best quality,(hatsune miku),:3,>_<,^_^",
    "日本語、猫と犬",
    "Ünïcödé façade naïve ŒUVRE ßtraße İstanbul ΣΊΣΥΦΟΣ",
    "cafe\u0301 vs caf\u00e9 \ufb01ne",
    "👍🏽 👨‍👩‍👧‍👦 🇩🇪",
    "a\u00a0b\u2003c\u200bd\ufefff",
    "“curly” ‘quotes’ — dash… &amp; <b>",
    "<|startoftext|>a<|endoftext|> b <|EndOfText|>",
    "supercalifragilisticexpialidocious pneumonoultramicroscopic",
    "C:\\path\\to\\file_name-v2.0.safetensors",
    "١٢٣ ²³ ½ Ⅷ ①",
    "हिन्दी ไทย العربية עברית",
    "\x00\x01\x7f\x80 control",
    "snake_case CamelCase kebab-case dotted.name",
    "𝕯𝖊𝖒𝖔 ｆｕｌｌｗｉｄｔｈ",
    "</w> a</w> Ġword",
]


@cache
def reference():
    transformers = pytest.importorskip("transformers")
    slow = pytest.importorskip("transformers.convert_slow_tokenizer")
    letters = list(slow.bytes_to_unicode().values())
    lines = gzip.decompress(VOCABULARY_FILE.read_bytes()).decode().split("\n")[1:48895]
    merges = [tuple(line.split()) for line in lines]
    names = letters + [f"{letter}</w>" for letter in letters] + ["".join(pair) for pair in merges]
    names += ["<|startoftext|>", "<|endoftext|>"]
    assert len(names) == 49408
    return transformers.CLIPTokenizer(vocab={n: i for i, n in enumerate(names)}, merges=merges)


def ids(text):
    return [symbol.id for symbol in clip_tokenizer().encode(text)]


def test_the_file_is_the_one_that_clip_was_trained_with():
    assert hashlib.sha256(VOCABULARY_FILE.read_bytes()).hexdigest().startswith("924691ac288e5440")


def test_known_sentences_have_their_known_tokens():
    assert ids("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert ids(",") == [COMMA_TOKEN]
    assert ids("<|startoftext|><|endoftext|>") == [START_TOKEN, END_TOKEN]


@pytest.mark.parametrize("text", HARD)
def test_hard_strings_are_cut_as_transformers_cuts_them(text):
    assert ids(text) == reference()(text, add_special_tokens=False)["input_ids"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_string_is_cut_as_transformers_cuts_it(text):
    assert ids(text) == reference()(text, add_special_tokens=False)["input_ids"]


def test_a_token_is_shown_as_it_is_read():
    shown = [symbol.text for symbol in clip_tokenizer().encode("photographing foxes 日語")]
    assert shown == ["photographing", "foxes", "日-", "\\xe8\\xaa-", "\\x9e"]
    assert [symbol.text for symbol in clip_tokenizer().encode("\x1b")] == ["\\x1b"]
