"""What a worker is told, and what it tells of its work. All of it can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdcli.batch.run_file import RunFile
from sdcli.batch.shards import Shard
from sdcli.studies.judging_wish import JudgingWish

if TYPE_CHECKING:
    from sdcli.engine.door import WorkerSession
    from sdcli.measures.judges import JudgeLike, Judges


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of a run are told once."""

    address: str  # where the pictures go
    run: RunFile
    wish: JudgingWish
    models_from: str | None
    # The ways into the engine, which this package does not know.
    open_session: Callable[[int], WorkerSession]
    open_judges: Callable[[Judges, Collection[str]], JudgeLike]


@dataclass(frozen=True)
class ShardTask:
    """A shard to be drawn."""

    shard: Shard
    alone: frozenset[str] = (
        frozenset()
    )  # pictures that were lost with a worker: no company for them
    set_aside: Mapping[str, str] = field(default_factory=dict[str, str])  # and why


@dataclass(frozen=True)
class Ready:
    """A worker is there."""

    device: str
    process: int  # its number on its machine


@dataclass(frozen=True)
class Began:
    """These pictures are being drawn now."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """A picture is drawn, and safe on this machine."""

    shard: int
    key: str
    line: int
    seed: int
    prompt: str
    seconds: float
    measured: Mapping[str, float | None]


@dataclass(frozen=True)
class Kept:
    """So many pictures of a shard were drawn before, by a worker that did not finish it."""

    shard: int
    pictures: int


@dataclass(frozen=True)
class Failed:
    """A picture cannot be drawn."""

    shard: int
    key: str
    line: int
    fact: str
    hint: str


@dataclass(frozen=True)
class ShardDone:
    """A shard is written, its manifest too."""

    shard: int
    pictures: int
    failed: int
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """The run cannot go on: what is drawn cannot be written, or nothing can be drawn at all."""

    fact: str
    hint: str


@dataclass(frozen=True)
class Noted:
    """Something the user should know."""

    text: str


@dataclass(frozen=True)
class Died:
    """The worker is no more, and why."""

    reason: str


Message = Ready | Began | Drawn | Kept | Failed | ShardDone | Broken | Noted | Died
Tell = Callable[[Message], None]
