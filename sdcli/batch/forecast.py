"""What a batch will take, by what pictures like these took before: hours of workers, and their price."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sdcli.batch.draw_shard import pace_manner
from sdcli.batch.run_file import RunFile
from sdcli.batch.shards import Sample, Shard, together_key
from sdcli.plan import Plan, nth_picture
from sdcli.planning.resolve import make_plan
from sdcli.studies.time_estimate import count_evaluations, known_loading, known_pace

HOUR = 3600.0


@dataclass(frozen=True)
class Kind:
    """Pictures that take equally long: so many like this one."""

    plan: Plan
    pictures: int
    seconds: float | None  # of one worker for one picture; None: nothing like it was ever drawn


@dataclass(frozen=True)
class Forecast:
    """What is still to be drawn of a batch."""

    kinds: tuple[Kind, ...]
    shards: int
    workers: int
    price: float | None  # of an hour of one worker

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(kind.pictures for kind in self.kinds)

    @property
    def worker_seconds(self) -> float | None:
        """How long one worker would draw."""
        each = [None if k.seconds is None else k.seconds * k.pictures for k in self.kinds]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if len(known) == len(each) else None

    @property
    def seconds(self) -> float | None:
        """How long it takes from beginning to end, loading included."""
        work = self.worker_seconds
        loading = known_loading(kind.plan for kind in self.kinds) or 0.0
        return None if work is None else loading + work / self.workers

    @property
    def cost(self) -> float | None:
        """What the hours of all workers cost."""
        if self.price is None or self.seconds is None:
            return None
        return self.price * self.seconds * self.workers / HOUR

    def record(self) -> dict[str, Any]:
        """All of it as data."""
        return {
            "event": "forecast",
            "pictures": self.pictures,
            "shards": self.shards,
            "workers": self.workers,
            "seconds": self.seconds,
            "worker_hours": None if self.seconds is None else self.seconds * self.workers / HOUR,
            "cost": self.cost,
        }


def make_forecast(
    shards: Iterable[Shard], run: RunFile, workers: int, price: float | None
) -> Forecast:
    """What is due, kind by kind: one picture of each is planned, and its pace looked up."""
    all_shards = [*shards]
    samples = (sample for shard in all_shards for sample in shard.samples)
    kinds = tuple(_kinds(samples, pace_manner(run)))
    return Forecast(kinds, len(all_shards), workers, price)


def _kinds(samples: Iterable[Sample], manner: str) -> Iterator[Kind]:
    first: dict[Hashable, Sample] = {}
    counts: dict[Hashable, int] = {}
    for sample in samples:
        key = together_key(sample.request)
        first.setdefault(key, sample)
        counts[key] = counts.get(key, 0) + 1
    for key, sample in first.items():
        plan = nth_picture(make_plan(sample.request), 0)
        pace = known_pace(plan, manner)
        pace = known_pace(plan) if pace is None else pace
        seconds = None if pace is None else pace * count_evaluations(plan)
        yield Kind(plan, counts[key], seconds)
