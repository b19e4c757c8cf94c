"""Server-sent events: what happens, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import StreamingResponse

BREATH = 10.0  # seconds without news after which a sign of life is sent


def event_text(facts: Mapping[str, Any], kind: str = "") -> str:
    """One event."""
    head = f"event: {kind}\n" if kind else ""
    return f"{head}data: {json.dumps(facts, separators=(',', ':'))}\n\n"


def stream_events(events: AsyncIterator[str], at_end: Callable[[], object]) -> StreamingResponse:
    """An answer that goes on for as long as there are events; `at_end` is called when it is over, by
    itself or because the client hung up."""
    return StreamingResponse(
        _with_breath(events, at_end),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def _with_breath(
    events: AsyncIterator[str], at_end: Callable[[], object]
) -> AsyncGenerator[str]:
    following: asyncio.Future[str] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((following,), timeout=BREATH)
            if not done:
                yield ": still here\n\n"
                continue
            try:
                text = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield text
    finally:
        if following is not None:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await following
        at_end()
