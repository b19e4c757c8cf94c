"""Where a run of many workers is: for people a line, for programs an event a line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sdcli.batch.messages import Died, Drawn, Failed, Kept, Message, Noted, Ready, ShardDone
from sdcli.text import count_of, duration

AT_LEAST = 2.0  # seconds of drawing after which a pace is believed


@dataclass
class WorkerCount:
    """What one worker has done."""

    device: str = ""
    pictures: int = 0
    shards: int = 0
    deaths: int = 0
    began: float | None = None  # when it drew first

    def pace(self, now: float) -> float | None:
        """Pictures a second."""
        if self.began is None or now - self.began < AT_LEAST or not self.pictures:
            return None
        return self.pictures / (now - self.began)


@dataclass
class RunCount:
    """Counts what workers tell."""

    pictures: int  # there are to be drawn
    clock: Callable[[], float] = time.monotonic
    workers: dict[int, WorkerCount] = field(default_factory=dict[int, WorkerCount])
    failures: dict[str, str] = field(default_factory=dict[str, str])  # by picture, and why
    _by_shard: dict[int, int] = field(default_factory=dict[int, int])
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def hear(self, number: int, message: Message) -> None:
        """Count what a worker tells."""
        worker = self.workers.setdefault(number, WorkerCount())
        match message:
            case Ready(device=device):
                worker.device = device
            case Drawn(shard=shard):
                worker.began = self.clock() if worker.began is None else worker.began
                worker.pictures += 1
                self._by_shard[shard] = self._by_shard.get(shard, 0) + 1
            case Kept(shard, pictures):
                self._by_shard[shard] = pictures
            case ShardDone(shard=shard, pictures=pictures):
                worker.shards += 1
                self._by_shard[shard] = pictures
            case Failed(key=key, fact=fact):
                self.failures[key] = fact
            case Died():
                worker.deaths += 1
            case _:
                return

    @property
    def done(self) -> int:
        """How many pictures are drawn, those that an earlier run left unfinished among them."""
        return sum(self._by_shard.values())

    @property
    def drawn(self) -> int:
        """How many were drawn by these workers."""
        return sum(worker.pictures for worker in self.workers.values())

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return self.clock() - self._began

    @property
    def pace(self) -> float | None:
        """Pictures a second, since the first worker drew."""
        began = [w.began for w in self.workers.values() if w.began is not None]
        since = self.clock() - min(began, default=self.clock())
        return self.drawn / since if since >= AT_LEAST and self.drawn else None

    @property
    def left(self) -> float | None:
        """About how many seconds more."""
        pace = self.pace
        rest = max(self.pictures - self.done - len(self.failures), 0)
        return rest / pace if pace else None

    @property
    def share(self) -> float | None:
        """Of the run that is done."""
        return min(self.done / self.pictures, 1.0) if self.pictures else None

    def in_words(self) -> str:
        """Workers, pace and failures, short."""
        pace = self.pace
        parts = [count_of(len(self.workers), "worker")]
        parts += [f"{pace:.3g} pictures/s"] if pace else []
        parts += [f"{len(self.failures)} failed"] if self.failures else []
        return ", ".join(parts)

    def summary(self, where: object) -> str:
        """What was done in all: "400 pictures, 2 min, 3.4 a second, in outputs"."""
        pace = f", {self.pace:.3g} a second" if self.pace else ""
        return f"{count_of(self.drawn, 'picture')}, {duration(self.seconds)}{pace}, in {where}"

    def worker_rows(self) -> list[tuple[str, ...]]:
        """A line for each worker."""
        now = self.clock()
        return [
            (
                str(number),
                each.device or "CPU",
                f"{each.pictures:,}",
                f"{each.shards:,}",
                "-" if (pace := each.pace(now)) is None else f"{pace:.3g}",
                str(each.deaths),
            )
            for number, each in sorted(self.workers.items())
        ]


WORKER_COLUMNS = ("worker", "device", "pictures", "shards", "pictures/s", "deaths")

_EVENTS: Mapping[type, str] = {
    Ready: "worker",
    Drawn: "picture",
    Kept: "kept",
    Failed: "failed",
    ShardDone: "shard",
    Noted: "note",
    Died: "died",
}


def message_event(number: int, message: Message, count: RunCount) -> dict[str, Any] | None:
    """What programs are told of a message; None where it is not for them."""
    name = _EVENTS.get(type(message))
    if name is None:
        return None
    event: dict[str, Any] = {"event": name, "worker": number, **asdict(message)}
    if isinstance(message, ShardDone):
        event |= {"done": count.done, "of": count.pictures, "failures": len(count.failures)}
        event |= {"pace": count.pace, "left": count.left}
    return event
