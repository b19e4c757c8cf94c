"""Whether a picture can be drawn in fused tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.fast_ways import STEP_CACHE
from sdcli.request import Request

LEAST = 64  # pixels of a tile's side: a cell of the deepest level of a U-Net


def check_fused_tiles(request: Request, values: Mapping[str, Any], size: tuple[int, int]) -> None:
    """Refuse what cannot be had in tiles; `values` are the plan's."""
    if not values["fused_tiles"]:
        return
    flag = "`--fused-tiles`"
    if values["tiling"] != "none":
        raise BadRequest(
            f"`--tiling` joins the edges of a picture, and {flag} would join those of each tile",
            hint="leave one of the two away",
        )
    if STEP_CACHE in request.fast:
        raise BadRequest(
            f"`--fast {STEP_CACHE}` keeps what the U-Net found in the whole picture, and with {flag} "
            "it sees parts",
            hint="leave one of the two away",
        )
    if request.controls and any(side % LEAST for side in size):
        raise BadRequest(
            f"with a ControlNet {flag} needs sides that are multiples of {LEAST}, "
            f"and this is {size[0]}x{size[1]}",
            hint=f"{size[0] // LEAST * LEAST}x{size[1] // LEAST * LEAST}, say",
        )
