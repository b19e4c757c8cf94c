"""The queue: orders come in up to a bound, are planned, and drawn one after another.

    job = await service.jobs.submit(order)          # QueueFull (503), or what planning refuses
    await service.jobs.wait_for(http_request, job)  # ends the job if the client goes away
    job.pictures

Everything but planning and drawing happens on the event loop, so nothing needs a lock.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi import Request as HttpRequest
from PIL import Image

from sdcli.errors import SdcliError
from sdcli.events import SilentListener
from sdcli.plan import Plan
from sdcli.server.http.failures import HttpFailure, stopping
from sdcli.server.http.hand_over import hand_over
from sdcli.server.http.job import Job, Order, State
from sdcli.server.http.job_listener import JobListener
from sdcli.server.http.planning import plan_order
from sdcli.server.http.settings import KEPT, MOST_FINISHED, MOST_FINISHED_BYTES, ServeSettings
from sdcli.server.http.worker import Stopped, Stopper, Worker

PLANNERS = 2  # threads


class Jobs:
    """Those that wait, the one that is drawn, and those that are finished and still asked for."""

    def __init__(
        self, settings: ServeSettings, note: Callable[[str], object] = lambda line: None
    ) -> None:
        self._settings = settings
        self._note = note  # tells whoever runs the server
        self._worker = Worker()
        self._planning = ThreadPoolExecutor(PLANNERS, "plan")
        self._drawing = ThreadPoolExecutor(1, "draw")
        self._known: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._stopper = Stopper()
        self._arrived = asyncio.Event()
        self._closed = False
        self._average = 5.0  # seconds of a job

    @property
    def running(self) -> Job | None:
        """The job that is drawn."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    async def submit(self, order: Order) -> Job:
        """Take an order into the queue, once it is planned. What is refused leaves nothing behind."""
        job = Job(order, self._position)
        try:
            self._admit(job)
            job.plan = await self._in_planning(lambda: plan_order(order, self._settings))
        except BaseException:
            job.end(State.FAILED)
            self.forget(job)
            raise
        self._arrived.set()
        return job

    async def wait_for(self, http: HttpRequest, job: Job) -> Job:
        """The job when it has ended: what it failed by is raised, and nothing of it kept. A client that
        goes away ends it. One that others have stopped has the pictures that were finished by then."""
        ended = asyncio.ensure_future(job.wait())
        gone = asyncio.ensure_future(_until_gone(http))
        try:
            await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            gone.cancel()
            if not job.state.is_end or job.error is not None:
                self.forget(job)
        if job.error is not None:
            raise job.error
        if not job.state.is_end:
            raise HttpFailure(499, "the client has gone", hint="nobody hears this")
        return job

    def find(self, name: str) -> Job:
        """The job of this name; 404 where there is none, or no more."""
        self._drop_old()
        job = self._known.get(name)
        if job is None:
            raise HttpFailure(
                404, "there is no such job", hint="finished jobs are kept for a while only"
            )
        return job

    def cancel(self, job: Job) -> None:
        """End a job. What is drawn of it is kept."""
        job.stopped = True
        if job is self._running:
            self._stopper.stop()
        elif job in self._waiting:
            self._leave_queue(job)
            job.end(State.CANCELLED)

    def forget(self, job: Job) -> None:
        """Keep nothing of a job, which is ended where it is not."""
        self.cancel(job)
        self._leave_queue(job)
        self._known.pop(job.id, None)

    async def run(self) -> None:
        """Draw job after job, for as long as the server runs."""
        loop = asyncio.get_running_loop()
        while True:
            job = await self._next()
            self._stopper = Stopper()
            job.begin()
            began = time.monotonic()
            await loop.run_in_executor(self._drawing, self._draw, job, self._stopper, loop)
            self._average += (time.monotonic() - began - self._average) / 4
            self._running = None
            self._note_positions()
            self._drop_old()

    def start_worker(self) -> None:
        """Have the process that draws there before the first job."""
        self._drawing.submit(self._start_worker)

    def _start_worker(self) -> None:
        try:
            self._worker.start(SilentListener())
        except SdcliError as error:
            self._note(f"{error.fact}; {error.hint}")

    async def unload(self) -> None:
        """Give back the memory of models, once what is drawn is finished."""
        act = lambda: self._worker.unload(SilentListener())  # noqa: E731
        await asyncio.get_running_loop().run_in_executor(self._drawing, act)

    def enlarge(self, image: Image.Image, file: Path, size: tuple[int, int]) -> Image.Image:
        """A finished picture made larger by an upscaler, between two jobs; not for the event loop,
        for it waits until that is done."""
        work = self._drawing.submit(self._worker.enlarge, image, file, size, SilentListener())
        return work.result()

    async def stop(self) -> None:
        """Take no more jobs, refuse those that wait, and wait until the running one has ended."""
        self._closed = True
        for job in list(self._waiting):
            self._leave_queue(job)
            job.end(State.FAILED, stopping())
        if self._running is not None:
            await self._running.wait()

    def stop_drawing(self) -> None:
        """End the running job, too."""
        if self._running is not None:
            self.cancel(self._running)

    def close(self) -> None:
        """Give back threads and the worker."""
        self._planning.shutdown(wait=False, cancel_futures=True)
        self._drawing.shutdown(wait=True, cancel_futures=True)
        self._worker.close()

    def _admit(self, job: Job) -> None:
        if self._closed:
            raise stopping()
        if len(self._waiting) >= self._settings.queue:
            wait = min(max(1, round(self._average * (len(self._waiting) + 1) / 2)), 300)
            raise HttpFailure(
                503,
                f"{len(self._waiting)} jobs wait already",
                hint=f"ask again in {wait} s",
                code="queue_full",
                retry_after=wait,
            )
        self._known[job.id] = job
        self._waiting.append(job)

    async def _in_planning(self, act: Callable[[], Plan]) -> Plan:
        return await asyncio.get_running_loop().run_in_executor(self._planning, act)

    async def _next(self) -> Job:
        """The first job of the queue that is planned."""
        while True:
            self._arrived.clear()
            for job in self._waiting:
                if job.plan is not None:
                    self._waiting.remove(job)
                    self._running = job
                    self._note_positions()
                    return job
            await self._arrived.wait()

    def _position(self, job: Job) -> int:
        if job not in self._waiting:
            return 0
        return self._waiting.index(job) + (self._running is not None)

    def _leave_queue(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
            self._note_positions()

    def _note_positions(self) -> None:
        for job in self._waiting:
            job.note_change()

    def _drop_old(self) -> None:
        """Keep the finished jobs bounded in age, number and bytes; the youngest stay."""
        finished = [job for job in self._known.values() if job.state.is_end]
        size = 0
        for number, job in enumerate(sorted(finished, key=lambda one: -(one.ended or 0))):
            size += job.size
            too_old = time.time() - (job.ended or 0) > KEPT
            if too_old or number >= MOST_FINISHED or size > MOST_FINISHED_BYTES:
                del self._known[job.id]

    def _draw(self, job: Job, stopper: Stopper, loop: asyncio.AbstractEventLoop) -> None:
        """Draw a job, in the thread for it."""

        def tell(act: Callable[..., None], *words: Any) -> None:
            loop.call_soon_threadsafe(act, *words)

        assert job.plan is not None
        order, listener = job.order, JobListener(job, tell)
        try:
            for picture in self._worker.draw(job.plan, listener, stopper, preview=order.preview):
                tell(job.add, hand_over(picture, order, self._settings))
        except Stopped:
            tell(job.end, State.CANCELLED)
        except SdcliError as error:
            tell(job.end, State.FAILED, error)
        except Exception:  # noqa: BLE001 - a fault of the program must not end the server
            traceback.print_exc()
            fault = SdcliError("drawing failed by a fault of the program", hint="see the log")
            tell(job.end, State.FAILED, fault)
        else:
            tell(job.end, State.DONE)


async def _until_gone(http: HttpRequest) -> None:
    """Until the client has hung up."""
    while (await http.receive())["type"] != "http.disconnect":
        pass
