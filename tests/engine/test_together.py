"""Pictures of different words in one call of the U-Net: each is what it is alone, but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdcli.engine.session import Session
from sdcli.events import SilentListener, Step
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

LONG = "a fox " + ", ".join(f"word{number}" for number in range(60))  # two chunks


class Batches(SilentListener):
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def on_step(self, step: Step) -> None:
        if step.index == 0:
            self.sizes.append(step.batch)


def plans(model: Path, *prompts: str, **more: object) -> list[Plan]:
    return [
        make_plan(
            Request(
                Draw(),
                prompt,
                model=str(model),
                seed=seed,
                steps=2,
                width=64,
                height=64,
                scheduler="euler-a",
                **more,
            )  # fmt: skip
        )
        for seed, prompt in enumerate(prompts)
    ]


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_each_is_what_it_is_alone(checkpoints: Callable[[str], Path], layout: str) -> None:
    asked = plans(checkpoints(layout), "a fox", "an owl", LONG, "a [cat:dog:0.5]", "a cat")
    heard = Batches()
    with Session() as session:
        together = list(session.run_together(asked, 2, heard))
        alone = [next(session.run(plan)) for plan in asked]
        one_by_one = list(session.run_together(asked, 1, SilentListener()))
    assert heard.sizes == [
        2,
        1,
        1,
        1,
    ]  # what is longer, or changes on the way, has a call of its own
    for ours, theirs, exact in zip(together, alone, one_by_one, strict=True):
        assert ours.plan == theirs.plan == exact.plan
        assert exact.image.tobytes() == theirs.image.tobytes()
        apart = np.asarray(ours.image, np.int16) - np.asarray(theirs.image, np.int16)
        assert np.abs(apart).max() <= 2
    assert together[0].provenance.batch_seeds == (0, 1)


def test_what_differs_in_more_than_words_is_drawn_apart(sd1: Path) -> None:
    asked = [*plans(sd1, "a fox"), *plans(sd1, "an owl", cfg=3.0)]
    heard = Batches()
    with Session() as session:
        drawn = list(session.run_together(asked, 4, heard))
    assert heard.sizes == [1, 1] and [one.plan for one in drawn] == asked
