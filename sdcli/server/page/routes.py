"""What the page asks for: itself, its form, the pictures of the folder, and those drawn again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from PIL import Image
from starlette.responses import FileResponse, JSONResponse, Response

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.table import FORMAT_BY_ENDING
from sdcli.library.find import list_models
from sdcli.library.listed_only import listed_only
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.server.dialects.jobs.answers import describe_job
from sdcli.server.http.body import read_json
from sdcli.server.http.dialect import Service
from sdcli.server.http.failures import HttpFailure, bad_field
from sdcli.server.http.job import Order
from sdcli.server.http.read_request import read_changes
from sdcli.server.http.recall_plan import recall_plan
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads
from sdcli.server.page.form import describe_form
from sdcli.server.pictures import (
    ListedPicture,
    PictureFolders,
    make_thumbnail,
    output_folder,
    page_of,
)
from sdcli.show.picture import picture_facts

PAGE = {"/": ("page.html", "text/html"), "/page.css": ("page.css", "text/css"),
        "/page.js": ("page.js", "text/javascript")}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MOST_AT_ONCE = 60  # pictures of one listing
THUMBNAILS_AT_ONCE = 2  # that are made: what is drawn goes first


def make_router(service: Service) -> APIRouter:
    """The routes of the page."""
    router, routes = APIRouter(), _Routes(service)
    for path in PAGE:
        router.add_api_route(path, routes.page, methods=["GET"])
    router.add_api_route("/v1/form", routes.form, methods=["GET"])
    router.add_api_route("/v1/pictures", routes.pictures, methods=["GET"])
    router.add_api_route("/v1/pictures/{name}", routes.picture, methods=["GET"])
    router.add_api_route("/v1/pictures/{name}/thumbnail", routes.thumbnail, methods=["GET"])
    router.add_api_route("/v1/pictures/{name}/facts", routes.facts, methods=["GET"])
    router.add_api_route("/v1/pictures/{name}/jobs", routes.draw_again, methods=["POST"])
    return router


class _Routes:
    def __init__(self, service: Service) -> None:
        self._settings = service.settings
        self._jobs = service.jobs
        self._folders = PictureFolders((output_folder(service.settings.out),))
        self._thumbnails = asyncio.Semaphore(THUMBNAILS_AT_ONCE)

    async def page(self, http: HttpRequest) -> Response:
        """A file of the page itself."""
        name, kind = PAGE[http.url.path]
        text = files("sdcli.server.page").joinpath(name).read_bytes()
        return Response(text, media_type=kind, headers={"content-security-policy": POLICY})

    async def form(self, model: str | None = None) -> Response:
        """What can be asked for, with the usual values of a model."""
        return JSONResponse(await asyncio.to_thread(describe_form, self._settings, model))

    async def pictures(self, after: str | None = None, most: int = 24) -> Response:
        """The pictures of the folder, the newest first, or those after one of them."""
        every = await asyncio.to_thread(self._folders.listed)
        some = page_of(every, after, max(1, min(most, MOST_AT_ONCE)))
        more = bool(some) and some[-1] is not every[-1]
        return JSONResponse({"pictures": [_describe(one) for one in some], "more": more})

    async def picture(self, name: str) -> Response:
        """The file of a picture."""
        path = self._find(name)
        return FileResponse(
            path, media_type=Image.MIME[FORMAT_BY_ENDING[path.suffix.lower()].pillow]
        )

    async def thumbnail(self, name: str) -> Response:
        """A small JPEG of it."""
        path = self._find(name)
        async with self._thumbnails:
            data = await asyncio.to_thread(_thumbnail, path, path.stat().st_mtime_ns)
        return Response(data, media_type="image/jpeg")

    async def facts(self, name: str) -> Response:
        """What it carries."""
        return JSONResponse(
            await asyncio.to_thread(_describe_facts, self._find(name), self._settings)
        )

    async def draw_again(self, name: str, http: HttpRequest) -> Response:
        """Put the picture into the queue once more: with another seed where it is to `vary`, and with
        whatever else is said changed."""
        fields = await read_json(http)
        order = await asyncio.to_thread(_read_again, self._find(name), fields, self._settings)
        return JSONResponse(describe_job(await self._jobs.submit(order)), 202)

    def _find(self, name: str) -> Path:
        try:
            return self._folders.find(name)
        except BadRequest as error:
            raise HttpFailure(404, error.fact, hint=error.hint) from None


@lru_cache(maxsize=500)
def _thumbnail(path: Path, changed: int) -> bytes:
    """The thumbnail of a file as it was when it was changed last."""
    return make_thumbnail(path)


def _refused(error: SdcliError) -> SdcliError:
    """A picture that cannot be drawn again because a file of it is gone is no fault of the server."""
    if isinstance(error, BadRequest | HttpFailure):
        return error
    return HttpFailure(409, error.fact, hint=error.hint)


def _describe(picture: ListedPicture) -> dict[str, Any]:
    return {"name": picture.name, "changed": picture.changed, "bytes": picture.size}


def _describe_facts(path: Path, settings: ServeSettings) -> dict[str, Any]:
    """What a picture carries, models by the names that a request can say."""
    with listed_only(settings.more_models):
        facts = picture_facts(path)
        names = {place.name: name for name, place in list_models()}  # a short name, where it is one
        names |= {str(place): name for name, place in list_models()}
    return {
        "title": facts.title,
        "pixels": facts.pixels,
        "prompt": facts.prompt,
        "negative": facts.negative,
        "settings": {name: _named(value, names) for name, value in facts.settings.items()},
        "command": facts.command,
    }


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """The value with the name of a file in place of its path, whatever weight stands behind it."""
    if isinstance(value, list | tuple):
        return [_named(one, names) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, str):
        return value
    path = next((path for path in names if value == path or value.startswith(f"{path}:")), None)
    return value if path is None else names[path] + value[len(path) :]


def _read_again(path: Path, fields: dict[str, Any], settings: ServeSettings) -> Order:
    own = {name: fields.pop(name, False) for name in ("vary", "preview", "save")}
    for name, value in own.items():
        if not isinstance(value, bool):
            raise bad_field(name, "it is true or false", hint="write no quotes around it")
    uploads = Uploads()
    try:
        changes = read_changes(fields, settings, uploads)
        plan = recall_plan(path, changes, settings, same=not own["vary"])
    except SdcliError as error:
        uploads.close()
        raise _refused(error) from None
    except BaseException:
        uploads.close()
        raise
    request = plan_to_request(plan)
    return Order(request, uploads, preview=own["preview"], save=own["save"])
