"""What the resident process does for a command: kinds of jobs, each with the messages it answers in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli.engine import door
from sdcli.events import Listeners, SilentListener
from sdcli.metadata.record import read_plan
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.server.events import EventSender, pack_images, read_images, readable, send_picture
from sdcli.server.frames import Frame
from sdcli.server.study_results import read_focus, send_drawing, send_limit, send_trace

if TYPE_CHECKING:
    from sdcli.engine.session import Session

Facts = Mapping[str, Any]


def enlarge_picture(session: Session, facts: Facts, data: bytes, sender: EventSender) -> None:
    """Make a finished picture larger, and send it back."""
    with readable("a picture to be enlarged"):
        (image,) = read_images(Frame(dict(facts), data))
        file, (width, height) = Path(facts["upscaler"]), facts["size"]
    images, pixels = pack_images([session.enlarge(image, file, (width, height), sender)])
    sender.send("enlarged", pixels, images=images)


def do_job(session: Session, plan: Plan, facts: Facts, sender: EventSender) -> Iterator[Picture]:
    """Do what was asked and send what comes of it; yields each picture when it is sent."""
    return JOBS[str(facts["is"])](session, plan, facts, sender)


def _draw(session: Session, plan: Plan, facts: Facts, sender: EventSender) -> Iterator[Picture]:
    for picture in session.run(plan, sender):
        send_picture(sender, picture)
        yield picture


def _trace(session: Session, plan: Plan, facts: Facts, sender: EventSender) -> Iterator[Picture]:
    listener = Listeners(sender, _PictureSender(sender))
    result = door.record_trace(plan, listener, read_focus(facts), session)
    send_trace(sender, result)
    if result.picture is not None:
        yield result.picture


class _PictureSender(SilentListener):
    """Sends a picture as soon as it is drawn: the command saves it while its steps are decoded."""

    def __init__(self, sender: EventSender) -> None:
        self._sender = sender

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished."""
        send_picture(self._sender, picture)


def _benchmark(
    session: Session, plan: Plan, facts: Facts, sender: EventSender
) -> Iterator[Picture]:
    """One question to a benchmark of the plan `of`. It finds its model in memory, and reads its
    prompt again: others may have drawn between two questions."""
    benchmark = door.open_benchmark(read_plan(facts["of"]), sender, session)
    match str(facts["ask"]):
        case "evaluations":
            sender.send("evaluations", number=benchmark.evaluations_to_find_limit(plan))
        case "limit":
            send_limit(sender, benchmark.find_limit(plan))
        case "warm up":
            benchmark.warm_up(plan, int(facts["steps"]))
            sender.send("warm")
        case _:
            drawing = benchmark.draw(plan, str(facts["title"]))
            send_drawing(sender, drawing)
            yield drawing.picture


JOBS: Mapping[str, Callable[[Session, Plan, Facts, EventSender], Iterator[Picture]]] = {
    "draw": _draw,
    "trace": _trace,
    "benchmark": _benchmark,
}
