"""From the thread that draws to the event loop, where jobs live."""

from __future__ import annotations

from collections.abc import Callable

from sdcli.events import SilentListener, Step
from sdcli.server.http.job import Job


class JobListener(SilentListener):
    """Tells a job, which lives on the event loop, what happens in the thread that draws it."""

    def __init__(self, job: Job, tell: Callable[..., None]) -> None:
        self._job = job
        self._tell = tell

    def on_stage(self, text: str) -> None:
        """A new stage begins."""
        self._tell(self._job.hear, "stage", text)

    def on_note(self, text: str) -> None:
        """Something the user should know."""
        self._tell(self._job.hear, "note", text)

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned."""
        self._tell(self._job.hear, "note", text)

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""
        self._tell(self._job.hear_step, step, step.preview() if self._job.order.preview else None)
