"""That program's routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from sdcli.server.dialects.a1111 import lists
from sdcli.server.dialects.a1111.answer import describe_pictures
from sdcli.server.dialects.a1111.asked import Asked, read_txt2img
from sdcli.server.dialects.a1111.calls import Calls
from sdcli.server.dialects.a1111.extras import enlarge_one, enlarge_several, read_png_info
from sdcli.server.dialects.a1111.img2img import read_img2img
from sdcli.server.dialects.a1111.machine import describe_flags, describe_memory
from sdcli.server.dialects.a1111.progress import describe_progress, describe_task
from sdcli.server.dialects.a1111.settings import Settings
from sdcli.server.dialects.a1111.shelf import Item, Shelf
from sdcli.server.http.body import read_json
from sdcli.server.http.dialect import Service
from sdcli.server.http.failures import HttpFailure
from sdcli.server.http.uploads import Uploads

PREFIX = "/sdapi/v1"
Read = Callable[[Mapping[str, Any], Uploads], Any]

# What that program has and there is nothing of here.
EMPTY_LISTS = (
    *("hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "extensions"),
    "script-info",
)


def make_router(service: Service) -> APIRouter:
    """Its routes."""
    router, routes = APIRouter(), _Routes(service)
    for path, act in routes.posts().items():
        router.add_api_route(PREFIX + path, act, methods=["POST"])
    for path, act in routes.gets().items():
        router.add_api_route(PREFIX + path, act, methods=["GET"])
    # Clients look by GET whether it is there.
    router.add_api_route(PREFIX + "/interrogate", routes.interrogate, methods=["GET", "POST"])
    router.add_api_route("/internal/progress", routes.task, methods=["POST"])
    router.add_api_route("/internal/ping", routes.nothing, methods=["GET"])
    return router


class _Routes:
    def __init__(self, service: Service) -> None:
        self._shelf = Shelf(service.settings)
        self._settings = Settings()
        self._jobs = service.jobs
        self._calls = Calls(service.jobs)

    def posts(self) -> dict[str, Callable[..., Any]]:
        """What is sent here."""
        return {
            "/txt2img": self.txt2img,
            "/img2img": self.img2img,
            "/options": self.change_settings,
            "/interrupt": self.interrupt,
            "/skip": self.skip,
            "/png-info": self.png_info,
            "/extra-single-image": self.enlarge_one,
            "/extra-batch-images": self.enlarge_several,
            # Files are looked for anew by every request.
            **dict.fromkeys(("/refresh-checkpoints", "/refresh-vae", "/refresh-loras"), self.null),
            "/unload-checkpoint": self.unload,
            "/reload-checkpoint": self.nothing,  # by the next picture
        }

    def gets(self) -> dict[str, Callable[..., Any]]:
        """What can be looked at."""
        return {
            "/progress": self.progress,
            "/options": self.settings,
            "/samplers": _listing(lists.samplers),
            "/schedulers": _listing(lists.schedulers),
            "/upscalers": _listing(lambda: lists.upscalers(self._shelf)),
            "/latent-upscale-modes": _listing(lists.latent_upscale_modes),
            "/sd-models": _listing(self._models),
            "/sd-vae": _listing(lambda: lists.vaes(self._shelf)),
            "/loras": _listing(lambda: lists.loras(self._shelf)),
            "/embeddings": _listing(lambda: lists.embeddings(self._shelf, self._model())),
            "/scripts": _listing(lambda: {"txt2img": [], "img2img": []}),
            "/memory": _listing(describe_memory),
            "/cmd-flags": _listing(describe_flags),
            **{f"/{name}": _listing(list) for name in EMPTY_LISTS},
        }

    def _models(self) -> list[dict[str, Any]]:
        self._settings.hashed_model(self._shelf)
        return lists.models(self._shelf)

    def _model(self) -> Item:
        return self._settings.model(self._shelf)

    async def txt2img(self, http: HttpRequest) -> Response:
        """Draw from words."""
        return await self._draw(
            http, lambda body, _: read_txt2img(body, self._settings, self._shelf)
        )

    async def img2img(self, http: HttpRequest) -> Response:
        """Draw from a picture."""
        return await self._draw(
            http, lambda body, uploads: read_img2img(body, self._settings, self._shelf, uploads)
        )

    async def _draw(
        self, http: HttpRequest, read: Callable[[Mapping[str, Any], Uploads], Asked]
    ) -> Response:
        uploads = Uploads()
        try:
            asked = await asyncio.to_thread(read, await read_json(http), uploads)
            call = await self._calls.draw(http, asked)
        finally:
            uploads.close()
        if asked.keeps_settings:
            self._settings = asked.settings
        return JSONResponse(await asyncio.to_thread(describe_pictures, call))

    async def settings(self) -> Response:
        """All settings."""
        return JSONResponse(await asyncio.to_thread(self._settings.listed, self._shelf))

    async def change_settings(self, http: HttpRequest) -> Response:
        """Change settings for all requests to come."""
        asked = await read_json(http)
        self._settings = await asyncio.to_thread(self._settings.changed, asked, self._shelf)
        return JSONResponse(None)

    async def progress(
        self, skip_current_image: bool = False, id_task: str = "", force_task_id: str = ""
    ) -> Response:
        """How far a call is: that of a task, else the one that is drawn."""
        call = self._calls.current(id_task or force_task_id)
        return JSONResponse(
            await asyncio.to_thread(describe_progress, call, with_image=not skip_current_image)
        )

    async def task(self, http: HttpRequest) -> Response:
        """How far a task is, as that program's own page asks."""
        body = await read_json(http)
        name, seen = str(body.get("id_task") or ""), body.get("id_live_preview")
        described = await asyncio.to_thread(
            describe_task,
            self._calls.current(name) if name else None,
            ended=self._calls.has_ended(name),
            seen=seen if isinstance(seen, int) else -1,
            with_image=body.get("live_preview", True) is not False,
        )
        return JSONResponse(described)

    async def interrupt(self, force_task_id: str = "") -> Response:
        """End a call, which is answered with what it has."""
        self._calls.interrupt(force_task_id)
        return JSONResponse({})

    async def skip(self, force_task_id: str = "") -> Response:
        """End the batch that is drawn, and go on with the next."""
        self._calls.skip(force_task_id)
        return JSONResponse(None)

    async def png_info(self, http: HttpRequest) -> Response:
        """What a picture carries."""
        return await self._work(http, read_png_info)

    async def enlarge_one(self, http: HttpRequest) -> Response:
        """A picture, larger."""
        return await self._work(
            http, lambda body, uploads: enlarge_one(body, uploads, self._shelf, self._jobs.enlarge)
        )

    async def enlarge_several(self, http: HttpRequest) -> Response:
        """Pictures, larger."""
        return await self._work(
            http,
            lambda body, uploads: enlarge_several(body, uploads, self._shelf, self._jobs.enlarge),
        )

    async def _work(self, http: HttpRequest, act: Read) -> Response:
        uploads = Uploads()
        try:
            return JSONResponse(await asyncio.to_thread(act, await read_json(http), uploads))
        finally:
            uploads.close()

    async def interrogate(self) -> Response:
        """What a picture shows, in words: nothing here knows."""
        raise HttpFailure(
            404, "pictures are not described here", hint="`png-info` reads their text"
        )

    async def unload(self) -> Response:
        """Give back the memory that models take."""
        await self._jobs.unload()
        return JSONResponse({})

    async def null(self) -> Response:
        """Nothing is to be done."""
        return JSONResponse(None)

    async def nothing(self) -> Response:
        """Nothing is to be done."""
        return JSONResponse({})


def _listing(make: Callable[[], Any]) -> Callable[[], Any]:
    async def listing() -> Response:
        return JSONResponse(await asyncio.to_thread(make))

    return listing
