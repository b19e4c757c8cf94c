"""Which words a picture is about: how much less well it fits its prompt without each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from sdcli.measures.clip_score import CLIP
from sdcli.measures.judges import JudgeLike
from sdcli.measures.measure import Sample

# Words that say nothing by themselves: they go and stay with what stands behind them.
LITTLE = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "this",
            "that",
            "some",
            "and",
            "or",
            "of",
            "in",
            "on",
            "at",
            "by",
            "to",
        ),
        *("from", "with", "without", "into", "over", "under", "near", "next"),
    )
)
MOST_PARTS = 60  # a prompt that a CLIP can read has hardly more words


@dataclass(frozen=True)
class WordScore:
    """A word or phrase, and what the score loses without it: below 0, the picture is not about it."""

    text: str
    gain: float


@dataclass(frozen=True)
class WordScores:
    """A picture's score by all its words, and what each of them does for it."""

    words: str
    score: float
    parts: tuple[WordScore, ...]
    phrases: tuple[WordScore, ...]  # between commas, where there are several

    def record(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "words": self.words,
            CLIP.name: self.score,
            "parts": {one.text: one.gain for one in self.parts},
            "phrases": {one.text: one.gain for one in self.phrases},
        }


def score_words(judge: JudgeLike, image: Image.Image, words: str) -> WordScores:
    """What each word and each phrase of a prompt does for the CLIP score of a picture."""
    parts, phrases = [*_without_each_word(words)], [*_without_each_phrase(words)]
    texts = [words, *(rest for _, rest in (*parts, *phrases))]
    seen = judge.look([image] * len(texts), texts)
    whole, *others = (
        CLIP.function(Sample(image, prompt=text, seen=view), None) if text else 0.0
        for text, view in zip(texts, seen, strict=True)
    )
    gains = [
        WordScore(part, whole - rest)
        for (part, _), rest in zip((*parts, *phrases), others, strict=True)
    ]
    return WordScores(words, whole, tuple(gains[: len(parts)]), tuple(gains[len(parts) :]))


def word_lines(scores: WordScores) -> list[str]:
    """The same for people, each word with a bar as long as what it does."""
    every = (*scores.parts, *scores.phrases)
    width = max((len(one.text) for one in every), default=0)
    most = max((abs(one.gain) for one in every), default=0.0) or 1.0
    lines = [f"CLIP score {scores.score:.2f} with `{scores.words}`; without"]
    for one in every:
        bar = ("+" if one.gain > 0 else "-") * round(20 * abs(one.gain) / most)
        lines.append(f"  {one.text:<{width}}  {-one.gain:+7.2f}  {bar}".rstrip())
    against = [one.text for one in every if one.gain < 0]
    if against:
        lines.append(f"it fits better without {', '.join(f'`{text}`' for text in against)}")
    return lines


def _without_each_word(words: str) -> Iterator[tuple[str, str]]:
    """Every word that says something, and the prompt without it and the little words before it."""
    found = [*re.finditer(r"[^\s,]+", words)]
    start: int | None = None
    for place, word in enumerate(found[:MOST_PARTS]):
        start = word.start() if start is None else start
        if word[0].lower() in LITTLE:
            continue
        # "a red house" without "red" is "a house": an article stays if another word follows its own.
        follows = place + 1 < len(found) and words[word.end() : found[place + 1].start()] == " "
        keep = follows and found[place + 1][0].lower() not in LITTLE
        first = word.start() if keep else start
        yield word[0], _tidy(words[:first] + words[word.end() :])
        start = None


def _without_each_phrase(words: str) -> Iterator[tuple[str, str]]:
    phrases = [phrase.strip() for phrase in words.split(",") if phrase.strip()]
    for place, phrase in enumerate(phrases if len(phrases) > 1 else ()):
        if " " in phrase:  # a single word is told already
            yield phrase, ", ".join(one for k, one in enumerate(phrases) if k != place)


def _tidy(words: str) -> str:
    return re.sub(r"\s*,(\s*,)*\s*", ", ", re.sub(r"\s+", " ", words)).strip(" ,")
