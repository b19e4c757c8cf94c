"""OpenAI's routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from sdcli.server.dialects.openai.answers import describe_pictures
from sdcli.server.dialects.openai.fields import Wanted, read_fields
from sdcli.server.dialects.openai.forms import read_edit
from sdcli.server.dialects.openai.stream import stream_pictures
from sdcli.server.http.body import read_form, read_json
from sdcli.server.http.dialect import Service
from sdcli.server.http.failures import HttpFailure, bad_field
from sdcli.server.http.guard import FILES
from sdcli.server.http.job import Order, State
from sdcli.server.http.model_list import list_checkpoints
from sdcli.server.http.read_request import read_order
from sdcli.server.http.uploads import Uploads

T = TypeVar("T")


def make_router(service: Service) -> APIRouter:
    """The routes for pictures and models."""
    router, routes = APIRouter(), _Routes(service)
    router.add_api_route("/v1/images/generations", routes.generate, methods=["POST"])
    router.add_api_route("/v1/images/edits", routes.edit, methods=["POST"])
    router.add_api_route("/v1/images/variations", routes.vary, methods=["POST"])
    router.add_api_route("/v1/models", routes.models, methods=["GET"])
    router.add_api_route("/v1/models/{name:path}", routes.model, methods=["GET"])
    return router


class _Routes:
    def __init__(self, service: Service) -> None:
        self._settings = service.settings
        self._jobs = service.jobs

    async def generate(self, http: HttpRequest) -> Response:
        """Draw from words."""
        fields = await read_json(http)
        for name in ("image", "mask"):
            if name in fields:
                raise bad_field(name, "this draws from words", hint="/v1/images/edits")
        return await self._answer(http, fields, "image_generation", Uploads())

    async def edit(self, http: HttpRequest) -> Response:
        """Draw over a picture: inside its mask, by an instruction, or all of it."""
        form, uploads = await read_form(http), Uploads()
        fields = await _closing(uploads, lambda: read_edit(form, self._settings, uploads))
        return await self._answer(http, fields, "image_edit", uploads)

    async def vary(self, http: HttpRequest) -> Response:
        """Draw a picture again, somewhat otherwise."""
        form, uploads = await read_form(http), Uploads()
        if "mask" in form:
            raise bad_field("mask", "all of the picture is varied", hint="/v1/images/edits")
        fields = await _closing(uploads, lambda: read_edit(form, self._settings, uploads))
        return await self._answer(http, {"prompt": "", **fields}, "image_edit", uploads)

    async def models(self) -> Response:
        """The checkpoints that a request can name."""
        return JSONResponse({"object": "list", "data": await self._list_models()})

    async def model(self, name: str) -> Response:
        """One of the checkpoints that a request can name."""
        found = [one for one in await self._list_models() if one["id"] == name]
        if not found:
            raise HttpFailure(
                404, "there is no model of that name", hint="/v1/models", code="model_not_found"
            )
        return JSONResponse(found[0])

    async def _list_models(self) -> list[dict[str, Any]]:
        found = await asyncio.to_thread(list_checkpoints, self._settings)
        return [
            {"id": one.name, "object": "model", "created": one.changed, "owned_by": "sdcli"}
            for one in found
        ]

    async def _answer(
        self, http: HttpRequest, given: dict[str, Any], event: str, uploads: Uploads
    ) -> Response:
        """Draw what is asked, and hand it over as it is wanted."""

        def read() -> tuple[Order, Wanted]:
            fields, wanted = read_fields(given)
            if "prompt" not in fields:
                raise bad_field("prompt", "it is missing", hint="say what to draw")
            return read_order(fields, self._settings, uploads), wanted

        order, wanted = await _closing(uploads, read)
        job = await self._jobs.submit(order)
        if wanted.stream:
            return stream_pictures(job, wanted, event, lambda: self._jobs.forget(job))
        await self._jobs.wait_for(http, job)
        if job.state == State.CANCELLED:
            self._jobs.forget(job)
            raise HttpFailure(409, "the job was stopped", hint="ask again", code="job_stopped")
        if not wanted.as_url:
            self._jobs.forget(job)
        address = f"{http.url.scheme}://{http.headers['host']}{FILES}"
        return JSONResponse(describe_pictures(job, wanted, address))


async def _closing(uploads: Uploads, act: Callable[[], T]) -> T:
    """What `act` gives, done off the event loop; the uploads go where it fails."""
    try:
        return await asyncio.to_thread(act)
    except BaseException:
        uploads.close()
        raise
