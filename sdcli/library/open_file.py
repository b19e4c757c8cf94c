"""Files of strangers opened to be read: only ordinary ones, and never one that makes us wait."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from sdcli.errors import BadRequest, SdcliError


def open_regular_file(path: Path) -> BufferedReader:
    """An ordinary file, open for reading.

    A pipe, a socket or a device would keep us waiting, a folder cannot be read: each is refused by
    what it is. What the system cannot open is an error of ours that names the file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        raise BadRequest(f"there is no file `{path}`", hint="check the path") from None
    except IsADirectoryError:
        raise BadRequest(f"`{path}` is a folder", hint="name a file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise _unreadable(path, error) from None
    status = os.fstat(handle)
    made_up = _is_of_the_system(status.st_dev)
    if made_up or not stat.S_ISREG(status.st_mode):
        os.close(handle)
        kinds = (name for is_kind, name in _KINDS if is_kind(status.st_mode))
        what = "a file of the system's" if made_up else next(kinds, "no file")
        raise BadRequest(f"`{path}` is {what}", hint="name an ordinary file")
    return os.fdopen(handle, "rb")


def expand_path(path: Path) -> Path:
    """The path with `~` filled in; `~nobody`, who has no home here, is a name like any other."""
    try:
        return path.expanduser()
    except (RuntimeError, ValueError):
        return path


def is_there(path: Path) -> bool:
    """Whether there is anything at a path; of a name that cannot be looked up, nothing is."""
    return _mode(path) is not None


def is_folder(path: Path) -> bool:
    """Whether there is a folder at a path."""
    return stat.S_ISDIR(_mode(path) or 0)


def is_ordinary_file(path: Path) -> bool:
    """Whether there is a file at a path that can be read without waiting."""
    return stat.S_ISREG(_mode(path) or 0)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):  # not there, too long, a loop of links, a zero byte
        return None


def _is_of_the_system(device: int) -> bool:
    """Whether a file lies where the system makes files up as they are read, without an end."""
    for folder in ("/proc", "/sys"):
        try:
            if Path(folder).stat().st_dev == device:
                return True
        except OSError:
            continue
    return False


def _unreadable(path: Path, error: OSError | ValueError) -> SdcliError:
    reason = error.strerror if isinstance(error, OSError) else None
    return SdcliError(f"`{path}` cannot be read: {reason or error}", hint="name another file")


# Opening a pipe waits for its writer, unless it is opened like this. (Windows has neither.)
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
