"""Traces and benchmarks that the resident process does, or this one where it is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sdcli.engine import door
from sdcli.events import Listener, Listeners
from sdcli.measures.benchmark import BenchmarkDrawing, BenchmarkLike, ConvergedLatents
from sdcli.metadata.record import plan_to_data
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.server.events import read_picture, readable
from sdcli.server.frames import Frame
from sdcli.server.remote_session import Lost, RemoteSession, guarded
from sdcli.server.study_results import TraceReader, focus_facts, read_drawing, read_limit
from sdcli.server.warm import find_session
from sdcli.server.wish import WarmWish
from sdcli.trace_result import TraceFocus, TraceResult

T = TypeVar("T")


@contextmanager
def open_benchmark(wish: WarmWish, plan: Plan, listener: Listener) -> Generator[BenchmarkLike]:
    """What schedulers are measured on: in the resident process, or in this one."""
    if session := find_session(wish, listener):
        with session:
            yield RemoteBenchmark(session, plan, listener)
        return
    listener.on_stage("loading torch")
    yield door.open_benchmark(plan, listener)


def record_trace(wish: WarmWish, plan: Plan, listener: Listener, focus: TraceFocus) -> TraceResult:
    """What is seen on the way of a plan that the resident process draws, or this one."""
    if session := find_session(wish, listener):
        with session:
            return _trace_there(session, plan, listener, focus)
    listener.on_stage("loading torch")
    return door.record_trace(plan, listener, focus)


def _trace_there(
    session: RemoteSession, plan: Plan, listener: Listener, focus: TraceFocus
) -> TraceResult:
    """What is seen on the way of a plan. Where the process is lost, all of it is done here."""
    picture: Picture | None = None
    reader = TraceReader()
    try:
        for frame in session.answers("trace", plan, listener, **focus_facts(focus)):
            if frame.kind == "picture":
                picture = guarded(lambda frame=frame: read_picture(frame, plan))
                listener.on_picture(picture)
            else:
                guarded(lambda frame=frame: reader.read(frame))
        return reader.result(picture)
    except Lost as why:
        session.lose(why, listener)
    listener.on_stage("loading torch")
    return door.record_trace(plan, _PictureKnown(listener) if picture else listener, focus)


class _PictureKnown(Listeners):
    """Tells everything but the picture, which was told before the process was lost."""

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished."""


class RemoteBenchmark:
    """A benchmark in the resident process. Where that is lost, the rest is measured here."""

    def __init__(self, session: RemoteSession, plan: Plan, listener: Listener) -> None:
        self._session = session
        self._plan = plan
        self._listener = listener
        self._here: BenchmarkLike | None = None

    def find_limit(self, plan: Plan) -> ConvergedLatents:
        """The converged picture of the plan's seed: kept from before, or drawn until it is."""
        return self._ask(
            "limit",
            plan,
            read=lambda frame: read_limit(frame, plan),
            here=lambda benchmark: benchmark.find_limit(plan),
        )

    def evaluations_to_find_limit(self, plan: Plan) -> int:
        """About how often the model must be asked for that; 0 where it was kept."""
        return self._ask(
            "evaluations",
            plan,
            read=lambda frame: int(frame.facts["number"]),
            here=lambda benchmark: benchmark.evaluations_to_find_limit(plan),
        )

    def warm_up(self, plan: Plan, steps: int) -> None:
        """Draw some steps for nothing, so that the first that is measured is not the slowest."""
        self._ask(
            "warm up",
            plan,
            read=lambda frame: None,
            here=lambda benchmark: benchmark.warm_up(plan, steps),
            steps=steps,
        )

    def draw(self, plan: Plan, title: str) -> BenchmarkDrawing:
        """The plan's picture, bit for bit what it is alone."""
        return self._ask(
            "draw",
            plan,
            read=lambda frame: read_drawing(frame, plan),
            here=lambda benchmark: benchmark.draw(plan, title),
            title=title,
        )

    def _ask(
        self,
        question: str,
        plan: Plan,
        *,
        read: Callable[[Frame], T],
        here: Callable[[BenchmarkLike], T],
        **facts: Any,
    ) -> T:
        """The answer of the resident process or, where it is lost, of a benchmark in this one."""
        of = plan_to_data(self._plan)
        answers = self._session.answers(
            "benchmark", plan, self._listener, ask=question, of=of, **facts
        )
        try:
            frames = list(answers)
            return guarded(lambda: _read_one(frames, read))
        except Lost as why:
            self._session.lose(why, self._listener)
        if self._here is None:
            self._listener.on_stage("loading torch")
            self._here = door.open_benchmark(self._plan, self._listener)
        return here(self._here)


def _read_one(frames: Sequence[Frame], read: Callable[[Frame], T]) -> T:
    with readable("an answer"):
        (frame,) = frames
        return read(frame)
