"""Our own routes: a job in, its events and pictures out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from PIL import Image
from starlette.responses import JSONResponse, Response

from sdcli.server.dialects.jobs.answers import describe_failure, describe_job, describe_picture
from sdcli.server.dialects.jobs.openapi import make_document
from sdcli.server.http.body import read_json
from sdcli.server.http.dialect import Service
from sdcli.server.http.event_stream import event_text, stream_events
from sdcli.server.http.failures import HttpFailure, bad_field
from sdcli.server.http.guard import FILES
from sdcli.server.http.hand_over import encode_preview, media_type
from sdcli.server.http.job import Change, DrawnPicture, Job
from sdcli.server.http.read_request import read_order

PREVIEW_FORMAT = "jpg"


def make_router(service: Service) -> APIRouter:
    """The routes of jobs."""
    router, routes = APIRouter(), _Routes(service)
    router.add_api_route("/openapi.json", routes.document, methods=["GET"])
    router.add_api_route("/v1/jobs", routes.submit, methods=["POST"])
    router.add_api_route("/v1/jobs/{job_id}", routes.look, methods=["GET"])
    router.add_api_route("/v1/jobs/{job_id}", routes.cancel, methods=["DELETE"])
    router.add_api_route("/v1/jobs/{job_id}/events", routes.follow, methods=["GET"])
    router.add_api_route("/v1/jobs/{job_id}/pictures/{index}", routes.picture, methods=["GET"])
    # The same for whoever was given its address: no key is asked for, nobody can guess it.
    router.add_api_route(FILES + "{job_id}/{index}", routes.picture, methods=["GET"])
    return router


class _Routes:
    def __init__(self, service: Service) -> None:
        self._settings = service.settings
        self._jobs = service.jobs

    async def document(self) -> Response:
        """What can be asked, for programs."""
        return JSONResponse(make_document(has_key=self._settings.key is not None))

    async def submit(self, http: HttpRequest) -> Response:
        """Put a job into the queue. With `stream`, its events are the answer, and a client that hangs
        up ends it; else it goes on by itself and can be asked for."""
        fields = await read_json(http)
        stream = fields.pop("stream", False)
        if not isinstance(stream, bool):
            raise bad_field("stream", "it is true or false", hint="write no quotes around it")
        job = await self._jobs.submit(await asyncio.to_thread(read_order, fields, self._settings))
        if stream:
            return stream_events(_events(job), lambda: self._jobs.cancel(job))
        where = f"/v1/jobs/{job.id}"
        return JSONResponse(describe_job(job), 202, headers={"location": where})

    async def look(self, job_id: str) -> Response:
        """A job as it is now."""
        return JSONResponse(describe_job(self._jobs.find(job_id)))

    async def cancel(self, job_id: str) -> Response:
        """End a job; what is drawn of it is kept."""
        job = self._jobs.find(job_id)
        self._jobs.cancel(job)
        return JSONResponse(describe_job(job))

    async def follow(self, job_id: str) -> Response:
        """What happens to a job, from its beginning on."""
        return stream_events(_events(self._jobs.find(job_id)), lambda: None)

    async def picture(self, job_id: str, index: str) -> Response:
        """A finished picture."""
        return picture_answer(find_picture(self._jobs.find(job_id), index))


def find_picture(job: Job, index: str) -> DrawnPicture:
    """A picture of a job by its number."""
    found = next((one for one in job.pictures if str(one.index) == index), None)
    if found is None:
        raise HttpFailure(404, "the job has no such picture", hint="they count from 0")
    return found


def picture_answer(picture: DrawnPicture) -> Response:
    """The file of a picture."""
    return Response(picture.data, media_type=picture.media_type)


async def _events(job: Job) -> AsyncIterator[str]:
    async for change in job.changes():
        if change.kind == "end":
            yield event_text(_ending(job), str(job.state))
        elif change.kind == "picture":
            yield event_text(
                describe_picture(job, job.pictures[int(change.facts["index"])]), "picture"
            )
        else:
            yield event_text(await _with_preview(job, change), change.kind)


def _ending(job: Job) -> dict[str, Any]:
    error = None if job.error is None else describe_failure(job.error)
    return {"id": job.id, "state": str(job.state), "error": error}


async def _with_preview(job: Job, change: Change) -> dict[str, Any]:
    """A change as it is told; a step with what the picture looks like, where that is wanted."""
    if change.kind == "position":
        return {"id": job.id, **change.facts}
    if change.kind != "step" or job.preview is None:
        return change.facts
    return {**change.facts, "preview": await asyncio.to_thread(preview_url, job.preview)}


def preview_url(image: Image.Image) -> str:
    """A picture that is being drawn, as a data URL."""
    text = base64.b64encode(encode_preview(image, PREVIEW_FORMAT)).decode()
    return f"data:{media_type(PREVIEW_FORMAT)};base64,{text}"
