"""What was reckoned once and would take long again: hashes, paces, converged pictures.

One SQLite file, which several processes read and write at once. It can be deleted at any time. A
cache that cannot be read or written costs time and nothing else; a damaged one is set aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sdcli import folders
from sdcli.library.open_file import is_ordinary_file, is_there

if TYPE_CHECKING:  # sqlite3 is imported when something is first looked up
    import sqlite3

Value = str | float | bytes
Answer = TypeVar("Answer")

EDITION = 1  # of the tables below; another one has another file
WAIT = 3.0  # seconds for another process to finish writing
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL, key TEXT NOT NULL, value NOT NULL, written REAL NOT NULL,
    PRIMARY KEY (kind, key)
)"""
_FORGET = """
DELETE FROM entries WHERE kind = ?1 AND key NOT IN
    (SELECT key FROM entries WHERE kind = ?1 ORDER BY written DESC LIMIT ?2)"""
# SQLITE_ERROR (a table that is not ours), CORRUPT, FORMAT, NOTADB.
_DAMAGED = {1, 11, 24, 26}


def recall_value(kind: str, key: str) -> Value | None:
    """What is remembered under this kind and key; None where nothing is."""

    def look_up(database: sqlite3.Connection) -> Value | None:
        row = database.execute(
            "SELECT value FROM entries WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return row[0] if row else None

    return _with_database(look_up)


def remember_value(kind: str, key: str, value: Value, most: int = 10_000) -> None:
    """Keep a value under this kind and key; of a kind only the `most` last ones are kept."""

    def write(database: sqlite3.Connection) -> None:
        database.execute(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (kind, key, value, time.time())
        )
        database.execute(_FORGET, (kind, most))

    _with_database(write)


def cache_file() -> Path:
    """Where it all is."""
    return folders.cache_folder() / f"cache-{EDITION}.sqlite3"


def _with_database(use: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
    """What `use` gives back, or None where there is no cache to be had."""
    import sqlite3

    file = cache_file()
    for _ in range(2):
        before = _inode(file)
        try:
            return _use_once(file, use)
        except sqlite3.DatabaseError as error:
            if (error.sqlite_errorcode & 0xFF) not in _DAMAGED or _inode(file) != before:
                return None
            _set_aside(file)
        except (OSError, ValueError, OverflowError):
            return None
    return None


def _use_once(file: Path, use: Callable[[sqlite3.Connection], Answer]) -> Answer:
    import sqlite3

    file.parent.mkdir(parents=True, exist_ok=True)
    if is_there(file) and not is_ordinary_file(file):
        raise OSError(f"{file} is no file")
    database = sqlite3.connect(file, timeout=WAIT)
    try:
        with database:  # one transaction: all of it or nothing
            if database.execute("PRAGMA user_version").fetchone()[0] != EDITION:
                database.execute(_TABLE)
                database.execute(f"PRAGMA user_version = {EDITION}")
            return use(database)
    finally:
        database.close()


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except (OSError, ValueError):
        return 0


def _set_aside(file: Path) -> None:
    """Move a damaged cache out of the way, for whoever wants to look at it."""
    try:
        file.replace(file.with_suffix(".damaged"))
        file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
    except OSError:
        return
