"""What happens in the resident process, told over its socket, and what it tells, heard again here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

from PIL import Image

from sdcli import errors
from sdcli.errors import BadRequest, PartFailed, SdcliError
from sdcli.events import Listener, SilentListener, Step
from sdcli.metadata import codec
from sdcli.metadata.codec import Bounds, DataReader
from sdcli.picture import Picture, Provenance
from sdcli.plan import Plan, nth_picture
from sdcli.server.frames import BadFrame, Frame, send_frame

ERRORS: Mapping[str, type[SdcliError]] = {
    kind.__name__: kind for kind in (SdcliError, BadRequest, PartFailed)
}
ENLARGE = "enlarge"  # a job that needs no plan


class ClientGone(BaseException):
    """Nobody waits for the picture any more. No `Exception`: nothing on the way may catch it."""


class EventSender(SilentListener):
    """A listener that tells another process what it hears; ClientGone where that has hung up."""

    def __init__(self, connection: socket.socket, *, preview: bool) -> None:
        self._connection = connection
        self._preview = preview
        self._lock = threading.Lock()  # the sign of life comes from another thread
        self._gone = False

    def send(self, kind: str, data: bytes = b"", **facts: Any) -> None:
        """Tell one thing."""
        try:
            with self._lock:
                send_frame(self._connection, kind, data, **facts)
        except OSError:
            self._gone = True
        if self._gone:
            raise ClientGone

    def show_life(self) -> None:
        """Say that the work goes on."""
        try:
            self.send("alive")
        except ClientGone:
            return

    def check(self) -> None:
        """ClientGone where the other side has hung up."""
        self._connection.setblocking(False)
        try:
            self._gone |= self._connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            pass
        except OSError:
            self._gone = True
        finally:
            self._connection.settimeout(SEND_PATIENCE)
        if self._gone:
            raise ClientGone

    def on_stage(self, text: str) -> None:
        """A new stage begins."""
        self.send("stage", text=text)

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""
        self.check()
        facts = {name: getattr(step, name) for name in STEP_FACTS}
        image = step.preview() if self._preview else None
        if image is None:
            self.send("step", **facts)
        else:
            rgb = image.convert("RGB")
            self.send("step", rgb.tobytes(), preview=rgb.size, **facts)

    def on_progress(self, done: int, of: int) -> None:
        """So many parts of a stage are done."""
        self.check()
        self.send("progress", done=done, of=of)

    def on_note(self, text: str) -> None:
        """Something the user should know."""
        self.send("note", text=text)

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned."""
        self.send("fallback", text=text)


SEND_PATIENCE = 60.0  # seconds for a command that is stopped to take what is sent to it
STEP_FACTS = (
    *("index", "of", "timestep", "sigma", "seed"),
    *("picture_index", "picture_count", "batch"),
)


def send_picture(sender: EventSender, picture: Picture, more: bytes = b"", **facts: Any) -> None:
    """A finished picture and its maps, and what else there is to say of it. Its plan is known on the
    other side."""
    images, data = pack_images([picture.image, *picture.maps])
    sender.send(
        "picture",
        data + more,
        index=picture.index,
        images=images,
        provenance=codec.to_data(picture.provenance),
        **facts,
    )


def read_picture(frame: Frame, plan: Plan) -> Picture:
    """The picture of the plan's run that a message holds."""
    with readable("a picture"):
        index = int(frame.facts["index"])
        image, *maps = read_images(frame)
        provenance = DataReader(Bounds()).read(Provenance, frame.facts["provenance"])
    return Picture(image, nth_picture(plan, index), provenance, index, tuple(maps))


def pack_images(images: Iterable[Image.Image]) -> tuple[list[tuple[Any, ...]], bytes]:
    """The modes and sizes of images, and their pixels one after another."""
    some = list(images)
    facts: list[tuple[Any, ...]] = [(image.mode, *image.size) for image in some]
    return facts, b"".join(image.tobytes() for image in some)


def read_images(frame: Frame) -> list[Image.Image]:
    """The images that a message holds."""
    images: list[Image.Image] = []
    at = 0
    for mode, width, height in frame.facts["images"]:
        known = mode in ("L", "RGB", "RGBA")
        length = width * height * Image.getmodebands(mode) if known else -1
        images.append(Image.frombytes(mode, (width, height), frame.data[at : at + length]))
        at += length
    return images


@contextmanager
def readable(what: str) -> Generator[None]:
    """BadFrame where something in a message cannot be read."""
    try:
        yield
    except (KeyError, TypeError, ValueError, codec.BadData) as error:
        raise BadFrame(f"{what} cannot be read: {error}") from None


def send_error(sender: EventSender, error: SdcliError) -> None:
    """A failure that the user can act on."""
    known = next(kind for kind in type(error).__mro__ if kind.__name__ in ERRORS)
    sender.send("error", error=known.__name__, fact=error.fact, hint=error.hint)


def read_error(frame: Frame) -> SdcliError:
    """The failure that a message tells of, as it was raised there."""
    kind = ERRORS.get(str(frame.facts.get("error")), errors.SdcliError)
    return kind(str(frame.facts.get("fact")), hint=str(frame.facts.get("hint", "")))


def is_event(frame: Frame) -> bool:
    """Whether a message says what happens, rather than what came of it."""
    return frame.kind in _TOLD


def tell(frame: Frame, listener: Listener) -> None:
    """Tell a listener here what a message says."""
    try:
        _TOLD[frame.kind](frame, listener)
    except (KeyError, TypeError, ValueError) as error:
        raise BadFrame(f"a message of the kind `{frame.kind}` lacks something: {error}") from None


def _tell_step(frame: Frame, listener: Listener) -> None:
    def preview() -> Image.Image:
        width, height = frame.facts["preview"]
        return Image.frombytes("RGB", (width, height), frame.data)

    listener.on_step(Step(**{name: frame.facts[name] for name in STEP_FACTS}, preview=preview))


_TOLD: Mapping[str, Callable[[Frame, Listener], None]] = {
    "stage": lambda frame, listener: listener.on_stage(frame.facts["text"]),
    "note": lambda frame, listener: listener.on_note(frame.facts["text"]),
    "fallback": lambda frame, listener: listener.on_fallback(frame.facts["text"]),
    "progress": lambda frame, listener: listener.on_progress(
        frame.facts["done"], frame.facts["of"]
    ),
    "step": _tell_step,
    "alive": lambda frame, listener: None,
}
