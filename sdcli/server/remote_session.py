"""A session whose plans are drawn by the resident process: the same pictures, without the loading."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sdcli.engine import door
from sdcli.engine.door import SessionLike
from sdcli.events import Listener, SilentListener
from sdcli.metadata.record import plan_to_data
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.server.events import read_error, read_picture, tell
from sdcli.server.frames import BadFrame, receive_frame, send_frame
from sdcli.server.settings import user_environment

T = TypeVar("T")

PATIENCE = 15.0  # seconds without any sign of life after which the process counts as hung


class Lost(Exception):
    """The resident process cannot draw this any more, and why."""


class RemoteSession:
    """Sends plans to the resident process. Where that is lost, the rest is drawn in this process."""

    def __init__(self, connection: socket.socket, stay: float | None) -> None:
        self._connection: socket.socket | None = connection
        self._connection.settimeout(PATIENCE)
        self._stay = stay
        self._here: SessionLike | None = None

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up: what is being drawn for it is stopped."""
        self.close()

    def close(self) -> None:
        """Hang up, and give back what is held here."""
        self._hang_up()
        if self._here is not None:
            self._here.close()
            self._here = None

    def run(self, plan: Plan, listener: Listener | None = None) -> Iterator[Picture]:
        """The plan's pictures, in the order of their seeds, each as soon as it is there."""
        listener = listener or SilentListener()
        finished = 0
        if self._connection is not None:
            try:
                for picture in self._drawn_there(self._connection, plan, listener):
                    finished += 1
                    listener.on_picture(picture)
                    yield picture
            except Lost as why:
                self._hang_up()
                listener.on_note(f"the warm process {why}: drawing here instead")
            except BaseException:
                self._hang_up()  # which stops what is being drawn
                raise
            else:
                return
        yield from self._drawn_here(plan, listener, finished)

    def _drawn_there(
        self, connection: socket.socket, plan: Plan, listener: Listener
    ) -> Iterator[Picture]:
        wants_preview = plan.output.preview is not None
        _guarded(
            lambda: send_frame(
                connection,
                "draw",
                plan=plan_to_data(plan),
                preview=wants_preview,
                preview_vae=plan.output.preview_vae if wants_preview else None,
                folder=str(Path.cwd()),
                environment=user_environment(),
                stay=self._stay,
            )
        )
        while True:
            frame = _guarded(lambda: receive_frame(connection))
            if frame is None:
                raise Lost("ended")
            match frame.kind:
                case "done":
                    return
                case "picture":
                    yield _guarded(lambda frame=frame: read_picture(frame, plan))
                case "error":
                    raise read_error(frame)
                case "busy":
                    raise Lost("has too many jobs waiting")
                case "fault":
                    raise Lost("failed (its log says how)")
                case _:
                    tell(frame, listener)

    def _drawn_here(self, plan: Plan, listener: Listener, finished: int) -> Iterator[Picture]:
        """The pictures from `finished` on. What is denoised together stays together."""
        if self._here is None:
            listener.on_stage("loading torch")
            self._here = door.open_session()
        begun = finished - finished % plan.batch
        if begun == plan.count:
            return
        rest = replace(plan, seed=plan.seed + begun, count=plan.count - begun)
        for picture in self._here.run(rest, listener):
            if picture.index + begun >= finished:
                yield replace(picture, index=picture.index + begun)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _guarded(act: Callable[[], T]) -> T:
    """What `act` gives; Lost where the other side is gone, hung, or speaks nonsense."""
    try:
        return act()
    except TimeoutError:
        raise Lost("does not answer") from None
    except OSError:
        raise Lost("ended") from None
    except BadFrame as error:
        raise Lost(f"sent what cannot be read ({error.fact})") from None
