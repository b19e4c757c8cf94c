"""Where the resident process is reached: a socket that only this user can open, in a folder of theirs."""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from sdcli.errors import SdcliError
from sdcli.library.open_file import is_folder

SOCKET, LOCK, LOG = "warm.sock", "warm.lock", "warm.log"
LONGEST = 100  # bytes of a socket's path that every system takes


def has_unix_sockets() -> bool:
    """Whether this system has sockets that are files, which only their owner can open."""
    return hasattr(socket, "AF_UNIX") and hasattr(os, "getuid")


def socket_folder() -> Path:
    """The folder of the socket, made if need be. SdcliError where it would not be ours alone."""
    if folder := _first_short():
        return _private_folder(folder)
    raise SdcliError(
        "no folder for a socket has a path that is short enough",
        hint="let $XDG_RUNTIME_DIR or $TMPDIR be a short path",
    )


def _first_short() -> Path | None:
    """The first folder that a socket's path has room for."""
    short = (f for f in _candidates() if len(os.fsencode(f / SOCKET)) <= LONGEST)
    return next(short, None)


def _candidates() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    named = [Path(runtime) / "sdcli"] if runtime and is_folder(Path(runtime)) else []
    return [*named, Path(tempfile.gettempdir()) / f"sdcli-{os.getuid()}"]


def _private_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise SdcliError(
            f"`{folder}` cannot be made: {error.strerror}",
            hint="$XDG_RUNTIME_DIR says where such folders are made",
        ) from error
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise SdcliError(
            f"`{folder}` is not a folder of this user alone",
            hint="a process that keeps models warm is only reached through a private one: remove it",
        )
    return folder


def find_socket() -> Path | None:
    """The socket of this user's resident process, alive or left behind; None where there is none."""
    folder = _first_short()
    if folder is None or not os.path.lexists(folder / SOCKET):
        return None
    return _private_folder(folder) / SOCKET


def open_lock() -> BinaryIO:
    """The file that the resident process keeps locked for as long as it lives."""
    path = socket_folder() / LOCK
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")


def listen(path: Path) -> socket.socket:
    """A socket at `path` that only this user can connect to. What was there is replaced."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        server.bind(os.fspath(path))
    finally:
        os.umask(before)
    server.listen(64)
    return server


def connect(path: Path, timeout: float) -> socket.socket | None:
    """A connection to this user's own process behind `path`; None where nobody answers."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(os.fspath(path))
    except OSError:
        connection.close()
        return None
    if not is_own_user(connection):
        connection.close()
        return None
    return connection


def peer_process(connection: socket.socket) -> int | None:
    """The number of the process on the other side, where the kernel says it."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        pid, _, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
        return pid
    if sys.platform == "darwin":
        return struct.unpack("i", connection.getsockopt(0, 2, 4))[0]
    return None


def is_own_user(connection: socket.socket) -> bool:
    """Whether the process on the other side runs as this user, by what the kernel says."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        _, user, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
        return user == os.getuid()
    if sys.platform == "darwin":  # struct xucred: version, uid, ...
        _, user = struct.unpack("Ii", connection.getsockopt(0, 1, 8))
        return user == os.getuid()
    return True  # the folder's mode is all there is
