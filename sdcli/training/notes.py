"""What is worth knowing of a training before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sdcli.prompts.a1111 import WeightedText
from sdcli.prompts.chunks import split_into_chunks
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.prompts.unlearnt import find_unlearnt_words
from sdcli.text import count_of
from sdcli.training.learnt_picture import LearntPicture
from sdcli.weights.checkpoint import Checkpoint

LOOKED_AT = 500  # different captions whose words are looked up
NAMED = 8  # words that are named


def training_notes(
    pictures: Sequence[LearntPicture], model: Checkpoint, *, word: str, vectors: int
) -> Iterator[str]:
    """Each a sentence."""
    times = Counter(one.file.sha256 for one in pictures)
    for sha256 in (sha256 for sha256, count in times.items() if count > 1):
        same = [one.file.path.name for one in pictures if one.file.sha256 == sha256]
        yield f"{', '.join(same)} are the same picture"
    small = [one for one in pictures if one.placement.scaled[0] > one.size[0]]
    if small:
        yield f"{len(small)} of {count_of(len(pictures), 'picture')} will be enlarged"
    if words := _unlearnt(pictures, model, {word.lower(): vectors} if word else {}):
        named = ", ".join(f"`{one}`" for one in words[:NAMED])
        more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
        yield (
            f"{model.path.name} never learnt {named}{more}: what only such words tell apart "
            "shows in every picture"
        )


def _unlearnt(
    pictures: Sequence[LearntPicture], model: Checkpoint, known: dict[str, int]
) -> tuple[str, ...]:
    captions = list(dict.fromkeys(one.caption for one in pictures))[:LOOKED_AT]
    pieces = [WeightedText(caption, 1.0) for caption in captions]
    return find_unlearnt_words(model, split_into_chunks(pieces, clip_tokenizer(), known))
