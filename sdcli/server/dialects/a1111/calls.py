"""The requests that are being answered: which job is whose, interrupted or skipped by whom.

That program knows one job at a time, its own; here several clients wait beside each other, and other
dialects' jobs beside theirs. What a client says without naming its task is meant for the call that is
drawn, else for the first that waits.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace

from fastapi import Request as HttpRequest

from sdcli.plan import Plan, pictures_from
from sdcli.server.dialects.a1111.asked import Asked
from sdcli.server.http.job import DrawnPicture, Job, Order, State
from sdcli.server.http.jobs import Jobs
from sdcli.server.http.uploads import Uploads

MOST_ENDED = 1_000  # tasks that are remembered to have ended


@dataclass
class Call:
    """One request while it is answered."""

    asked: Asked
    task: str
    began: float = field(default_factory=time.time)
    job: Job | None = None  # until it is in the queue
    plan: Plan | None = None  # of all its pictures
    pictures: list[DrawnPicture] = field(default_factory=list[DrawnPicture])
    skipping: bool = False
    interrupted: bool = False

    @property
    def batches(self) -> int:
        """How many times several pictures are drawn together: what that program counts as jobs."""
        return self.asked.values["n_iter"]

    @property
    def is_drawn(self) -> bool:
        """Whether it is being drawn now."""
        return self.job is not None and self.job.state == State.RUNNING


class Calls:
    """Those that are being answered, in the order in which they came."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._active: list[Call] = []
        self._ended: deque[str] = deque(maxlen=MOST_ENDED)

    async def draw(self, http: HttpRequest, asked: Asked) -> Call:
        """Draw what is asked for: all of it, or what there was when the client interrupted it."""
        call = Call(asked, asked.values["force_task_id"])
        self._active.append(call)
        try:
            await self._draw_batches(http, call, asked.order)
        finally:
            self._active.remove(call)
            if call.task:
                self._ended.append(call.task)
        return call

    async def _draw_batches(self, http: HttpRequest, call: Call, order: Order) -> None:
        """Draw an order; where a batch is skipped, go on behind it."""
        while not call.interrupted:
            # A job removes its uploads when it ends, and the next may need them: they are ours.
            call.job = job = await self._jobs.submit(replace(order, uploads=Uploads()))
            call.plan, call.skipping = call.plan or job.plan, False
            if call.interrupted:  # while it was planned
                self._jobs.cancel(job)
            try:
                await self._jobs.wait_for(http, job)
            finally:
                call.pictures += job.pictures
                self._jobs.forget(job)
            rest = _rest_behind_skipped(order, job) if call.skipping else None
            if rest is None:
                return
            order = rest

    def current(self, task: str = "") -> Call | None:
        """The call of a task; with none named the one that is drawn, else the first that waits."""
        if task:
            return next((call for call in self._active if call.task == task), None)
        drawn = [call for call in self._active if call.is_drawn]
        return next(iter(drawn or self._active), None)

    def has_ended(self, task: str) -> bool:
        """Whether there was such a task, and it is over."""
        return task in self._ended

    def interrupt(self, task: str = "") -> None:
        """End a call: it is answered with what there is."""
        if call := self.current(task):
            call.interrupted = True
            self._stop(call)

    def skip(self, task: str = "") -> None:
        """End what is drawn of a call now, and go on with what comes behind it."""
        if call := self.current(task):
            call.skipping = True
            self._stop(call)

    def _stop(self, call: Call) -> None:
        if call.job is not None:
            self._jobs.cancel(call.job)


def _rest_behind_skipped(order: Order, job: Job) -> Order | None:
    """What is left of an order once the batch that was begun is left out."""
    assert job.plan is not None
    plan, begun = job.plan, len(job.pictures) - len(job.pictures) % job.plan.batch
    left = plan.count - begun - plan.batch
    if left <= 0 or job.state == State.DONE:
        return None
    rest = pictures_from(plan, begun + plan.batch, left)
    request = replace(order.request, seed=rest.seed, count=left)
    if rest.variation_strength:  # whose noise is mixed in is said only where some is
        request = replace(request, variation_seed=rest.variation_seed)
    return replace(order, request=request)
