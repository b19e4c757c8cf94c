"""How far a call is, as that program's clients ask for it."""

from __future__ import annotations

from typing import Any

from sdcli.server.dialects.a1111.answer import as_base64, timestamp
from sdcli.server.dialects.a1111.calls import Call
from sdcli.server.http.hand_over import encode_preview

LEAST = 0.01  # that program's share of a call that has just begun


def describe_progress(call: Call | None, *, with_image: bool) -> dict[str, Any]:
    """The answer to `progress`; of no call it is that of an idle server."""
    job = call.job if call else None
    image = job.preview if job and with_image else None
    return {
        "progress": _share(call),
        "eta_relative": (job.eta or 0.0) if job else 0.0,
        "state": _state(call),
        "current_image": as_base64(encode_preview(image)) if image else None,
        "textinfo": _stage(call),
    }


def describe_task(call: Call | None, *, ended: bool, seen: int, with_image: bool) -> dict[str, Any]:
    """The answer to `internal/progress`; `seen` is the preview that the client has already."""
    job = call.job if call else None
    shown = job.progress.step if job else 0
    image = job.preview if job and with_image and shown != seen else None
    return {
        "active": call is not None and call.is_drawn,
        "queued": call is not None and not call.is_drawn,
        "completed": ended,
        "progress": _share(call) if call else None,
        "eta": job.eta if job else None,
        "live_preview": f"data:image/png;base64,{as_base64(encode_preview(image))}"
        if image
        else None,
        "id_live_preview": shown if image else seen,
        "textinfo": _stage(call),
    }


def _share(call: Call | None) -> float:
    if call is None:
        return 0.0
    done = len(call.pictures)
    of = call.plan.count if call.plan else 1
    now = call.job.progress.share * (of - done) if call.job else 0.0
    return min(max((done + now) / of, LEAST), 1.0)


def _state(call: Call | None) -> dict[str, Any]:
    progress = call.job.progress if call and call.job else None
    batch = call.plan.batch if call and call.plan else 1
    drawn = len(call.pictures) if call else 0
    return {
        "skipped": call is not None and call.skipping,
        "interrupted": call is not None and call.interrupted,
        "stopping_generation": False,
        "job": (call.task or "scripts_txt2img") if call else "",
        "job_count": call.batches if call else 0,
        "job_timestamp": timestamp(call.began) if call else "0",
        "job_no": (drawn + max((progress.picture if progress else 0) - 1, 0)) // batch,
        "sampling_step": progress.step if progress else 0,
        "sampling_steps": progress.steps if progress else 0,
    }


def _stage(call: Call | None) -> str | None:
    """What is done now, in words."""
    if call is None:
        return None
    if not call.is_drawn:
        return "Waiting..."
    stages = (
        [one.facts["text"] for one in call.job.remarks if one.kind == "stage"] if call.job else []
    )
    return str(stages[-1]) if stages else None
