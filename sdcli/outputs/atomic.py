"""Files written whole or not at all: beside their name, renamed when done, never over another."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sdcli.errors import BadRequest, SdcliError


def claim(partial: Path, free: Path) -> None:
    """The file under a name nobody had. A link fails where a name is taken; a rename would not."""
    try:
        free.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(free, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        partial.replace(free)


def umask() -> int:
    """The permissions that new files do not get."""
    current = os.umask(0)
    os.umask(current)
    return current


def vacant(path: Path, *, force: bool) -> None:
    """Refuse a place that cannot be written, before any work is done for it."""
    if path.is_dir():
        raise BadRequest(f"`{path}` is a folder", hint="name a file in it")
    if os.path.lexists(path) and not force:
        raise BadRequest(f"`{path}` exists", hint="`--force` replaces it; or name another file")
    if not path.parent.is_dir():
        raise BadRequest(f"there is no folder `{path.parent}`", hint="make it first")


@contextmanager
def whole(path: Path, *, force: bool) -> Generator[BinaryIO]:
    """A new file to write into. It has its name when the block ends well, else it never was."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sdcli-", suffix=path.suffix)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            partial.chmod(0o666 & ~umask())
            if force:
                partial.replace(path)
            else:
                claim(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        raise BadRequest(f"`{path}` exists", hint="`--force` replaces it") from None
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise SdcliError(
            f"`{path}` could not be written: {error.strerror or error}",
            hint="free some space" if full else "choose another place",
        ) from error
