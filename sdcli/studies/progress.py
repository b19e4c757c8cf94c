"""Where a run of drawings is: which picture, which step, how long it took and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sdcli.events import Listener, Listeners, RunState, Step
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.schedulers.names import SCHEDULERS
from sdcli.studies.time_estimate import (
    count_evaluations,
    known_loading,
    known_pace,
    relative_cost,
    remember_loading,
    remember_pace,
)
from sdcli.text import count_of, duration

SOON = 2.0  # seconds of drawing after which this run's own pace is believed
FEW = 8  # evaluations; what fewer of them take says little of many


@dataclass(frozen=True)
class Drawing:
    """One part of a run: a plan's pictures, or something drawn besides to measure them by."""

    plan: Plan
    title: str = ""
    besides: int | None = None  # evaluations, of what is no picture of the run
    traced: bool = False  # its steps are looked at, which takes longer than drawing them

    @property
    def pictures(self) -> int:
        """How many pictures of the run it makes."""
        return self.plan.count if self.besides is None else 0

    @property
    def evaluations(self) -> int:
        """About how often the model is asked."""
        return count_evaluations(self.plan) if self.besides is None else self.besides

    @property
    def manner(self) -> str:
        """The way of drawing, where it has a pace of its own."""
        return "traced" if self.traced else "besides" if self.besides is not None else ""

    @property
    def known_pace(self) -> float | None:
        """Seconds an evaluation, by what was drawn before; None where nothing like it ever was."""
        pace = known_pace(self.plan, self.manner)
        return known_pace(self.plan) if pace is None and self.besides is not None else pace

    @property
    def cost(self) -> float:
        """How long it takes, in a unit of its own."""
        return relative_cost(self.plan) * self.evaluations


class RunProgress(Listeners):
    """Follows a run and tells its listener where it is, beside everything that the engine tells.

    `expect` says what will be drawn (without it, how much that is stays open); `begin` comes before
    each drawing and `finish` after it. What earlier runs took is believed until this one has a pace
    of its own.
    """

    def __init__(self, listener: Listener, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(listener)
        self._clock = clock
        self._began = clock()
        self._expected: list[Drawing] | None = None
        self._current: Drawing | None = None
        self._loaded = False  # whether the first drawing's model was there when it was planned
        self._steps_taken = 0  # of the current drawing
        self._first_step = 0.0  # of the current drawing: when it was
        self._seconds = 0.0  # that its pictures took so far
        self._pictures_done = 0  # before the current drawing
        self._cost_done = 0.0
        self._noted = set[str]()
        self._first: tuple[float, float] | None = None  # when the first step was, and the cost then

    @property
    def pictures_done(self) -> int:
        """How many pictures are finished."""
        return self._pictures_done

    def expect(self, drawings: Sequence[Drawing], *, loaded: bool = False) -> None:
        """All of this will be drawn, by a model that is `loaded` or yet to be."""
        self._expected, self._loaded = list(drawings), loaded

    def announcement(self) -> str:
        """What will be drawn: pictures, evaluations of the model, and about how long."""
        drawings = self._expected or []
        besides = sum(one.besides or 0 for one in drawings)
        pictures = count_of(sum(one.pictures for one in drawings), "picture")
        evaluations = count_of(sum(one.evaluations for one in drawings), "model evaluation")
        what = f" ({besides:,} for what they are measured by)" if besides else ""
        seconds = self._known_total(drawings)
        about = "" if seconds is None else f", about {duration(seconds)}"
        return f"{pictures}, {evaluations}{what}{about}"

    def _known_total(self, drawings: Sequence[Drawing]) -> float | None:
        """How long the whole run takes by what earlier ones took, from its beginning on."""
        plans = (one.plan for one in drawings)
        before = self._clock() - self._began if self._loaded else known_loading(plans)
        seconds = _known_seconds(drawings)
        return None if before is None or seconds is None else before + seconds

    def summary(self, where: object, what: str = "") -> str:
        """What was drawn: "4 pictures, 11 s, in outputs"."""
        what = what or count_of(self._pictures_done, "picture")
        return f"{what}, {duration(self._clock() - self._began)}, in {where}"

    def begin(self, drawing: Drawing) -> None:
        """The next drawing begins."""
        self._current, self._steps_taken, self._seconds = drawing, 0, 0.0

    def finish(self, seconds: float = 0.0, *, failed: bool = False) -> None:
        """The current drawing is done, in so many seconds if no finished picture told them."""
        drawing = self._current
        assert drawing is not None
        seconds = seconds or self._seconds
        if drawing.manner:
            # Of a few steps the first is most, and the first of all is slow.
            known = self._steps_taken >= FEW
            seconds = self._clock() - self._first_step if known else 0.0
        if seconds and not failed:
            evaluations = self._steps_taken if drawing.manner else drawing.evaluations
            remember_pace(drawing.plan, seconds, evaluations, drawing.manner)
        self._cost_done += drawing.cost
        self._pictures_done += 0 if failed else drawing.pictures
        self._current = None

    def on_note(self, text: str) -> None:
        """What is to be known, once in a run: what one prompt lacks, its every variation lacks."""
        if text not in self._noted:
            self._noted.add(text)
            super().on_note(text)

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished."""
        self._seconds += picture.provenance.seconds
        super().on_picture(picture)

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""
        super().on_step(step)
        if self._current is not None:
            self.on_run(self._state(self._current, step.index + 1, step.of))

    def _state(self, current: Drawing, done: int, of: int) -> RunState:
        self._steps_taken += 1
        now = self._clock()
        if self._steps_taken == 1:
            self._first_step = now
        cost = self._cost_done + current.cost * min(
            self._steps_taken / max(current.evaluations, 1), 1
        )
        if self._first is None:
            self._first = now, cost
            remember_loading(current.plan, now - self._began)
        each = (
            1
            if current.besides is not None
            else SCHEDULERS[current.plan.scheduler].solver.evaluations
        )
        within = min((self._steps_taken - 1) // of, max(current.pictures - 1, 0))
        expected = self._expected
        total = None if expected is None else sum(one.cost for one in expected)
        return RunState(
            title=current.title,
            picture=self._pictures_done + within + 1 if current.pictures else 0,
            pictures=None if expected is None else sum(one.pictures for one in expected),
            step=(done - 1) // each + 1,
            steps=(of - 1) // each + 1,
            share=None if total is None else min(cost / max(total, cost), 1.0),
            elapsed=now - self._began,
            left=None if total is None else self._left(now, cost, total),
        )

    def _left(self, now: float, cost: float, total: float) -> float | None:
        since, then = self._first or (now, cost)
        if now - since >= SOON and cost > then:
            return max(total - cost, 0.0) * (now - since) / (cost - then)
        known = _known_seconds(self._expected or [])
        return None if known is None else known * max(1 - cost / max(total, cost), 0.0)


def _known_seconds(drawings: Sequence[Drawing]) -> float | None:
    """Seconds by what earlier runs took; None where nothing like one of them was ever drawn."""
    seconds = 0.0
    for one in drawings:
        pace = one.known_pace
        if pace is None:
            return None
        seconds += pace * one.evaluations
    return seconds
