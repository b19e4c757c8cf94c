"""What is said of a job, a picture and a failure."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from sdcli.errors import SdcliError
from sdcli.metadata.record import plan_to_data, portable_plan
from sdcli.server.http.failures import HttpFailure, failure_headers, message_of, status_of
from sdcli.server.http.job import DrawnPicture, Job


def describe_job(job: Job) -> dict[str, Any]:
    """A job as it is now."""
    return {
        "id": job.id,
        "state": str(job.state),
        "position": job.position,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "progress": vars(job.progress),
        "eta": job.eta,
        "notes": [one.facts["text"] for one in job.remarks if one.kind == "note"],
        "plan": None if job.plan is None else plan_to_data(portable_plan(job.plan)),
        "pictures": [describe_picture(job, picture) for picture in job.pictures],
        "error": None if job.error is None else describe_failure(job.error),
    }


def describe_picture(job: Job, picture: DrawnPicture) -> dict[str, Any]:
    """A finished picture, and where its file is to be had."""
    return {
        "index": picture.index,
        "seed": picture.seed,
        "url": f"/v1/jobs/{job.id}/pictures/{picture.index}",
        "media_type": picture.media_type,
        "bytes": len(picture.data),
        "seconds": picture.provenance.seconds,
        "saved_as": picture.saved_as,
    }


def describe_failure(error: SdcliError) -> dict[str, Any]:
    """The fact, the hint and what of the request it is about."""
    http = error if isinstance(error, HttpFailure) else None
    return {
        "message": message_of(error),
        "fact": error.fact,
        "hint": error.hint,
        "param": http.field if http else None,
        "code": http.code if http else None,
    }


def answer_failure(error: SdcliError) -> Response:
    """A failure as an answer."""
    return JSONResponse(
        {"error": describe_failure(error)}, status_of(error), headers=failure_headers(error)
    )
