"""The application: guard, dialects, and the queue that they share.

A dialect is a package under `sdcli/server/dialects` with a `DIALECT`, and a line in `DIALECTS` here. Its
router has `async def` functions that

1. read what came: `fields = await read_json(http)` (or `read_form`), JSON of bounded size and depth;
2. turn it into the names of the options table and those into an order, off the event loop:
   `order = await asyncio.to_thread(read_order, {"prompt": ..., "steps": ...}, service.settings)`
   (pictures as base64 text, files of models by name; `uploads=` for pictures that are bytes already);
3. put it into the queue: `job = await service.jobs.submit(order)`, which is a 503 where that is full;
4. await it: `await service.jobs.wait_for(http, job)` ends the job if the client hangs up and raises what it
   failed by; or follow `job.changes()`; `job.progress`, `job.preview`, `job.position`, `job.pictures`;
5. turn `job.pictures` into JSON (each is a file in `data`, with its `plan`, `seed` and `media_type`), and
   `service.jobs.forget(job)`. Jobs that are not forgotten can be asked for at `/v1/jobs/ID` for an hour.

Whatever is raised as an `SdcliError` is answered by the dialect's `answer_failure`; `HttpFailure` carries a
status and the field it is about. No path that a client names may be opened: names go through `read_order`,
pictures through `Uploads`. Nothing here may block the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncGenerator

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.server.dialects.a1111 import DIALECT as A1111
from sdcli.server.dialects.jobs import DIALECT as JOBS
from sdcli.server.dialects.openai import DIALECT as OPENAI
from sdcli.server.http.dialect import Service
from sdcli.server.http.failures import HttpFailure
from sdcli.server.http.guard import Guard
from sdcli.server.http.jobs import Jobs
from sdcli.server.http.settings import ServeSettings
from sdcli.server.page import DIALECT as PAGE

DIALECTS = (PAGE, OPENAI, A1111, JOBS)  # the last one answers for every path that is nobody's


def make_app(settings: ServeSettings, jobs: Jobs) -> ASGIApp:
    """Everything that is served, behind its guard."""
    service = Service(settings, jobs)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        jobs.start_worker()
        drawing = asyncio.create_task(jobs.run())
        try:
            yield
        finally:
            drawing.cancel()

    app = FastAPI(
        title="sdcli",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,  # it is made from the table, by the jobs' dialect
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    for dialect in DIALECTS:
        app.include_router(dialect.make_router(service))
    app.add_exception_handler(SdcliError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_error)
    return Guard(_Faults(app), settings, answer_failure)


def answer_failure(path: str, failure: SdcliError) -> Response:
    """A failure in the words of the dialect that the path belongs to."""
    found = next((one for one in DIALECTS if path.startswith(one.prefixes)), DIALECTS[-1])
    return found.answer_failure(failure)


async def _answer_error(http: HttpRequest, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = _as_failure(error)
    assert isinstance(error, SdcliError)
    return answer_failure(http.url.path, error)


def _as_failure(error: HTTPException) -> HttpFailure:
    """What the framework itself refuses, in our words."""
    facts = {404: "there is nothing here", 405: "that is not done here"}
    fact = facts.get(error.status_code, str(error.detail)[:200])
    return HttpFailure(error.status_code, fact, hint="see /openapi.json")


class _Faults:
    """Answers what is a fault of the program, and shows it to whoever runs the server alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:  # while it was still sending
            return
        except Exception:  # noqa: BLE001 - one request must not end the server
            traceback.print_exc()
            if not begun and scope["type"] == "http":
                fault = SdcliError("this failed by a fault of the program", hint="see its log")
                await answer_failure(scope["path"], fault)(scope, receive, send)
