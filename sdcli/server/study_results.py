"""What a study wants of the resident process, and what it is answered: sent there, read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sdcli.measures.benchmark import BenchmarkDrawing, ConvergedLatents, reference_plan
from sdcli.measures.convergence import Reference
from sdcli.measures.measure import Latents
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.server.events import (
    EventSender,
    pack_images,
    read_images,
    read_picture,
    readable,
    send_picture,
)
from sdcli.server.frames import Frame
from sdcli.trace_result import (
    AttendedMap,
    FilmedStep,
    TracedLevels,
    TracedStep,
    TraceFocus,
    TraceResult,
)


def focus_facts(focus: TraceFocus) -> dict[str, Any]:
    """What a trace looks at, as facts of a message."""
    return asdict(focus)


def read_focus(facts: Mapping[str, Any]) -> TraceFocus:
    """What a trace looks at."""
    return TraceFocus(
        tuple(map(int, facts["at"])),
        tuple(map(int, facts["film"])),
        split=bool(facts["split"]),
        attention=bool(facts["attention"]),
    )


def send_trace(sender: EventSender, result: TraceResult) -> None:
    """What was seen, a message a step. The picture was sent when it was drawn."""
    for step in result.film:
        closely = isinstance(step, TracedStep)
        more = (step.noise, *step.wanted) if isinstance(step, TracedStep) else ()
        images, data = pack_images((step.noisy, step.clean, *more))
        sender.send(
            "filmed",
            data,
            step=step.step,
            timestep=step.timestep,
            sigma=step.sigma,
            closely=closely,
            images=images,
        )
    sender.send("levels", **asdict(result.levels))
    for word in result.attended:
        images, data = pack_images([word.map])
        sender.send("attended", data, word=word.word, peak=word.peak, images=images)


class TraceReader:
    """Puts together what was seen, message by message."""

    def __init__(self) -> None:
        self._film: list[FilmedStep] = []
        self._levels = TracedLevels((), (), ())
        self._attended: list[AttendedMap] = []

    def read(self, frame: Frame) -> None:
        """One more message."""
        with readable("a trace"):
            match frame.kind:
                case "filmed":
                    self._film.append(_read_step(frame))
                case "levels":
                    names = ("trained", "timesteps", "sigmas")
                    self._levels = TracedLevels(*(tuple(frame.facts[name]) for name in names))
                case _:
                    (image,) = read_images(frame)
                    word, peak = str(frame.facts["word"]), float(frame.facts["peak"])
                    self._attended.append(AttendedMap(word, image, peak))

    def result(self, picture: Picture | None) -> TraceResult:
        """All of it, with the picture that was drawn."""
        return TraceResult(picture, tuple(self._film), self._levels, tuple(self._attended))


def _read_step(frame: Frame) -> FilmedStep:
    noisy, clean, *more = read_images(frame)
    facts = frame.facts
    filmed = facts["step"], facts["timestep"], facts["sigma"], noisy, clean
    if not facts["closely"]:
        return FilmedStep(*filmed)
    noise, *wanted = more
    return TracedStep(*filmed, noise, tuple(wanted))


def send_limit(sender: EventSender, limit: ConvergedLatents) -> None:
    """A converged picture."""
    images, data = pack_images([limit.image])
    sender.send(
        "limit",
        data + limit.latents.tobytes(),
        images=images,
        shape=limit.latents.shape,
        about=asdict(limit.about),
    )


def read_limit(frame: Frame, plan: Plan) -> ConvergedLatents:
    """The converged picture of the plan's seed that a message holds."""
    with readable("a converged picture"):
        (image,) = read_images(frame)
        about = Reference(**frame.facts["about"])
        latents = _read_latents(frame)
    return ConvergedLatents(
        latents, image, reference_plan(plan, about.scheduler, about.steps), about
    )


def send_drawing(sender: EventSender, drawing: BenchmarkDrawing) -> None:
    """A picture that was measured, and its latents."""
    send_picture(
        sender,
        drawing.picture,
        drawing.latents.tobytes(),
        shape=drawing.latents.shape,
        evaluations=drawing.evaluations,
        denoising=drawing.denoising,
        rest=drawing.rest,
    )


def read_drawing(frame: Frame, plan: Plan) -> BenchmarkDrawing:
    """The measured picture of a plan that a message holds."""
    with readable("a measured picture"):
        return BenchmarkDrawing(
            read_picture(frame, plan),
            _read_latents(frame),
            frame.facts["evaluations"],
            frame.facts["denoising"],
            frame.facts["rest"],
        )


def _read_latents(frame: Frame) -> Latents:
    """The latents at the end of a message's bytes."""
    shape = tuple(frame.facts["shape"])
    length = int(np.prod(shape)) * np.dtype(np.float32).itemsize
    return np.frombuffer(frame.data[-length:], np.float32).reshape(shape).copy()
