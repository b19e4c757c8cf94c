"""CLIP's tokenizer, built from the vocabulary file in the package: no hub, no torch."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

VOCABULARY_FILE = Path(__file__).parents[1] / "assets" / "bpe_simple_vocab_16e6.txt.gz"
START_TOKEN = 49406
END_TOKEN = 49407
COMMA_TOKEN = 267
VOCABULARY_SIZE = 49408

_SPECIAL = ("<|startoftext|>", "<|endoftext|>")
_MERGES = VOCABULARY_SIZE - 2 * 256 - len(_SPECIAL)
_ENOUGH = 1 << 20  # bytes; the file goes on to 262,144 merges, CLIP uses its first 48,894
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class VocabularyToken(NamedTuple):
    """One token: its number, and what it looks like (`fox` ends a word, `pho-` goes on)."""

    id: int
    text: str


class ClipTokenizer:
    """CLIP's words. Equal to transformers' CLIPTokenizer, token by token."""

    def __init__(self) -> None:
        # 30 ms that a help text need not pay
        from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
        from tokenizers.models import BPE

        letters = _byte_letters()
        merges = _read_merges()
        names = letters + [letter + "</w>" for letter in letters]
        names += [first + second for first, second in merges]
        names += _SPECIAL
        model = BPE(
            vocab={name: i for i, name in enumerate(names)},
            merges=merges,
            unk_token=_SPECIAL[1],
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
        )
        self._tokenizer: Any = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(
                    Regex("|".join((*map(_escape_bars, _SPECIAL), _WORDS))), "removed", invert=True
                ),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        self._tokenizer.add_special_tokens([AddedToken(name, special=True) for name in _SPECIAL])
        self._byte = {ord(letter): i for letter, i in zip(letters, _bytes_in_order(), strict=True)}

    def encode(self, text: str) -> list[VocabularyToken]:
        """The text as tokens, without a start, an end or a limit.

        >>> [symbol.id for symbol in vocabulary().encode("a photo of a cat")]
        [320, 1125, 539, 320, 2368]
        """
        text = text.encode(errors="replace").decode()  # a shell may hand over half a letter
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            VocabularyToken(i, self._display_text(name))
            for i, name in zip(found.ids, found.tokens, strict=True)
        ]

    def _display_text(self, name: str) -> str:
        """A token as a person reads it; bytes that are half a letter stay bytes."""
        if name in _SPECIAL:
            return name
        word, ends = name.removesuffix("</w>"), name.endswith("</w>")
        text = bytes(self._byte[ord(letter)] for letter in word).decode(errors="backslashreplace")
        shown = text if text.isprintable() else text.encode("unicode_escape").decode()
        return shown if ends else shown + "-"


@cache
def clip_tokenizer() -> ClipTokenizer:
    """The one vocabulary that all Stable Diffusion text encoders share, read once."""
    return ClipTokenizer()


def _read_merges() -> list[tuple[str, str]]:
    """The pairs that CLIP joins, the most frequent first."""
    text = (
        zlib.decompressobj(31)
        .decompress(VOCABULARY_FILE.read_bytes(), _ENOUGH)
        .decode(errors="ignore")
    )
    lines = text.split("\n", _MERGES + 1)[1:-1]  # the first is a heading
    return [(first, second) for first, _, second in (line.partition(" ") for line in lines)]


def _bytes_in_order() -> list[int]:
    """The 256 bytes in CLIP's order: those that print first."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return printed + [byte for byte in range(0x100) if byte not in set(printed)]


def _byte_letters() -> list[str]:
    """Every byte as a letter that prints: itself, or the next one free above the bytes."""
    printed = 0x100 - 68
    return [
        chr(byte) if i < printed else chr(0x100 + i - printed)
        for i, byte in enumerate(_bytes_in_order())
    ]


def _escape_bars(name: str) -> str:
    return name.replace("|", r"\|")
