"""Where jobs are drawn: the resident process, held for as long as the server runs.

Nothing is ever drawn in the server's own process. A worker that dies under a job is started again, and
the pictures that the job still lacks are drawn by the new one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

from PIL import Image

from sdcli.errors import SdcliError
from sdcli.events import Listener
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.server.events import read_picture
from sdcli.server.frames import receive_frame, send_frame
from sdcli.server.http.failures import HttpFailure
from sdcli.server.remote_session import (
    PATIENCE,
    Busy,
    Faulty,
    Hung,
    Lost,
    RemoteSession,
    draw_rest,
    guarded,
)
from sdcli.server.socket_place import connect, find_socket, peer_process
from sdcli.server.warm import connect_resident

T = TypeVar("T")

STAY = 60.0  # seconds that the process stays after the server has gone
MOST_DEATHS = 3  # of the worker under one job
TRIES = 3  # at connecting to it
PAUSE = 0.5  # seconds until it is asked again


class Stopped(Exception):
    """The job was stopped by whoever asked for it."""


class Stopper:
    """Ends what is being drawn, from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to."""
        return self._stopped

    def stop(self) -> None:
        """Hang up, which the worker notices at its next step."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def watch(self, connection: socket.socket) -> Generator[None]:
        """Let this be the connection that is to be hung up."""
        with self._lock:
            if self._stopped:
                raise Stopped
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None


class Worker:
    """The resident process as the server uses it: one job at a time, in the thread that calls."""

    def __init__(self) -> None:
        self._hold: socket.socket | None = None

    def start(self, listener: Listener) -> None:
        """Have the process there, and let it stay until `close`."""
        self.close()
        self._hold = connect_resident(STAY, listener)
        send_frame(self._hold, "hold")

    def close(self) -> None:
        """Let the process go when nobody else uses it."""
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def unload(self, listener: Listener) -> None:
        """Let the process give back the memory of its models; the next job loads its own again."""
        with contextlib.closing(connect_resident(STAY, listener)) as connection:
            send_frame(connection, "unload")
            receive_frame(connection)

    def draw(
        self, plan: Plan, listener: Listener, stopper: Stopper, *, preview: bool
    ) -> Iterator[Picture]:
        """The plan's pictures. SdcliError where they cannot be drawn, Stopped where nobody wants them."""
        finished = 0

        def draw_what_is_left() -> Iterator[Picture]:
            nonlocal finished
            for picture in draw_rest(
                plan,
                finished,
                lambda rest: self._draw_once(rest, listener, stopper, preview=preview),
            ):
                finished += 1
                yield picture

        yield from self._insist("drawing this", draw_what_is_left, listener, stopper)

    def enlarge(
        self, image: Image.Image, file: Path, size: tuple[int, int], listener: Listener
    ) -> Image.Image:
        """A finished picture made larger by an upscaler. SdcliError where it cannot be."""
        stopper = Stopper()

        def enlarge_once() -> Iterator[Image.Image]:
            with RemoteSession(self._connect(listener, stopper), None) as session:
                yield session.enlarge(image, file, size, listener)

        (larger,) = self._insist("enlarging this", enlarge_once, listener, stopper)
        return larger

    def _insist(
        self, what: str, attempt: Callable[[], Iterator[T]], listener: Listener, stopper: Stopper
    ) -> Iterator[T]:
        """What an attempt gives, tried again where the process is busy or lost."""
        deaths = 0
        while True:
            try:
                yield from attempt()
                return
            except Busy:
                time.sleep(PAUSE)
            except Faulty:
                raise _fault(what) from None
            except Lost as why:
                deaths += 1
                self._recover(deaths, why, listener)
            if stopper.is_stopped:
                raise Stopped

    def _draw_once(
        self, plan: Plan, listener: Listener, stopper: Stopper, *, preview: bool
    ) -> Iterator[Picture]:
        connection = self._connect(listener, stopper)
        with RemoteSession(connection, None) as session, stopper.watch(connection):
            try:
                for frame in session.answers("draw", plan, listener, preview=preview):
                    yield guarded(lambda frame=frame: read_picture(frame, plan))
            except Lost:
                if stopper.is_stopped:
                    raise Stopped from None
                raise

    def _connect(self, listener: Listener, stopper: Stopper) -> socket.socket:
        """A connection to the process, which is started where it is gone; Lost where it is not had."""
        why: Exception | None = None
        for _ in range(TRIES):
            if stopper.is_stopped:
                raise Stopped
            try:
                if self._hold is None or _is_closed(self._hold):
                    self.start(listener)
                return connect_resident(STAY, listener)
            except (SdcliError, OSError) as error:  # it may be about to end
                why = error
                self.close()
                time.sleep(PAUSE)
        raise Hung(f"is not to be had ({why})")

    def _recover(self, deaths: int, why: Lost, listener: Listener) -> None:
        """Make way for another process; or give the job up, which is what ends it, most likely."""
        if deaths == MOST_DEATHS:
            raise HttpFailure(
                500,
                f"the process that draws was lost {deaths} times over this job: at last it {why}",
                hint="ask for a smaller picture, if memory ran out; its log says more",
                code="worker_lost",
            )
        if isinstance(why, Hung):
            _kill_process()
            self.close()
        listener.on_note(f"the process that draws {why}: it is started again")


def _fault(what: str) -> SdcliError:
    return SdcliError(
        f"{what} failed by a fault of the program",
        hint="the log of the process that draws says how",
    )


def _kill_process() -> None:
    """End the process that gives no sign of life, so that another can take its place."""
    path = find_socket()
    connection = None if path is None else connect(path, PATIENCE)
    if connection is None:
        return
    with connection:
        pid = peer_process(connection)
    if pid is not None:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has hung up."""
    try:
        connection.setblocking(False)
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            connection.setblocking(True)
