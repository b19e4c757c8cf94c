"""A picture drawn larger by an SD x4 upscaler: what of a request has a meaning there, and its size."""

from __future__ import annotations

from dataclasses import replace

from sdcli.errors import BadRequest
from sdcli.images.load import LARGEST, picture_size, round_up_to_cell
from sdcli.options.table import OPTIONS
from sdcli.request import Enlarge, Request
from sdcli.weights.checkpoint import Checkpoint

# What has a flag of its own in `sdcli upscale`; the rest is said by `--set`.
FLAGS = ("negative", "steps", "cfg", "seed", "noise-level", "scale")
_HAVE_NO_MEANING = (
    *("tiling", "variation-strength", "variation-seed", "seed-resize", "ensd", "vae"),
    *("fast", "backend", "choices", "wildcards", *(name for name in OPTIONS if "control" in name)),
)


def settle_enlarging(request: Request, model: Checkpoint) -> Request:
    """The request with what an enlarging has where nobody says it: a model that sees so much at once
    goes over larger pictures in tiles. BadRequest where something has no meaning for it."""
    if not isinstance(request.task, Enlarge):
        return request
    for option in (OPTIONS[name] for name in _HAVE_NO_MEANING):
        value = option.value_in(request)
        if value not in (None, (), option.default.value):
            raise BadRequest(
                f"`{option.name}` has no meaning where a model enlarges a picture",
                hint="leave it away",
            )
    tiles = model.size if request.fused_tiles is None else request.fused_tiles
    return replace(request, fused_tiles=tiles)


def size_drawn_larger(request: Request, task: Enlarge, scale: int) -> tuple[int, int]:
    """The size at which a picture is drawn larger: its sides rounded up to what the model takes."""
    before = picture_size(task.image)
    if before[0] * before[1] * scale**2 > LARGEST:
        raise BadRequest(
            f"{before[0]}x{before[1]} would be drawn at {before[0] * scale}x{before[1] * scale}, "
            f"more than {LARGEST // 1_000_000} million pixels",
            hint="enlarge it with an ESRGAN: `--with FILE`",
        )
    width, height = (OPTIONS["width"].check(round_up_to_cell(side) * scale) for side in before)
    if (request.width or width, request.height or height) != (width, height):
        raise BadRequest(
            f"a picture of {before[0]}x{before[1]} is drawn at {width}x{height}, and no other size",
            hint="`--scale` says how large it comes to be",
        )
    return width, height
