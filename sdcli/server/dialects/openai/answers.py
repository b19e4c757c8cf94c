"""Pictures and failures as OpenAI's clients read them."""

from __future__ import annotations

import base64
import time
from typing import Any

from starlette.responses import JSONResponse, Response

from sdcli.errors import SdcliError
from sdcli.hires import drawn_size
from sdcli.server.dialects.openai.fields import Wanted
from sdcli.server.http.failures import HttpFailure, failure_headers, message_of, status_of
from sdcli.server.http.job import DrawnPicture, Job

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}


def answer_failure(error: SdcliError) -> Response:
    """A failure as an answer."""
    return JSONResponse(
        {"error": describe_failure(error)}, status_of(error), headers=failure_headers(error)
    )


def describe_failure(error: SdcliError) -> dict[str, Any]:
    """A failure in the four words that clients look for."""
    status = status_of(error)
    http = error if isinstance(error, HttpFailure) else None
    usual = "invalid_request_error" if status < 500 else "server_error"
    return {
        "message": message_of(error),
        "type": _TYPES.get(status, usual),
        "param": http.field if http else None,
        "code": http.code if http else None,
    }


def describe_pictures(job: Job, wanted: Wanted, address: str) -> dict[str, Any]:
    """All pictures of a job; `address` is where they are to be had, for whoever wants addresses."""
    return {
        "created": int(time.time()),
        "data": [
            {**_content(job, picture, wanted, address), "seed": picture.seed}
            for picture in job.pictures
        ],
        **describe_kind(job, wanted),
    }


def describe_kind(job: Job, wanted: Wanted) -> dict[str, Any]:
    """What is the same of all pictures of a job."""
    assert job.plan is not None
    return {
        "background": "opaque",
        "output_format": wanted.output_format,
        "quality": wanted.quality,
        "size": "{}x{}".format(*drawn_size(job.plan)),
    }


def _content(job: Job, picture: DrawnPicture, wanted: Wanted, address: str) -> dict[str, str]:
    if wanted.as_url:
        return {"url": f"{address}{job.id}/{picture.index}"}
    return {"b64_json": base64.b64encode(picture.data).decode()}
