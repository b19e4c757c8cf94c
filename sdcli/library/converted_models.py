"""Models as another program wants them, converted once and kept on disk by what they were made from.

A folder for each, of bounded size together: those that were not used for longest go first. All of it
can be deleted at any time (`sdcli cache --clear`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sdcli import folders
from sdcli.library.open_file import is_folder, is_ordinary_file

MOST_BYTES = 20 * 10**9  # about five models of SD 1.5's size


def converted_folder() -> Path:
    """Where they all are."""
    return folders.cache_folder() / "converted"


def find_converted(facts: Mapping[str, object]) -> Path | None:
    """The folder of what was made from these facts, if it is kept; it counts as used now."""
    place = _place(facts)
    if not is_folder(place):
        return None
    os.utime(place)
    return place


@contextmanager
def keep_converted(facts: Mapping[str, object]) -> Generator[Path]:
    """An empty folder to write into; what is in it when the block ends without an error is kept."""
    home = converted_folder()
    home.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=home))
    try:
        yield draft
        place = _place(facts)
        shutil.rmtree(place, ignore_errors=True)
        draft.replace(place)
        _forget_oldest(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def open_compiled(version: str) -> Path:
    """The folder for code that a version of torch compiles, of all models; it counts as used now."""
    place = converted_folder() / f"compiled-{version}"
    place.mkdir(parents=True, exist_ok=True)
    os.utime(place)
    return place


def drop_converted(facts: Mapping[str, object]) -> None:
    """Forget what was made from these facts."""
    shutil.rmtree(_place(facts), ignore_errors=True)


def clear_converted() -> int:
    """Forget everything; how many bytes that were."""
    freed = sum(map(_size, _kept()))
    shutil.rmtree(converted_folder(), ignore_errors=True)
    return freed


def list_converted() -> list[tuple[Path, int]]:
    """What is kept, the last used first, and how many bytes each takes."""
    return [(place, _size(place)) for place in reversed(_kept())]


def _place(facts: Mapping[str, object]) -> Path:
    text = json.dumps(facts, sort_keys=True, default=str)
    return converted_folder() / hashlib.sha256(text.encode()).hexdigest()[:32]


def _kept() -> list[Path]:
    """The folders, the longest unused first."""
    home = converted_folder()
    return sorted(home.iterdir(), key=_last_used) if is_folder(home) else []


def _last_used(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:  # another process took it away
        return 0.0


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if is_ordinary_file(file))


def _forget_oldest(newest: Path) -> None:
    places = _kept()
    total = sum(map(_size, places))
    for place in places:
        if total <= MOST_BYTES:
            return
        if place != newest and not place.name.startswith(".draft-"):
            total -= _size(place)
            shutil.rmtree(place, ignore_errors=True)
