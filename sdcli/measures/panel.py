"""The measures that are asked for, with the judges that they need, applied to pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sdcli.errors import BadRequest
from sdcli.measures import aesthetic, clip_score, hpsv2, pickscore
from sdcli.measures.judges import JudgeLike, Judges
from sdcli.measures.measure import Measure, Need, Sample, Seen, SetMeasure, Vectors
from sdcli.measures.table import CHOICE, Values
from sdcli.text import suggest

WHAT_TO_GET: Mapping[str, str] = {
    clip_score.JUDGE: "name a CLIP with `--with FILE`: openai/clip-vit-large-patch14 is the usual one",
    hpsv2.JUDGE: "get HPS_v2.1_compressed.pt of xswu/HPSv2, and name it with `--with hpsv2=FILE`",
    pickscore.JUDGE: "get PickScore_v1 of yuvalkirstain, and name it with `--with pickscore=FILE`",
    aesthetic.JUDGE: "get LAION's `sac+logos+ava1-l14-linearMSE.pth`, and name it and ViT-L/14 with"
    " two `--with`",
}
_NEEDS: Mapping[Need, str] = {
    "reference": "a picture to hold others against: `--against PICTURE`",
    "sets": "a second folder of pictures: `--against FOLDER`",
}


@dataclass(frozen=True)
class Panel:
    """Measures of pictures and of sets, each with its judge among `judges`."""

    measures: tuple[Measure, ...]
    sets: tuple[SetMeasure, ...]
    judges: Judges

    @property
    def asked(self) -> set[str]:
        """The judges that are needed."""
        return {one.judge for one in (*self.measures, *self.sets) if one.judge}

    @property
    def reads_words(self) -> bool:
        """Whether a picture is held against its prompt."""
        return any(one.needs == "prompt" for one in self.measures)


def choose_panel(names: str | None, judges: Judges, given: Collection[Need]) -> Panel:
    """The measures that `--measure` names, or all that can be had; BadRequest where one lacks what it
    needs. `given` are the needs, of those that not every picture meets, that can be met."""
    chosen = list(map(_find, names.split(","))) if names else _usual(judges, given)
    for row in chosen:
        _check(row, judges, given)
    return Panel(
        tuple(row for row in chosen if isinstance(row, Measure)),
        tuple(row for row in chosen if isinstance(row, SetMeasure)),
        judges,
    )


def _find(name: str) -> Measure | SetMeasure:
    row = CHOICE.get(name.strip().lower().replace("_", "-"))
    if row is None:
        raise BadRequest(
            f"no measure is called `{name.strip()}`",
            hint=f"{suggest(name.strip(), CHOICE)}there are {', '.join(CHOICE)}",
        )
    return row


def _usual(judges: Judges, given: Collection[Need]) -> list[Measure | SetMeasure]:
    """All that can be had; what needs nobody's eyes, sharpness, only where nothing else can."""
    met = {"prompt", "picture", *given}
    rows = [
        row
        for row in CHOICE.values()
        if row.needs in met and _has_judge(row, judges) and (row.judge or row.needs == "reference")
    ]
    return rows or [CHOICE["sharpness"]]


def _has_judge(row: Measure | SetMeasure, judges: Judges) -> bool:
    known = judges.readers if row.needs == "prompt" else judges.names
    return not row.judge or row.judge in known


def _check(row: Measure | SetMeasure, judges: Judges, given: Collection[Need]) -> None:
    if row.needs in _NEEDS and row.needs not in given:
        raise BadRequest(f"`{row.name}` needs {_NEEDS[row.needs]}", hint="or leave it out")
    if not _has_judge(row, judges):
        half = row.judge in judges.names
        raise BadRequest(
            f"`{row.name}` needs a CLIP that reads words, and none is named"
            if half or row.judge == clip_score.JUDGE
            else f"`{row.name}` needs a file that judges so, and none is named",
            hint=WHAT_TO_GET[row.judge],
        )


def measure_images(
    panel: Panel,
    judge: JudgeLike | None,
    images: Sequence[Image.Image],
    words: Sequence[str],
    reference: Image.Image | None = None,
) -> tuple[list[Values], Vectors]:
    """Every measure of each picture, None where it says nothing about it; and, for measures of sets,
    what the CLIP sees of them."""
    seen = judge.look(images, words) if judge else [dict[str, Seen]() for _ in images]
    other = Sample(reference) if reference is not None else None
    values: list[Values] = []
    for image, text, view in zip(images, words, seen, strict=True):
        sample = Sample(image, prompt=text, seen=view)
        values.append({row.name: _value(row, sample, other) for row in panel.measures})
    eyes = {row.judge for row in panel.sets}
    vectors = [view[name].picture for view in seen for name in eyes]
    return values, np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)


def _value(row: Measure, sample: Sample, other: Sample | None) -> float | None:
    if (row.needs == "prompt" and not sample.prompt) or (row.needs == "reference" and not other):
        return None
    return row.function(sample, other)


def measure_sets(panel: Panel, one: Vectors, other: Vectors | None = None) -> Values:
    """Every measure of a set of pictures, or of two; None where the sets are too small."""
    found = {
        row.name: row.function(one, other if row.needs == "sets" and other is not None else one)
        for row in panel.sets
    }
    return {name: None if value != value else value for name, value in found.items()}
