"""A plan as the request that makes it: the one way back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, assert_never

from sdcli import plan as planned
from sdcli import request as requested
from sdcli.plan import Plan
from sdcli.request import Request
from sdcli.schedulers.names import SCHEDULERS


def plan_to_request(plan: Plan) -> Request:
    """The request that makes this plan: everything said, nothing left to a default."""
    row = SCHEDULERS.get(plan.scheduler)
    takes_eta = row is None or row.solver.eta is not None
    same = {each.name for each in fields(Request)} & {each.name for each in fields(Plan)}
    values = {name: getattr(plan, name) for name in same}
    values |= {
        "task": _task_to_request(plan.task),
        "model": str(plan.model.path),
        "vae": None if plan.vae == plan.model else str(plan.vae.path),
        "eta": plan.eta if takes_eta else None,
        "loras": tuple(requested.Lora(str(n.file.path), n.unet, n.te) for n in plan.loras),
        "embeddings": tuple(str(known.file.path) for known in plan.embeddings),
        "controls": tuple(
            requested.Control(
                str(c.file.path), c.image.path, c.weight, c.start, c.end, c.preprocessor
            )
            for c in plan.controls
        ),
        "lora_partial": any(lora.share < 1 for lora in plan.loras),
    }
    return Request(**values)


def _task_to_request(task: planned.Task) -> requested.Task:
    values: dict[str, Any] = dict(vars(task))
    values |= {
        name: value.path for name, value in values.items() if isinstance(value, planned.File)
    }
    match task:
        case planned.Draw():
            return _drawing_to_request(task)
        case planned.Redraw():
            return requested.Redraw(**values)
        case planned.Repaint():
            return requested.Repaint(**values)
        case planned.Outpaint():
            return requested.Outpaint(**values)
        case planned.Edit():
            return requested.Edit(**values)
        case planned.Enlarge():
            return requested.Enlarge(**values)
        case _:
            assert_never(task)


def _drawing_to_request(task: planned.Draw) -> requested.Draw:
    """The request for a drawing: what its second pass has of the first is left to that."""
    if not task.hires:
        return requested.Draw()
    named = task.hires_upscaler
    upscaler = str(named.path) if isinstance(named, planned.File) else named
    return requested.Draw(
        task.hires,
        upscaler,
        task.hires_steps or None,
        task.hires_strength,
        task.hires_scheduler or None,
        task.hires_cfg or None,
        task.hires_prompt or None,
        task.hires_negative or None,
    )
