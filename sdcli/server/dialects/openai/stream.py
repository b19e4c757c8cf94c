"""Pictures as they come about: a few unfinished ones, then each that is complete."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import Response

from sdcli.server.dialects.openai.answers import describe_failure, describe_kind
from sdcli.server.dialects.openai.fields import FORMATS, Wanted
from sdcli.server.http.event_stream import event_text, stream_events
from sdcli.server.http.hand_over import encode_preview
from sdcli.server.http.job import Job


def stream_pictures(job: Job, wanted: Wanted, event: str, at_end: Callable[[], object]) -> Response:
    """The answer that a client of OpenAI's streams reads."""
    return stream_events(_events(job, wanted, event), at_end)


async def _events(job: Job, wanted: Wanted, event: str) -> AsyncIterator[str]:
    partial = _Partial(wanted.partial_images)
    async for change in job.changes():
        if change.kind == "step" and job.preview is not None and partial.is_due(job):
            kind = f"{event}.partial_image"
            data = await asyncio.to_thread(
                encode_preview, job.preview, FORMATS[wanted.output_format]
            )
            facts = _facts(job, wanted, kind, data)
            yield event_text({**facts, "partial_image_index": partial.sent - 1}, kind)
        elif change.kind == "picture":
            kind = f"{event}.completed"
            picture = job.pictures[int(change.facts["index"])]
            facts = _facts(job, wanted, kind, picture.data)
            yield event_text({**facts, "seed": picture.seed}, kind)
        elif change.kind == "end" and job.error is not None:
            yield event_text({"error": describe_failure(job.error)}, "error")
        elif change.kind == "end":
            yield "data: [DONE]\n\n"


class _Partial:
    """When the next unfinished picture is due: so many, evenly over a picture's steps."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._picture: int = 0
        self.sent: int = 0

    def is_due(self, job: Job) -> bool:
        """Whether to send one now; it then counts as sent."""
        progress = job.progress
        if progress.picture != self._picture:
            self._picture, self.sent = progress.picture, 0
        share = progress.step / max(progress.steps, 1)
        due = self.sent < self._wanted and share >= (self.sent + 1) / (self._wanted + 1)
        self.sent += due
        return due


def _facts(job: Job, wanted: Wanted, kind: str, data: bytes) -> dict[str, Any]:
    return {
        "type": kind,
        "b64_json": base64.b64encode(data).decode(),
        "created_at": int(time.time()),
        **describe_kind(job, wanted),
    }
