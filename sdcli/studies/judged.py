"""A study's pictures measured: each as it is drawn, each cell of the study over its seeds.

What differs between two cells may be the noise of their seeds. So a cell's number comes with its
standard error, and two cells are told apart by their differences seed by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

import numpy as np
from PIL import Image

from sdcli.errors import BadRequest
from sdcli.library.find import BUILTIN
from sdcli.measures.judges import JudgeLike, Judges, find_judges
from sdcli.measures.measure import Measure, MeasureRow, Need, Vectors
from sdcli.measures.panel import Panel, choose_panel, measure_images, measure_sets
from sdcli.measures.table import CHOICE, Values
from sdcli.plan import Plan
from sdcli.prompts.bare_words import bare_words
from sdcli.score.pictures import is_drawn_by_builtin
from sdcli.studies.judging_wish import JudgingWish

Key = tuple[str, ...]  # what a cell is, by the values that vary
CERTAIN = 2.0  # standard errors that a difference must have to be called one


NOTHING = Panel((), (), Judges())


def needs_met(seeds: int) -> set[Need]:
    """What a study that draws so many seeds of each cell can hold a picture against: the first
    picture of its seed, and the others of its cell. Pictures without cells (0): nothing."""
    if not seeds:
        return set()
    return {"reference", "set"} if seeds > 1 else {"reference"}


def plan_panel(wish: JudgingWish, plans: Sequence[Plan] | None, given: Collection[Need]) -> Panel:
    """What is measured of pictures that are to be drawn; nothing, where nobody asked. The CLIP in the
    box judges where no other is named and the built-in model alone draws."""
    if wish.measures is None:
        if wish.judges:
            raise BadRequest(
                "`--with` judges, and nothing is measured", hint="add `--measure clip`"
            )
        return NOTHING
    return choose_panel(wish.measures, _find_judges(wish.measures, wish.judges, plans), given)


def _find_judges(measures: str, judges: Sequence[str], plans: Sequence[Plan] | None) -> Judges:
    if judges:
        return find_judges(judges)
    rows = [CHOICE.get(name.strip()) for name in measures.split(",")]
    if not any(row is not None and row.judge == "clip" for row in rows):
        return Judges()
    if plans is None or all(map(is_drawn_by_builtin, plans)):
        return find_judges([BUILTIN])
    raise BadRequest(
        "no CLIP is named, and the one in the box knows the built-in model's world alone",
        hint="name one with `--with FILE`; `--with builtin` judges with it all the same",
    )


@dataclass
class JudgedStudy:
    """The measures of a study, and what was found: by cell, then by seed."""

    panel: Panel
    judge: JudgeLike | None = None
    words: tuple[str, ...] = ()  # what was asked of it, as flags
    builtin_only: bool = False  # pictures of other models are not judged
    found: dict[Key, dict[int, Values]] = field(default_factory=dict[Key, dict[int, Values]])
    _seen: dict[Key, list[Vectors]] = field(default_factory=dict[Key, list[Vectors]])
    _references: dict[int, Image.Image] = field(default_factory=dict[int, Image.Image])

    def measure(self, cell: Key, plan: Plan, image: Image.Image) -> Values:
        """The numbers of a picture, remembered for its cell. What needs a reference is held against
        the first picture of the same seed."""
        values, vectors = self._numbers(plan, image, self._reference(plan, image))
        if vectors is not None:
            self.found.setdefault(cell, {})[plan.seed] = values
            if self.panel.sets:
                self._seen.setdefault(cell, []).append(vectors)
        return values

    def look_at(self, plan: Plan, image: Image.Image) -> Values:
        """The numbers of a picture that belongs to no cell: nothing of it is kept."""
        return self._numbers(plan, image, None)[0]

    def _reference(self, plan: Plan, image: Image.Image) -> Image.Image | None:
        """What a picture is held against, if anything asks for that: the first one of its seed."""
        if not any(row.needs == "reference" for row in self.panel.measures):
            return None
        reference = self._references.setdefault(plan.seed, image)
        return reference if reference.size == image.size and reference is not image else None

    def _numbers(
        self, plan: Plan, image: Image.Image, other: Image.Image | None
    ) -> tuple[Values, Vectors | None]:
        if not self.rows:
            return {}, None
        if self.builtin_only and not is_drawn_by_builtin(plan):
            return dict.fromkeys(row.name for row in self.panel.measures), None
        words = bare_words(plan.prompt, plan.syntax)
        (values,), vectors = measure_images(self.panel, self.judge, [image], [words], other)
        return values, vectors

    @property
    def rows(self) -> tuple[MeasureRow, ...]:
        """Every measure, those of sets last."""
        return (*self.panel.measures, *self.panel.sets)

    @property
    def is_over_seeds(self) -> bool:
        """Whether cells have several pictures."""
        return any(len(seeds) > 1 for seeds in self.found.values())

    def by_seed(self, row: MeasureRow, cell: Key) -> dict[int, float]:
        """What a measure said of each picture of a cell that it says something about."""
        found = self.found.get(cell, {})
        known = {seed: values.get(row.name) for seed, values in found.items()}
        return {seed: v for seed, v in known.items() if v is not None and math.isfinite(v)}

    def mean(self, row: MeasureRow, cell: Key) -> float | None:
        """A cell's number: over its seeds, or of its pictures as a set."""
        if not isinstance(row, Measure):
            seen = self._seen.get(cell, [])
            whole = np.concatenate(seen) if seen else np.zeros((0, 0), np.float32)
            return measure_sets(self.panel, whole)[row.name] if len(whole) > 1 else None
        known = list(self.by_seed(row, cell).values())
        return row.mean(known) if known else None

    def error(self, row: MeasureRow, cell: Key) -> float | None:
        """The standard error of a cell's mean; None where there is but one picture."""
        known = list(self.by_seed(row, cell).values())
        return stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None

    def ranked(self, row: MeasureRow) -> list[Key]:
        """The cells that have a number, the best first; none where no way is better."""
        if row.better == "neither":
            return []
        means = {cell: self.mean(row, cell) for cell in self.found}
        known = {cell: mean for cell, mean in means.items() if mean is not None}
        return sorted(known, key=lambda cell: known[cell], reverse=row.better == "higher")

    def certainly_apart(self, row: MeasureRow, one: Key, other: Key) -> bool:
        """Whether the seeds that two cells share tell them apart."""
        ours, theirs = self.by_seed(row, one), self.by_seed(row, other)
        gaps = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
        if len(gaps) < 2:
            return False
        return abs(fmean(gaps)) > CERTAIN * stdev(gaps) / math.sqrt(len(gaps))

    def write(self, row: MeasureRow, cell: Key) -> str:
        """A cell's number with its error, as it is said."""
        mean, error = row.shown(self.mean(row, cell)), row.shown(self.error(row, cell))
        if mean is None:
            return "-"
        return f"{mean:{row.form}}" + (f" ± {error:{row.form}}" if error is not None else "")

    def summary(self) -> list[str]:
        """The mean of each measure over all cells, and who judged."""
        lines: list[str] = []
        for row in self.panel.measures:
            known = [v for cell in self.found for v in self.by_seed(row, cell).values()]
            if len(known) > 1:
                error = stdev(known) / math.sqrt(len(known))
                lines.append(
                    f"mean {row.heading} of {len(known):,}: {row.mean(known):{row.form}}"
                    f" ± {error:{row.form}}"
                )
        return [*lines, *self.panel.judges.describe()]

    def record(self, cell: Key) -> dict[str, Any]:
        """A cell's numbers as data."""
        return {
            row.name: {
                "mean": self.mean(row, cell),
                "error": self.error(row, cell),
                "by seed": self.by_seed(row, cell),
            }
            for row in self.rows
        }


def open_judged(
    panel: Panel,
    wish: JudgingWish,
    open_judges: Callable[[Judges, Collection[str]], JudgeLike],
) -> JudgedStudy:
    """The study's measures, with their judges loaded where there are any."""
    judge = open_judges(panel.judges, panel.asked) if panel.asked else None
    in_box = bool(panel.asked) and not wish.judges
    return JudgedStudy(panel, judge, wish.words, builtin_only=in_box)
