"""Pictures and failures as that program's clients read them."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from starlette.responses import JSONResponse, Response

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.hires import second_pass
from sdcli.metadata.a1111_write import write_infotext
from sdcli.options.parse import split_size
from sdcli.plan import Plan
from sdcli.schedulers.names import a1111_sampler_and_schedule
from sdcli.server.dialects.a1111.calls import Call
from sdcli.server.http.failures import HttpFailure, failure_headers, message_of, status_of
from sdcli.weights.families import FAMILIES


def as_base64(data: bytes) -> str:
    """A picture's file as text."""
    return base64.b64encode(data).decode("ascii")


def timestamp(began: float) -> str:
    """When something began, as that program writes it."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(began))


def describe_pictures(call: Call) -> dict[str, Any]:
    """The answer to a request that draws: never with a grid before the pictures."""
    wanted = call.asked.values["send_images"]
    return {
        "images": [as_base64(one.data) for one in call.pictures] if wanted else [],
        "parameters": call.asked.echo,
        "info": json.dumps(describe_drawing(call), ensure_ascii=False),
    }


def describe_drawing(call: Call) -> dict[str, Any]:
    """What that program says of pictures that it has drawn: its `info`, which it sends as a text."""
    asked, plan, pictures = call.asked.values, call.plan, call.pictures
    drawn = len(pictures)
    said: dict[str, Any] = {
        "prompt": asked["prompt"],
        "all_prompts": [asked["prompt"]] * drawn,
        "negative_prompt": asked["negative_prompt"],
        "all_negative_prompts": [asked["negative_prompt"]] * drawn,
        "seed": pictures[0].seed if pictures else plan.seed if plan else -1,
        "all_seeds": [one.seed for one in pictures],
        "subseed": _subseed(pictures[0].plan if pictures else plan),
        "all_subseeds": [_subseed(one.plan) for one in pictures],
        "subseed_strength": 0,
        "batch_size": asked["batch_size"],
        "restore_faces": False,
        "face_restoration_model": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": None,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [write_infotext(one.plan) for one in pictures],
        "styles": [],
        "job_timestamp": timestamp(call.began),
        "version": f"sdcli {__version__}",
    }
    return said | (_describe_plan(plan) if plan else {})


def _subseed(plan: Plan | None) -> int:
    return plan.variation_seed if plan is not None and plan.variation_strength else -1


def _describe_plan(plan: Plan) -> dict[str, Any]:
    sampler, schedule = a1111_sampler_and_schedule(plan.scheduler)
    own_vae = plan.vae.sha256 == plan.model.sha256
    resized = split_size(plan.seed_resize) if plan.seed_resize else (-1, -1)
    return {
        "width": plan.width,
        "height": plan.height,
        "sampler_name": sampler,
        "cfg_scale": plan.cfg,
        "steps": plan.steps,
        "subseed_strength": plan.variation_strength,
        "seed_resize_from_w": resized[0],
        "seed_resize_from_h": resized[1],
        "sd_model_name": plan.model.path.stem,
        "sd_model_hash": plan.model.sha256[:10],
        "sd_vae_name": None if own_vae else plan.vae.path.name,
        "sd_vae_hash": None if own_vae else plan.vae.sha256[:10],
        "denoising_strength": _strength(plan),
        "extra_generation_params": {"Schedule type": schedule} if schedule else {},
        "clip_skip": plan.clip_skip,
        "is_using_inpainting_conditioning": FAMILIES[plan.family].task == "inpaint",
    }


def _strength(plan: Plan) -> float | None:
    second = second_pass(plan)
    return getattr(plan.task, "strength", None) if second is None else second.strength


def answer_failure(error: SdcliError) -> Response:
    """A failure as an answer: in the one shape for what is wrong with a request, in the other else."""
    status = status_of(error)
    field = error.field if isinstance(error, HttpFailure) else None
    if status == 422 or (status == 400 and (field or not isinstance(error, HttpFailure))):
        place = ["body", field] if field else ["body"]
        detail = {"loc": place, "msg": message_of(error), "type": "value_error"}
        return JSONResponse({"detail": [detail]}, 422, headers=failure_headers(error))
    name = "HTTPException" if status < 500 else type(error).__name__
    body = {
        "error": name,
        "detail": message_of(error),
        "body": "",
        "errors": error.fact,
    }
    return JSONResponse(body, status, headers=failure_headers(error))
