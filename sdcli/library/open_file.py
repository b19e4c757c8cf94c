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
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        what = next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")
        raise BadRequest(f"`{path}` is {what}", hint="name an ordinary file")
    return os.fdopen(handle, "rb")


def _unreadable(path: Path, error: OSError | ValueError) -> SdcliError:
    reason = error.strerror if isinstance(error, OSError) else None
    return SdcliError(f"`{path}` cannot be read: {reason or error}")


# Opening a pipe waits for its writer, unless it is opened like this. (Windows has neither.)
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
