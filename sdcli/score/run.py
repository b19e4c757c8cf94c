"""Pictures scored, some at a time: memory stays the same however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.clip_view import loses_sides
from sdcli.images.load import load_picture
from sdcli.measures.judges import JudgeLike
from sdcli.measures.measure import Vectors
from sdcli.measures.panel import Panel, measure_images, measure_sets
from sdcli.measures.table import Values
from sdcli.prompts.bare_words import cut_words
from sdcli.score.pictures import carried_words

BATCH = 16  # pictures that a judge sees at once


@dataclass(frozen=True)
class ScoredPicture:
    """A picture and its numbers, by the names of the measures."""

    path: Path
    words: str
    values: Values
    loses_sides: bool = False  # a CLIP saw only its middle
    unread: str = ""  # the words that are too many for a CLIP


@dataclass(frozen=True)
class SkippedPicture:
    """A picture that could not be scored, and why."""

    path: Path
    error: SdcliError


@dataclass(frozen=True)
class Question:
    """What pictures are held against: their own words or others', a picture, or nothing."""

    words: str | None = None  # None: those that each carries
    reference: Image.Image | None = None
    builtin_only: bool = False  # pictures that the built-in model did not draw are refused


@dataclass
class ScoreRun:
    """What comes of a run beside its pictures: what the CLIP saw of each, where sets are measured."""

    vectors: list[Vectors] = field(default_factory=list[Vectors])

    def all_vectors(self) -> Vectors:
        """What the CLIP saw of all pictures, [n, width]."""
        seen = [some for some in self.vectors if some.size]
        return np.concatenate(seen) if seen else np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class _Loaded:
    path: Path
    image: Image.Image
    words: str


def score_pictures(
    paths: Sequence[Path], panel: Panel, judge: JudgeLike | None, question: Question, run: ScoreRun
) -> Iterator[ScoredPicture | SkippedPicture]:
    """Every picture with its numbers, or why it has none, in their order."""
    for first in range(0, len(paths), BATCH):
        some = [_guarded(path, panel, question) for path in paths[first : first + BATCH]]
        loaded = [one for one in some if isinstance(one, _Loaded)]
        images, words = [one.image for one in loaded], [one.words for one in loaded]
        values, vectors = (
            measure_images(panel, judge, images, words, question.reference)
            if loaded
            else ([], np.zeros((0, 0), np.float32))
        )
        run.vectors.append(vectors)
        scored = iter(zip(loaded, values, strict=True))
        for one in some:
            yield _scored(*next(scored), panel) if isinstance(one, _Loaded) else one


def score_sets(
    others: Sequence[Path], panel: Panel, judge: JudgeLike | None, run: ScoreRun
) -> tuple[Values, list[int]]:
    """The measures of the pictures of a run as a set, held against `others` where there are any; and
    how many pictures each set has. Nothing where there is nothing to measure."""
    own = run.all_vectors()
    if not panel.sets or not len(own):
        return {}, []
    if not others:
        return measure_sets(panel, own), [len(own)]
    other = _look_at(others, panel, judge)
    return measure_sets(panel, own, other), [len(own), len(other)]


def _look_at(paths: Sequence[Path], panel: Panel, judge: JudgeLike | None) -> Vectors:
    """What the CLIP sees of another set. SdcliError where a picture of it cannot be read: a distance
    to a part of a set is another number."""
    run, eyes = ScoreRun(), replace(panel, measures=())
    for one in score_pictures(paths, eyes, judge, Question(), run):
        if isinstance(one, SkippedPicture):
            raise one.error
    return run.all_vectors()


def _guarded(path: Path, panel: Panel, question: Question) -> _Loaded | SkippedPicture:
    try:
        return _load(path, panel, question)
    except SdcliError as error:
        return SkippedPicture(path, error)


def _load(path: Path, panel: Panel, question: Question) -> _Loaded:
    image = load_picture(path)
    words = find_words(path, panel, question)
    if question.reference is not None and question.reference.size != image.size:
        raise BadRequest(
            f"`{path.name}` is {image.width}x{image.height}, and what it is held against"
            f" {question.reference.width}x{question.reference.height}",
            hint="PSNR and SSIM compare pictures of one size",
        )
    return _Loaded(path, image, words)


def find_words(path: Path, panel: Panel, question: Question) -> str:
    """The words that a picture is held against; BadRequest where there are none, or no judge."""
    carries = panel.reads_words and question.words is None
    carried = carried_words(path) if carries or question.builtin_only else None
    if question.builtin_only and carried and not carried.by_builtin:
        raise BadRequest(
            f"`{path.name}` was not drawn by the built-in model, whose world is all that the CLIP in"
            " the box knows",
            hint="name a CLIP with `--with FILE`; `--with builtin` judges it all the same",
        )
    words = carried.words if carries and carried else question.words or ""
    if panel.reads_words and not words:
        raise BadRequest(
            f"`{path.name}` carries no prompt to be held against", hint="say one with `--prompt`"
        )
    return words


def _scored(one: _Loaded, values: Values, panel: Panel) -> ScoredPicture:
    unread = cut_words(one.words).left_out if panel.reads_words else ""
    return ScoredPicture(
        one.path, one.words, values, bool(panel.asked) and loses_sides(one.image), unread
    )
