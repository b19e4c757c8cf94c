"""For those whose words are a stranger's: what they name is a file that is listed, or nothing.

    with listed_only({"mine": Path("/models/mine.safetensors")}):
        plan = make_plan(request)  # no path that it names is opened, nothing is fetched

A server plans what its clients ask for within this. Names, tags in prompts, presets, plans and what
pictures carry all reach files through `find.py` and `find_by_hash.py`, and those two ask here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_MORE: ContextVar[Mapping[str, Path] | None] = ContextVar("_MORE", default=None)


@contextmanager
def listed_only(more: Mapping[str, Path]) -> Generator[None]:
    """While it lasts, a name means a file that `list_models` lists, or one of `more`."""
    before = _MORE.set(more)
    try:
        yield
    finally:
        _MORE.reset(before)


def is_listed_only() -> bool:
    """Whether no file may be opened because a text names its path."""
    return _MORE.get() is not None


def more_names() -> Mapping[str, Path]:
    """What is listed besides the folders of models."""
    return _MORE.get() or {}
