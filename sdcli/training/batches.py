"""Which pictures are learnt from at each step: decided by the seed and the step, and nothing else.

A training that was interrupted goes on with the same pictures, words and noise: what a step draws by
lot hangs on its number alone, so there is no state of dice to be kept.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sdcli.training.learnt_picture import LearntPicture
from sdcli.training.plan import TrainingPlan
from sdcli.training.settings import TrainingSettings

Batch = tuple[int, ...]  # places in the plan's pictures


@dataclass(frozen=True)
class Example:
    """One picture of a step, with what was drawn by lot for it."""

    picture: LearntPicture
    caption: str  # "": left away
    flipped: bool
    across: float  # which part stays where it is cut: 0 is left, 1 is right
    down: float
    timestep: int
    noise_seed: int


class BatchOrder:
    """The batches of a training. In a round every picture is shown as often as it is repeated, and
    regularisation pictures as often as all the others together."""

    def __init__(self, plan: TrainingPlan) -> None:
        self._plan = plan
        self._shown = _shown_in_round(plan.pictures)
        self._round = -1
        self._batches: list[Batch] = []
        self.batches_per_round = len(self._shuffled(0))

    @property
    def shown_per_round(self) -> int:
        """How many pictures a round shows."""
        return len(self._shown)

    def batch(self, number: int) -> list[Example]:
        """A batch, counted from 0 over all rounds."""
        round_, place = divmod(number, self.batches_per_round)
        if round_ != self._round:
            self._round, self._batches = round_, self._shuffled(round_)
        chosen = self._batches[place]
        return [
            draw_example(self._plan.settings, self._plan.pictures[index], number, row)
            for row, index in enumerate(chosen)
        ]

    def _shuffled(self, round_: int) -> list[Batch]:
        """The batches of a round: each of one bucket, in an order of the round's own."""
        dice = random.Random(f"round {self._plan.settings.seed} {round_}")
        by_bucket: dict[tuple[int, int], list[int]] = {}
        for index in self._shown:
            by_bucket.setdefault(self._plan.pictures[index].placement.bucket, []).append(index)
        size, batches = self._plan.settings.batch, list[Batch]()
        for _, inside in sorted(by_bucket.items()):
            dice.shuffle(inside)
            batches += [tuple(inside[at : at + size]) for at in range(0, len(inside), size)]
        dice.shuffle(batches)
        return batches


def _shown_in_round(pictures: Sequence[LearntPicture]) -> list[int]:
    """Every picture of a round, as often as it is shown: where there are more regularisation pictures than
    others, the others come again until all of them were shown."""
    places = list(enumerate(pictures))
    shown = [place for place, one in places if not one.regular for _ in range(one.repeats)]
    regular = [place for place, one in places if one.regular for _ in range(one.repeats)]
    if not regular:
        return shown
    shown *= -(-len(regular) // len(shown))
    return [*shown, *(regular[at % len(regular)] for at in range(len(shown)))]


def draw_example(
    settings: TrainingSettings, picture: LearntPicture, number: int, row: int
) -> Example:
    """What is drawn by lot for one picture of a batch."""
    key = f"{settings.seed} {number} {row}"
    dice = random.Random(key)
    dropped = dice.random() < settings.caption_dropout
    flipped = dice.random() < 0.5 and settings.flip
    across, down = dice.random(), dice.random()
    if settings.crop == "middle":
        across = down = 0.5
    timestep = dice.randrange(1000)
    caption = shuffle_caption(picture.caption, settings, dice)
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "little")
    return Example(picture, "" if dropped else caption, flipped, across, down, timestep, seed)


def shuffle_caption(caption: str, settings: TrainingSettings, dice: random.Random) -> str:
    """The caption with what stands between commas in another order, but for the first few."""
    if not settings.shuffle:
        return caption
    tags = [tag.strip() for tag in caption.split(",")]
    fixed, loose = tags[: settings.keep], tags[settings.keep :]
    dice.shuffle(loose)
    return ", ".join([*fixed, *loose])
