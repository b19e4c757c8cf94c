"""The resident process: one job after another, each drawn as its command would draw it by itself.

A thread for each connection reads what is asked and shows signs of life; the main thread alone draws.
It ends when nobody has used it for a while, when it is told to, or when a command of another version
finds it: it then takes no new jobs and finishes those it has.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
import threading
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli.engine import door
from sdcli.errors import SdcliError
from sdcli.metadata.record import read_plan
from sdcli.outputs.file_lock import try_lock
from sdcli.plan import Plan
from sdcli.request import Output
from sdcli.server.events import ENLARGE, SEND_PATIENCE, ClientGone, EventSender, send_error
from sdcli.server.frames import BadFrame, Frame, receive_frame, send_frame
from sdcli.server.jobs import JOBS, do_job, enlarge_picture
from sdcli.server.settings import adopt_environment, process_settings, user_environment
from sdcli.server.socket_place import (
    SOCKET,
    find_socket,
    is_own_user,
    listen,
    open_lock,
    socket_folder,
)

if TYPE_CHECKING:
    from sdcli.engine.session import Session

LIFE = 1.0  # seconds between signs of life while a job waits or is drawn
LOCK_PATIENCE = 30.0  # seconds for an earlier process to end
MOST_WAITING = 64  # jobs


@dataclass
class Job:
    """One plan to be drawn, or picture to be enlarged, and who waits for it."""

    facts: dict[str, Any]
    data: bytes
    sender: EventSender
    told: set[Any]  # of which models this caller has heard what there is to say
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class ResidentState:
    """What the process tells of itself."""

    stay: float  # seconds that it stays after its last use
    settings: dict[str, str]
    began: float = field(default_factory=time.monotonic)
    last_used: float = field(default_factory=time.monotonic)
    drawn: int = 0
    draining: bool = False

    @property
    def left(self) -> float:
        """Seconds until it goes, if nobody uses it."""
        return self.last_used + self.stay - time.monotonic()


def stay_resident(stay: float) -> int:
    """Be the resident process until it is time to go; the exit code. A second one ends at once."""
    with _only_process() as alone:
        if not alone:
            return 0
        resident = Resident(stay)
        try:
            resident.serve()
        finally:
            resident.stop_listening()
    return 0


@contextlib.contextmanager
def _only_process() -> Generator[bool]:
    """Whether this is the only resident process, for as long as the block lasts."""
    with open_lock() as lock:
        until = time.monotonic() + LOCK_PATIENCE
        while not (alone := try_lock(lock)) and time.monotonic() < until and not find_socket():
            time.sleep(0.05)
        yield alone


class Resident:
    """The process at work: who listens, what waits, what is loaded."""

    def __init__(self, stay: float) -> None:
        self._state = ResidentState(stay, process_settings())
        self._jobs: queue.Queue[Job] = queue.Queue(MOST_WAITING)
        self._path = socket_folder() / SOCKET
        self._listening = listen(self._path)
        self._inode = self._path.stat().st_ino
        self._session: Session | None = None  # until torch is there, some seconds from now
        self._unload = threading.Event()  # told to give back the models that it keeps
        self._held_by: set[socket.socket] = set()  # connections for which it stays while they last
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self) -> None:
        """Draw job after job until it is time to go."""
        session = self._session = door.open_shared_session()
        while True:
            if self._unload.is_set():
                self._unload.clear()
                session.close()
            try:
                job = self._jobs.get(timeout=min(max(self._state.left, 0.01), 1.0))
            except queue.Empty:
                idle = self._state.left <= 0 and not self._held_by
                if self._state.draining or idle:
                    self.stop_listening()
                    if self._jobs.empty():
                        return
                continue
            self._draw(job, session)
            self._state.last_used = time.monotonic()

    def stop_listening(self) -> None:
        """Take no new connections: whoever comes now starts another process."""
        self._state.draining = True
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._listening.close()

    def _draw(self, job: Job, session: Session) -> None:
        try:
            _adopt_place(job.facts)
            self._do(job, session)
            job.sender.send("done")
        except ClientGone:
            pass
        except SdcliError as error:
            with contextlib.suppress(ClientGone):
                send_error(job.sender, error)
        except Exception:  # noqa: BLE001 - a fault of the program must not end the process
            traceback.print_exc()  # into its log
            with contextlib.suppress(ClientGone):
                job.sender.send("fault")
        finally:
            job.done.set()

    def _do(self, job: Job, session: Session) -> None:
        if job.facts["is"] == ENLARGE:
            job.sender.check()
            enlarge_picture(session, job.facts, job.data, job.sender)
            return
        plan = _read_job(job.facts)
        job.sender.check()
        session.change_caller(job.told)
        for _ in do_job(session, plan, job.facts, job.sender):
            self._state.drawn += 1

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(SEND_PATIENCE)
            if not is_own_user(connection):
                return
            told: set[Any] = set()
            with contextlib.suppress(OSError, BadFrame):
                while (frame := self._next_frame(connection)) is not None:
                    self._answer(connection, frame, told)

    def _next_frame(self, connection: socket.socket) -> Frame | None:
        connection.settimeout(None)  # a sweep may think for a while between two pictures
        frame = receive_frame(connection)
        connection.settimeout(SEND_PATIENCE)
        return frame

    def _answer(self, connection: socket.socket, frame: Frame, told: set[Any]) -> None:
        match frame.kind:
            case "hello":
                self._greet(connection, frame)
            case "hold":
                self._hold(connection)
            case "status":
                self._tell_status(connection)
            case "unload":
                self._unload.set()  # done before the next job
                send_frame(connection, "unloading")
            case "stop":
                self._stop(connection)
            case job if job in JOBS or job == ENLARGE:
                self._queue_job(connection, frame, told)
            case _:
                raise BadFrame(f"`{frame.kind[:40]}` is nothing to ask for")

    def _greet(self, connection: socket.socket, frame: Frame) -> None:
        """Say whether this process draws as the command itself would; if not, make room."""
        if frame.facts.get("settings") == self._state.settings and not self._state.draining:
            send_frame(connection, "welcome", pid=os.getpid())
            return
        send_frame(connection, "outdated", pid=os.getpid(), stay=self._state.stay)
        self.stop_listening()

    def _queue_job(self, connection: socket.socket, frame: Frame, told: set[Any]) -> None:
        sender = EventSender(connection, preview=bool(frame.facts.get("preview")))
        stay = frame.facts.get("stay")
        if isinstance(stay, int | float):
            self._state.stay = float(stay)
        self._state.last_used = time.monotonic()
        job = Job(frame.facts, frame.data, sender, told)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            send_frame(connection, "busy")
            return
        while not job.done.wait(LIFE):
            sender.show_life()

    def _hold(self, connection: socket.socket) -> None:
        """Stay for as long as this connection lasts, used or not."""
        self._held_by.add(connection)
        try:
            self._next_frame(connection)
        finally:
            self._held_by.discard(connection)
            self._state.last_used = time.monotonic()

    def _tell_status(self, connection: socket.socket) -> None:
        state = self._state
        send_frame(
            connection,
            "status",
            pid=os.getpid(),
            version=state.settings["sdcli"],
            drawn=state.drawn,
            waiting=self._jobs.qsize(),
            up=time.monotonic() - state.began,
            left=max(state.left, 0.0),
            models=self._session.loaded_models() if self._session else [],
            memory=_resident_memory(),
        )

    def _stop(self, connection: socket.socket) -> None:
        """Finish what is begun and go."""
        self.stop_listening()
        send_frame(connection, "stopping", pid=os.getpid(), waiting=self._jobs.qsize())


def _adopt_place(facts: dict[str, Any]) -> None:
    """Stand where the command stands: its folder and its variables."""
    try:
        os.chdir(str(facts["folder"]))
        adopt_environment(dict(facts["environment"]))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise SdcliError(
            f"the command's folder cannot be entered: {error}",
            hint="call it from another folder, or with `--warm off`",
        ) from error


def _read_job(facts: dict[str, Any]) -> Plan:
    try:
        plan = read_plan(facts["plan"])
        vae = facts.get("preview_vae")
    except KeyError as error:
        raise SdcliError(
            f"a job lacks its {error}", hint="only sdcli itself is spoken to here"
        ) from None
    return replace(plan, output=Output(preview_vae=vae)) if isinstance(vae, str) else plan


def _resident_memory() -> int:
    """Bytes that this process holds in memory; 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


if __name__ == "__main__":
    os.environ.update(user_environment())
    sys.exit(stay_resident(float(sys.argv[1])))
