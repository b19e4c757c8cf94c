"""Workers that die: their shards are done again, and what kills them is set aside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdcli.batch.dispatch import MOST_DEATHS, MOST_VAIN, Dispatcher
from sdcli.batch.job_file import BatchJob, read_jobs
from sdcli.batch.messages import (
    Began,
    Broken,
    Died,
    Drawn,
    Failed,
    Message,
    Ready,
    ShardDone,
    ShardTask,
)
from sdcli.batch.shards import Shard, cut_into_shards, list_samples
from sdcli.errors import SdcliError
from sdcli.request import Draw, Request

Tell = Callable[[int, Message], None]


class FakePlace:
    """Workers that draw at once, and die where the test says."""

    def __init__(self, dies: Callable[[str], bool] = lambda key: False, *, starts: bool = True):
        self.dies, self.starts = dies, starts
        self.drawn: dict[str, int] = {}
        self.started, self.stopped, self.closed = 0, 0, False

    def start(self, number: int, tell: Tell) -> FakeWorker:
        self.started += 1
        tell(number, Ready("fake", 1) if self.starts else Died("fell over"))
        return FakeWorker(self, number, tell)

    def close(self) -> None:
        self.closed = True


class FakeWorker:
    def __init__(self, place: FakePlace, number: int, tell: Tell):
        self.place, self.number, self.tell = place, number, tell

    def give(self, task: ShardTask) -> None:
        for sample in task.shard.samples:
            if sample.key in task.set_aside or sample.key in self.place.drawn:
                continue
            self.tell(self.number, Began((sample.key,)))
            if self.place.dies(sample.key):
                self.tell(self.number, Died("was ended by SIGKILL"))
                return
            self.place.drawn[sample.key] = self.number
            self.tell(self.number, Drawn(task.shard.number, sample.key, 1, 0, "", 0.1, {}))
        done = len(task.shard.samples) - len(task.set_aside)
        self.tell(self.number, ShardDone(task.shard.number, done, len(task.set_aside), ()))

    def stop(self) -> None:
        self.place.stopped += 1


@pytest.fixture
def shards() -> list[Shard]:
    lines = [f"fox {number}".encode() for number in range(12)]
    jobs = read_jobs(lines, Request(Draw(), ""))
    return cut_into_shards(list_samples(j for j in jobs if isinstance(j, BatchJob)), 4)


def run(shards: list[Shard], place: FakePlace, workers: int = 2) -> list[Message]:
    heard: list[Message] = []
    try:
        Dispatcher(shards, place, workers, lambda number, message: heard.append(message)).run()
    finally:
        assert place.closed and place.stopped >= min(workers, len(shards))
    return heard


def test_every_shard_is_drawn_once(shards: list[Shard]):
    place = FakePlace()
    heard = run(shards, place)
    assert sorted(one.shard for one in heard if isinstance(one, ShardDone)) == [0, 1, 2, 3]
    assert len(place.drawn) == 12 and place.started == 2


def test_who_dies_is_replaced_and_the_shard_is_finished(shards: list[Shard]):
    deaths = iter([False, True, False, False, True] + [False] * 50)
    place = FakePlace(lambda key: next(deaths))
    heard = run(shards, place)
    assert len(place.drawn) == 12 and place.started == 4
    assert sum(isinstance(one, ShardDone) for one in heard) == 4
    assert not [one for one in heard if isinstance(one, Failed)]


def test_what_kills_three_workers_is_set_aside_with_its_reason(shards: list[Shard]):
    poison = shards[1].samples[1].key
    place = FakePlace(lambda key: key == poison)
    (failed,) = [one for one in run(shards, place) if isinstance(one, Failed)]
    assert failed.key == poison and "SIGKILL" in failed.fact and failed.line == 5
    assert len(place.drawn) == 11 and place.started == 2 + MOST_DEATHS


def test_workers_that_never_live_end_the_run(shards: list[Shard]):
    place = FakePlace(starts=False)
    with pytest.raises(SdcliError, match="fell over"):
        run(shards, place)
    assert place.started <= 2 * MOST_VAIN


def test_a_place_that_cannot_be_written_ends_the_run(shards: list[Shard]):
    place = FakePlace()
    place.start = lambda number, tell: (  # type: ignore[method-assign]
        tell(number, Broken("the disk is full", "free some")) or FakeWorker(place, number, tell)
    )
    with pytest.raises(SdcliError, match="disk is full"):
        run(shards, place)
