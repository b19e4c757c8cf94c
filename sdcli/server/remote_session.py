"""A session whose plans are drawn by the resident process: the same pictures, without the loading."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from PIL import Image

from sdcli.engine import door
from sdcli.engine.door import SessionLike
from sdcli.events import Listener, SilentListener
from sdcli.metadata.record import plan_to_data
from sdcli.picture import Picture
from sdcli.plan import Plan, pictures_from
from sdcli.server.events import (
    ENLARGE,
    is_event,
    pack_images,
    read_error,
    read_images,
    read_picture,
    tell,
)
from sdcli.server.frames import BadFrame, Frame, receive_frame, send_frame
from sdcli.server.settings import user_environment

T = TypeVar("T")

_NONSENSE = "sent what cannot be read ({})"
PATIENCE = 15.0  # seconds without any sign of life after which the process counts as hung


class Lost(Exception):
    """The resident process cannot draw this any more, and why; no why where it is known already."""


class Hung(Lost):
    """It is there and gives no sign of life."""


class Busy(Lost):
    """It has too many jobs waiting to take one more."""


class Faulty(Lost):
    """The program failed over this job, and would again."""


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
        try:
            for frame in self.answers("draw", plan, listener):
                picture = guarded(lambda frame=frame: read_picture(frame, plan))
                finished += 1
                listener.on_picture(picture)
                yield picture
        except Lost as why:
            self.lose(why, listener)
            yield from self._drawn_here(plan, listener, finished)

    def answers(self, job: str, plan: Plan, listener: Listener, **facts: Any) -> Iterator[Frame]:
        """What the process answers to a job, but for what happens on the way: that is told to the
        listener. Lost where it answers no more."""
        return self._answers(lambda there: self._send(there, job, plan, facts), listener)

    def enlarge(
        self, image: Image.Image, file: Path, size: tuple[int, int], listener: Listener
    ) -> Image.Image:
        """A finished picture in RGB made larger by an upscaler. Lost where the process is."""
        images, pixels = pack_images([image])
        asked = {"images": images, "upscaler": str(file.absolute()), "size": size}
        place = {"folder": str(Path.cwd()), "environment": user_environment()}

        def send(there: socket.socket) -> None:
            guarded(lambda: send_frame(there, ENLARGE, pixels, **asked, **place))

        (frame,) = self._answers(send, listener)
        return guarded(lambda: read_images(frame)[0])

    def _answers(
        self, send: Callable[[socket.socket], None], listener: Listener
    ) -> Iterator[Frame]:
        if self._connection is None:
            raise Lost
        over = False
        try:
            send(self._connection)
            while True:
                frame = _next_frame(self._connection)
                over = frame.kind in ("done", "error")
                if frame.kind == "done":
                    return
                if frame.kind == "error":
                    raise read_error(frame)
                if is_event(frame):
                    _tell(frame, listener)
                else:
                    yield frame
        finally:
            if not over:
                self._hang_up()  # which stops what is being done

    def lose(self, why: Lost, listener: Listener) -> None:
        """Say, where it is not known, that the process is lost."""
        self._hang_up()
        if why.args:
            listener.on_note(f"the warm process {why}: drawing here instead")

    def _send(
        self, connection: socket.socket, job: str, plan: Plan, facts: Mapping[str, Any]
    ) -> None:
        sent: dict[str, Any] = {"preview": plan.output.preview is not None, **facts}
        guarded(
            lambda: send_frame(
                connection,
                job,
                b"",
                plan=plan_to_data(plan),
                preview_vae=plan.output.preview_vae if sent["preview"] else None,
                folder=str(Path.cwd()),
                environment=user_environment(),
                stay=self._stay,
                **sent,
            )
        )

    def _drawn_here(self, plan: Plan, listener: Listener, finished: int) -> Iterator[Picture]:
        """The pictures from `finished` on."""
        if self._here is None:
            listener.on_stage("loading torch")
            self._here = door.open_session()
        here = self._here
        yield from draw_rest(plan, finished, lambda rest: here.run(rest, listener))

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def draw_rest(
    plan: Plan, finished: int, draw: Callable[[Plan], Iterator[Picture]]
) -> Iterator[Picture]:
    """The pictures from `finished` on. What is denoised together stays together."""
    begun = finished - finished % (plan.batch or 1)
    if begun == plan.count:
        return
    rest = pictures_from(plan, begun, plan.count - begun)
    for picture in draw(rest):
        if picture.index + begun >= finished:
            yield replace(picture, index=picture.index + begun)


def _next_frame(connection: socket.socket) -> Frame:
    frame = guarded(lambda: receive_frame(connection))
    if frame is None:
        raise Lost("ended")
    if frame.kind == "busy":
        raise Busy("has too many jobs waiting")
    if frame.kind == "fault":
        raise Faulty("failed (its log says how)")
    return frame


def _tell(frame: Frame, listener: Listener) -> None:
    try:
        tell(frame, listener)
    except BadFrame as error:
        raise Lost(_NONSENSE.format(error.fact)) from None


def guarded(act: Callable[[], T]) -> T:
    """What `act` gives; Lost where the other side is gone, hung, or speaks nonsense."""
    try:
        return act()
    except TimeoutError:
        raise Hung("does not answer") from None
    except OSError:
        raise Lost("ended") from None
    except BadFrame as error:
        raise Lost(_NONSENSE.format(error.fact)) from None
