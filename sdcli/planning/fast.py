"""The ways to be faster that a request names: refused where they cannot apply, never passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.fast_ways import GUIDANCE_INTERVAL, sort_ways
from sdcli.prompts.syntax import SYNTAXES
from sdcli.request import Edit, Request


def check_fast_ways(request: Request, prompt: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in the table's order, each one of use to this picture; `values` are the plan's."""
    if GUIDANCE_INTERVAL in request.fast:
        _check_guidance(request, prompt, values)
    return sort_ways(request.fast)


def _check_guidance(request: Request, prompt: str, values: Mapping[str, Any]) -> None:
    parts = SYNTAXES[values["syntax"]].split_at_and(prompt)
    if isinstance(request.task, Edit) or tuple(part.weight for part in parts) != (1.0,):
        raise BadRequest(
            f"`--fast {GUIDANCE_INTERVAL}` leaves out the negative prompt, and this picture needs"
            " more than the prompt's own prediction",
            hint="it is for one prompt without `AND`, and not for `sdcli edit`",
        )
    if values["cfg"] == 1:
        raise BadRequest(
            f"`--fast {GUIDANCE_INTERVAL}` leaves out guidance, and at `--cfg 1` there is none",
            hint="leave it away: this is as fast already",
        )
