"""Where a command's plans are drawn: in the resident process if there or wanted, else here."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli.engine import door
from sdcli.engine.door import SessionLike
from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.outputs.file_lock import try_lock
from sdcli.server.frames import BadFrame, Frame, receive_frame, send_frame
from sdcli.server.remote_session import PATIENCE, RemoteSession
from sdcli.server.settings import process_settings, public_environment
from sdcli.server.socket_place import (
    LOG,
    connect,
    find_socket,
    has_unix_sockets,
    open_lock,
    socket_folder,
)
from sdcli.server.wish import WarmWish

if TYPE_CHECKING:
    from subprocess import Popen

GREETING_PATIENCE = 3.0  # seconds; a process that works answers at once, whatever it draws
_STOP_IT = "`sdcli warm stop` ends it, or kill it"
START_PATIENCE = 40.0  # seconds for a new process to listen, an earlier one finishing before it
USUAL_STAY = 300.0  # seconds, of a process that was started by hand


def find_session(wish: WarmWish, listener: Listener) -> RemoteSession | None:
    """A session in the resident process; None where there is none and none is wanted.

    One is started where the wish is for it. Whatever is in the way is noted: the command then draws
    by itself.
    """
    if wish.is_off:
        return None
    if not has_unix_sockets():
        if wish.stay is None:
            return None
        raise BadRequest(
            "`--warm` needs Unix sockets, which this system does not have",
            hint="leave it away: every command then loads its model itself",
        )
    try:
        connection = _greeted(listener) or (_started(wish.stay, listener) if wish.stay else None)
    except SdcliError as error:
        listener.on_note(f"{error.fact}: drawing here instead")
        return None
    return None if connection is None else RemoteSession(connection, wish.stay)


def choose_session(wish: WarmWish, listener: Listener) -> SessionLike:
    """Where the plans are drawn: the resident process, or this one."""
    if session := find_session(wish, listener):
        return session
    listener.on_stage("loading torch")
    return door.open_session()


def may_be_warm(wish: WarmWish) -> bool:
    """Whether the resident process is likely to draw: then this one need not import torch."""
    if wish.is_off or not has_unix_sockets():
        return False
    with contextlib.suppress(SdcliError):
        return wish.stay is not None or find_socket() is not None
    return False


def open_resident(stay: float, listener: Listener) -> RemoteSession:
    """A session in the resident process, which is started if there is none."""
    return RemoteSession(connect_resident(stay, listener), stay)


def connect_resident(stay: float, listener: Listener) -> socket.socket:
    """A connection to the resident process, which is started if there is none."""
    return _greeted(listener) or _started(stay, listener)


def _greeted(listener: Listener) -> socket.socket | None:
    """A connection to a process that draws as this one would; None where there is no such."""
    path = find_socket()
    if path is None:
        return None
    connection = connect(path, GREETING_PATIENCE)
    if connection is None:
        if _is_left_behind():
            path.unlink(missing_ok=True)
            listener.on_note("the warm process was killed: going on without it")
        return None
    answer = _ask(connection, "hello", settings=process_settings())
    if answer.kind == "welcome":
        return connection
    connection.close()
    if answer.kind == "outdated":  # it makes room for one like this
        return _started(float(answer.facts["stay"]), listener)
    return None


def _is_left_behind() -> bool:
    """Whether the process of the socket is no more."""
    with open_lock() as lock:
        return try_lock(lock)


def _ask(connection: socket.socket, kind: str, **facts: Any) -> Frame:
    """The answer to one question. SdcliError where none comes."""
    connection.settimeout(GREETING_PATIENCE)
    try:
        send_frame(connection, kind, **facts)
        answer = receive_frame(connection)
    except TimeoutError:
        connection.close()
        raise SdcliError("the warm process does not answer", hint=_STOP_IT) from None
    except (OSError, BadFrame):
        answer = None
    if answer is None:
        connection.close()
        raise SdcliError("the warm process has just ended", hint="the next command starts another")
    connection.settimeout(PATIENCE)
    return answer


def _started(stay: float, listener: Listener) -> socket.socket:
    """A connection to a process that is started now. SdcliError where none comes up."""
    listener.on_stage("starting the warm process")
    process = start_process(stay)
    until = time.monotonic() + START_PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(SdcliError):
            if connection := _greeted(listener):
                return connection
        if process.poll() not in (None, 0):  # 0: another command's process was there before it
            break
        time.sleep(0.02)
    raise SdcliError("no warm process could be started", hint=f"see {socket_folder() / 'warm.log'}")


def start_process(stay: float) -> Popen[bytes]:
    """Start the resident process, which outlives this one and belongs to no terminal."""
    import subprocess  # which a help text need not wait for

    log = os.open(
        socket_folder() / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
    )
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "sdcli.server.resident", repr(stay)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            env={**public_environment(), "PYTHONPATH": _import_path()},
        )
    finally:
        os.close(log)


def _import_path() -> str:
    """Where the process finds this very program, wherever it was started from."""
    package = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))


def ask_status() -> dict[str, Any] | None:
    """What the resident process says of itself; None where there is none."""
    path = find_socket()
    connection = None if path is None else connect(path, GREETING_PATIENCE)
    if connection is None:
        return None
    with connection:
        return _ask(connection, "status").facts


def stop_process() -> int | None:
    """Ask the resident process to finish what it draws and go; its number, None where there is none."""
    path = find_socket()
    connection = None if path is None else connect(path, GREETING_PATIENCE)
    if connection is None:
        return None
    with connection:
        answer = _ask(connection, "stop")
    return int(answer.facts["pid"])
