"""A lock on an open file, given back when the file is closed, however the process ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows: no lock, and so no protection from a second process
    fcntl = None


def try_lock(file: BinaryIO) -> bool:
    """Lock the file, or say that another process has. Where files cannot be locked, go on."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def lock_file(file: BinaryIO, on_wait: Callable[[], None]) -> None:
    """Lock the file; where another process has it locked, call `on_wait` and wait for it."""
    if fcntl is not None and not try_lock(file):
        on_wait()
        fcntl.flock(file, fcntl.LOCK_EX)
