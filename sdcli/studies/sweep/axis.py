"""One thing that varies in a sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdcli.request import Request


@dataclass(frozen=True)
class Axis:
    """One thing that varies: its name, its values as they are written, and what each does."""

    name: str
    values: tuple[str, ...]
    apply: Callable[[Request, str], Request]
