"""Shards given out to workers, wherever those are: who dies is replaced, what it had is done again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Protocol

from sdcli.batch.messages import (
    Began,
    Broken,
    Died,
    Drawn,
    Failed,
    Message,
    Noted,
    Ready,
    ShardDone,
    ShardTask,
)
from sdcli.batch.shards import Shard
from sdcli.errors import SdcliError

MOST_DEATHS = 3  # of workers over one picture
MOST_VAIN = 8  # deaths of workers in a row without a picture between them


class Worker(Protocol):
    """One that draws shards."""

    def give(self, task: ShardTask) -> None:
        """Have a shard drawn."""
        ...

    def stop(self) -> None:
        """End it at once."""
        ...


class WorkerPlace(Protocol):
    """Where workers are started: this machine, a cluster."""

    def start(self, number: int, tell: Callable[[int, Message], None]) -> Worker:
        """A worker, which tells by its number what happens: `Ready` first, `Died` last."""
        ...

    def close(self) -> None:
        """Give back what the place holds beside its workers."""
        ...


@dataclass
class _Slot:
    """A worker's place: who has it, and what is being done there."""

    worker: Worker
    shard: Shard | None = None
    drawing: set[str] = field(default_factory=set[str])
    vain_deaths: int = 0
    gone: bool = False


class Dispatcher:
    """Has shards drawn by so many workers. `on_message` hears all that they tell."""

    def __init__(
        self,
        shards: Iterable[Shard],
        place: WorkerPlace,
        workers: int,
        on_message: Callable[[int, Message], None],
    ) -> None:
        self._waiting = deque(shards)
        self._place, self._most, self._on_message = place, workers, on_message
        self._inbox: Queue[tuple[int, Message]] = Queue()
        self._slots: dict[int, _Slot] = {}
        self._deaths = Counter[str]()  # of workers, by the picture that was being drawn
        self._alone: set[str] = set()
        self._set_aside: dict[str, str] = {}

    def run(self) -> None:
        """Have all of them drawn. However this ends, no worker is left."""
        try:
            for number in range(min(self._most, len(self._waiting))):
                self._slots[number] = _Slot(self._start(number))
            while self._waiting or any(slot.shard for slot in self._slots.values()):
                number, message = self._next_message()
                self._on_message(number, message)
                self._handle(self._slots[number], number, message)
        finally:
            for slot in self._slots.values():
                slot.worker.stop()
            self._place.close()

    def _next_message(self) -> tuple[int, Message]:
        while True:  # a wait without an end would not hear Ctrl-C on every system
            try:
                return self._inbox.get(timeout=1.0)
            except Empty:
                continue

    def _start(self, number: int) -> Worker:
        return self._place.start(number, lambda who, message: self._inbox.put((who, message)))

    def _handle(self, slot: _Slot, number: int, message: Message) -> None:
        match message:
            case Ready():
                self._give_next(slot)
            case Began(keys):
                slot.drawing = set(keys)
            case Drawn(key=key) | Failed(key=key):
                slot.drawing.discard(key)
                slot.vain_deaths = 0
            case ShardDone():
                slot.shard, slot.drawing = None, set()
                self._give_next(slot)
            case Broken(fact, hint):
                raise SdcliError(fact, hint=hint)
            case Died(reason):
                self._bury(slot, number, reason)
            case _:
                return

    def _give_next(self, slot: _Slot) -> None:
        if self._waiting:
            slot.shard = self._waiting.popleft()
            alone = frozenset(one.key for one in slot.shard.samples if one.key in self._alone)
            aside = {
                one.key: self._set_aside[one.key]
                for one in slot.shard.samples
                if one.key in self._set_aside
            }
            slot.worker.give(ShardTask(slot.shard, alone, aside))

    def _bury(self, slot: _Slot, number: int, reason: str) -> None:
        """A worker is dead: what it was drawing is suspect, its shard is next, another takes its place."""
        for key in slot.drawing:
            self._suspect(key, slot, number, reason)
        if slot.shard is not None:
            self._waiting.appendleft(slot.shard)
        slot.vain_deaths += 1
        if slot.vain_deaths >= MOST_VAIN:
            self._give_up(slot, number, reason)
        elif self._waiting:
            slot.worker = self._start(number)
        slot.shard, slot.drawing = None, set()

    def _give_up(self, slot: _Slot, number: int, reason: str) -> None:
        slot.gone = True
        if all(each.gone for each in self._slots.values()):
            raise SdcliError(
                f"no worker stays alive: the last one {reason}",
                hint="its memory may not be enough for it; `--workers 1` tries with one",
            )
        self._on_message(number, Noted(f"worker {number} {reason} again and again: on without it"))

    def _suspect(self, key: str, slot: _Slot, number: int, reason: str) -> None:
        """Count a death over a picture; after three it is not drawn any more."""
        self._deaths[key] += 1
        self._alone.add(key)
        if self._deaths[key] < MOST_DEATHS or slot.shard is None:
            return
        fact = f"{MOST_DEATHS} workers were lost over it: the last one {reason}"
        self._set_aside[key] = fact
        line = next(one.line for one in slot.shard.samples if one.key == key)
        hint = "smaller, or alone, it may be drawn; the same command tries it again"
        self._on_message(number, Failed(slot.shard.number, key, line, fact, hint))
