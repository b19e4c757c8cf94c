"""What a dialect is: a language that clients speak, as the server mounts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from sdcli.errors import SdcliError
from sdcli.server.http.jobs import Jobs
from sdcli.server.http.settings import ServeSettings


@dataclass(frozen=True)
class Service:
    """What a dialect is given: the server's settings, and the queue."""

    settings: ServeSettings
    jobs: Jobs


@dataclass(frozen=True)
class Dialect:
    """Its routes, and how it tells a failure on the paths that begin like these."""

    prefixes: tuple[str, ...]
    make_router: Callable[[Service], APIRouter]
    answer_failure: Callable[[SdcliError], Response]
