"""What a server was told when it was started. Its clients can change none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MOST_BODY = 64 * 2**20  # bytes of a request: a picture of 4096x4096 as base64
MOST_PICTURES = 100  # of one job
MOST_PIXELS = 4096 * 4096  # of one picture
MOST_JOB_PIXELS = 8 * MOST_PIXELS  # of all pictures of a job
MOST_FINISHED = 64  # jobs that are kept to be asked for, and for how long
MOST_FINISHED_BYTES = 512 * 2**20
KEPT = 3600.0  # seconds


@dataclass(frozen=True)
class ServeSettings:
    """The server's own choices."""

    model: str  # where a request names none: a name that is listed
    more_models: Mapping[str, Path] = field(default_factory=dict[str, Path])  # listed besides
    out: str | None = None  # where pictures are saved that a client wants to be saved
    queue: int = 16  # jobs that may wait
    key: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()  # names by which it may be called
    any_address: bool = False  # or any address, where it listens on all of them
    origins: frozenset[str] = frozenset()  # of web pages that may ask
