"""The one writer of files: whole or not at all, never half-written, never over another by chance.

A file is written beside its name, brought to the disk, and renamed. Its permissions are what the
umask leaves, as with any new file.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sdcli.errors import BadRequest, SdcliError
from sdcli.library.open_file import is_folder

# What a file is to hold: text (written as UTF-8), bytes, or a function that writes it.
Content = str | bytes | Callable[[BinaryIO], object]
# Gives a finished file, which has no name of its own yet, the name that it returns.
GiveName = Callable[[Path], Path]


def write_file(
    path: Path, content: Content, give_name: GiveName | None = None, *, durable: bool = True
) -> Path:
    """Write the whole of `content` to `path`, in the place of what was there, and give its name.

    With `give_name` the finished file gets the name that this decides instead. `durable` files are
    on the disk when this returns, whatever happens to the machine then; others may be lost.
    """
    named: list[Path] = []

    def name_it(partial: Path) -> None:
        named.append(partial.replace(path) if give_name is None else give_name(partial))

    with _partial_file(path, name_it, durable=durable) as file:
        _fill(file, content)
    return named[0]


@contextmanager
def new_file(path: Path, *, force: bool) -> Generator[BinaryIO]:
    """A file to write into. It has its name when the block ends well, else it never was.

    Where the name is taken by then, this is refused unless `force` gives that file up.
    """

    def name_it(partial: Path) -> None:
        if force:
            partial.replace(path)
        else:
            claim_name(partial, path)

    try:
        with _partial_file(path, name_it, durable=True) as file:
            yield file
    except FileExistsError:
        raise BadRequest(f"`{path}` exists", hint="`--force` replaces it") from None


def claim_name(partial: Path, free: Path) -> Path:
    """Give the file a name that nobody has; FileExistsError where somebody does."""
    try:
        free.hardlink_to(partial)  # fails where the name is taken; a rename would not
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(free, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        partial.replace(free)
    return free


def check_free(path: Path, *, force: bool) -> None:
    """Refuse a place that cannot be written, before any work is done for it."""
    if is_folder(path):
        raise BadRequest(f"`{path}` is a folder", hint="name a file in it")
    if os.path.lexists(path) and not force:
        raise BadRequest(f"`{path}` exists", hint="`--force` replaces it; or name another file")
    if not is_folder(path.parent):
        raise BadRequest(f"there is no folder `{path.parent}`", hint="make it first")
    check_name(path)


def check_name(path: Path) -> None:
    """Refuse a name that the file system does not take: too long, or with a zero byte."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise write_error(path, error) from None


def write_error(path: Path, error: OSError | ValueError) -> SdcliError:
    """What is said of a file that could not be written, and why."""
    code = error.errno if isinstance(error, OSError) else errno.EINVAL
    reason = error.strerror if isinstance(error, OSError) else None
    if code == errno.ENAMETOOLONG:
        name = path.name if len(path.name) < 60 else f"{path.name[:60]}..."
        return BadRequest(f"the name `{name}` is too long for a file", hint="choose a shorter one")
    full = code in {errno.ENOSPC, errno.EDQUOT}
    return SdcliError(
        f"`{path}` could not be written: {reason or error}",
        hint="free some space; what is finished is kept" if full else "choose another place",
    )


@contextmanager
def _partial_file(
    path: Path, name_it: Callable[[Path], object], *, durable: bool
) -> Generator[BinaryIO]:
    """A file beside `path` to write into; `name_it` is called with it when it is complete."""
    partial = path.with_name(f".sdcli-{secrets.token_hex(6)}{path.suffix[:16]}")
    try:
        _make_folder(path.parent)
        try:
            with os.fdopen(os.open(partial, _NEW, 0o666), "wb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            name_it(partial)
            if durable:
                _sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        raise  # for `name_it`'s caller to say
    except (OSError, ValueError) as error:
        raise write_error(path, error) from error


_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the place of the folder") from None


def _fill(file: BinaryIO, content: Content) -> None:
    if callable(content):
        content(file)
    else:
        file.write(content.encode() if isinstance(content, str) else content)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)
