"""What a request holds: JSON of bounded size and depth, or the parts of a form."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn, cast

from fastapi import Request as HttpRequest
from starlette.datastructures import UploadFile

from sdcli.options.parse import LONGEST_PROMPT
from sdcli.server.http.failures import HttpFailure

DEEPEST = 32  # objects within objects
MOST_SIGNS = 100_000  # brackets and commas, which make the parts of JSON
MOST_PARTS = 200  # of a form

Form = dict[str, list[str | bytes]]  # by the parts' names: texts, and files as bytes


async def read_json(http: HttpRequest) -> dict[str, Any]:
    """The object that a request holds."""
    if http.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpFailure(
            415,
            "a request is to be JSON",
            hint="send it with the header `Content-Type: application/json`",
        )
    return await asyncio.to_thread(parse_json, await http.body())


def parse_json(body: bytes) -> dict[str, Any]:
    """The object in these bytes. What is no JSON, or unusually much of it, is refused."""
    if sum(body.count(sign) for sign in (b",", b"[", b"{")) > MOST_SIGNS:
        raise _bad("it has more parts than any request needs")
    try:
        data = json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise _bad("it is nested too deeply") from None
    except ValueError as error:
        raise _bad(f"it is no JSON: {str(error)[:120]}") from None
    _check(data, 0)
    if not isinstance(data, dict):
        raise _bad("it is no object")
    return cast("dict[str, Any]", data)


async def read_form(http: HttpRequest) -> Form:
    """The parts of a multipart form."""
    if not http.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HttpFailure(
            415, "pictures are sent as a form", hint="`Content-Type: multipart/form-data`"
        )
    parts: Form = {}
    async with http.form(
        max_files=MOST_PARTS, max_fields=MOST_PARTS, max_part_size=4 * LONGEST_PROMPT
    ) as form:
        for name, value in form.multi_items():
            data = await value.read() if isinstance(value, UploadFile) else value
            _check(name, 0)
            if isinstance(data, str):
                _check(data, 0)
            parts.setdefault(name, []).append(data)
    return parts


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check(data: Any, depth: int) -> None:
    """Refuse depth, and texts that are none: halves of letters, which no file can hold."""
    if depth > DEEPEST:
        raise _bad("it is nested too deeply")
    if isinstance(data, str):
        if not data.isascii():
            _check_letters(data)
    elif isinstance(data, dict):
        for key, value in cast("dict[str, Any]", data).items():
            _check(key, depth + 1)
            _check(value, depth + 1)
    elif isinstance(data, list):
        for value in cast("list[Any]", data):
            _check(value, depth + 1)


def _check_letters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _bad("a text in it holds half a letter") from None


def _bad(why: str) -> HttpFailure:
    return HttpFailure(400, f"the request cannot be read: {why}", hint="send a JSON object")
