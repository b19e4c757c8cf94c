"""One job: what is to be drawn, how far it is, what came of it. All of it lives on the event loop.

Whoever follows a job compares: `changes` waits until something is new, and tells that. A follower that
is slow misses steps, never a picture, and nothing piles up for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PIL import Image

from sdcli.errors import SdcliError
from sdcli.events import Step
from sdcli.picture import Provenance
from sdcli.plan import Plan
from sdcli.request import Request
from sdcli.server.http.uploads import Uploads

MOST_REMARKS = 200  # stages and notes that are kept of a job


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Order:
    """What a dialect wants drawn, and how the pictures are to be handed over."""

    request: Request
    uploads: Uploads = field(default_factory=Uploads)  # removed when the job ends
    format: str = "png"  # a row of images/formats/table.py
    quality: int | None = None  # of a format that loses something, 0 to 100
    preview: bool = False  # whether the picture is to be seen while it is drawn
    save: bool = False  # whether it is to lie in the server's folder of pictures, too


@dataclass(frozen=True)
class DrawnPicture:
    """A finished picture as a file, and where it comes from."""

    index: int
    plan: Plan  # draws this picture alone
    provenance: Provenance
    data: bytes = field(repr=False)
    media_type: str
    saved_as: str | None = None  # its name in the server's folder of pictures

    @property
    def seed(self) -> int:
        """The seed that draws it."""
        return self.plan.seed


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    step: int = 0  # of this picture, from 1
    steps: int = 0
    picture: int = 0  # from 1; the first one of a batch
    pictures: int = 0
    share: float = 0.0  # of the whole job


@dataclass(frozen=True)
class Change:
    """Something new of a job, by its kind: position, stage, note, step, picture, end."""

    kind: str
    facts: dict[str, Any]


@dataclass
class _Seen:
    """What one follower has been told."""

    remarks: int = 0
    pictures: int = 0
    position: int | None = None
    step: int = 0


class Job:
    """One order in the queue."""

    def __init__(self, order: Order, position: Callable[[Job], int]) -> None:
        self.id = secrets.token_urlsafe(18)
        self.order = order
        self.plan: Plan | None = None  # until it is planned
        self.state = State.QUEUED
        self.created = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.progress = Progress()
        self.preview: Image.Image | None = None
        self.pictures: list[DrawnPicture] = []
        self.error: SdcliError | None = None
        self.remarks: list[Change] = []
        self.stopped = False  # asked to end: what it has is kept, as A1111's interrupt does
        self._position = position
        self._steps_told = 0
        self._changed = asyncio.Event()

    @property
    def position(self) -> int:
        """How many jobs are before it, the running one included."""
        return self._position(self)

    @property
    def eta(self) -> float | None:
        """About so many seconds more; None: not known yet."""
        share = self.progress.share
        if self.started is None or share <= 0 or self.state.is_end:
            return None
        return (time.time() - self.started) * (1 - share) / share

    @property
    def size(self) -> int:
        """Bytes that its pictures hold."""
        return sum(len(picture.data) for picture in self.pictures)

    def note_change(self) -> None:
        """Wake whoever follows it."""
        self._changed.set()
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """It is drawn from now on."""
        self.state, self.started = State.RUNNING, time.time()
        self.note_change()

    def hear(self, kind: str, text: str) -> None:
        """A stage or a note."""
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append(Change(kind, {"text": text}))
            self.note_change()

    def hear_step(self, step: Step, preview: Image.Image | None) -> None:
        """A step was taken, and the picture looks like this by now."""
        taken = (step.picture_index + step.batch * (step.index + 1) / step.of) / step.picture_count
        self.progress = Progress(
            step.index + 1, step.of, step.picture_index + 1, step.picture_count, min(taken, 1.0)
        )
        self.preview = preview
        self._steps_told += 1
        self.note_change()

    def add(self, picture: DrawnPicture) -> None:
        """A picture is finished."""
        self.pictures.append(picture)
        self.note_change()

    def end(self, state: State, error: SdcliError | None = None) -> None:
        """Nothing more will happen."""
        if self.state.is_end:
            return
        self.state, self.error, self.ended = state, error, time.time()
        self.preview = None
        self.order.uploads.close()
        self.note_change()

    async def wait(self) -> None:
        """Until it has ended."""
        while not self.state.is_end:
            await self._changed.wait()

    async def changes(self) -> AsyncIterator[Change]:
        """What happens to it from the beginning on; the last change is its `end`."""
        seen = _Seen()
        while True:
            changed, over = self._changed, self.state.is_end
            for change in self._unseen(seen):
                yield change
            if over:
                yield Change("end", {"state": str(self.state)})
                return
            await changed.wait()

    def _unseen(self, seen: _Seen) -> Iterator[Change]:
        position = self.position
        if self.state == State.QUEUED and position != seen.position:
            seen.position = position
            yield Change("position", {"position": position})
        while seen.remarks < len(self.remarks):
            seen.remarks += 1
            yield self.remarks[seen.remarks - 1]
        if self._steps_told != seen.step and not self.state.is_end:
            seen.step = self._steps_told
            yield Change("step", vars(self.progress).copy())
        while seen.pictures < len(self.pictures):
            seen.pictures += 1
            yield Change("picture", {"index": seen.pictures - 1})
