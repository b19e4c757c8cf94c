"""An order becomes a plan: by the same door as a command's, but only files that are listed are found."""

from __future__ import annotations

from dataclasses import replace

from sdcli.hires import drawn_size
from sdcli.library.find import find_adapter
from sdcli.library.listed_only import listed_only
from sdcli.plan import Plan
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.server.http.failures import bad_field
from sdcli.server.http.job import Order
from sdcli.server.http.settings import (
    MOST_JOB_PIXELS,
    MOST_PICTURES,
    MOST_PIXELS,
    ServeSettings,
)
from sdcli.weights.vae import find_vae


def plan_order(order: Order, settings: ServeSettings) -> Plan:
    """The plan of an order, within the bounds of a server."""
    request = order.request
    if request.model is None:
        request = replace(request, model=settings.model)
    with listed_only(settings.more_models):
        output = replace(request.output, preview_vae=_preview_vae(request.output.preview_vae))
        # What the picture is seen by on the way is none of the plan's own business.
        draft = draft_plan(replace(request, output=replace(output, preview_vae=None)))
        check_bounds(draft)
        return replace(hash_files(draft), output=output)


def _preview_vae(name: str | None) -> str | None:
    """The path of the TAESD of this name."""
    if name is None:
        return None
    path = find_adapter(name, "TAESD")
    find_vae(path)
    return str(path.absolute())


def check_bounds(plan: Plan) -> None:
    """Refuse what would keep the server busy or out of memory for one client."""
    pixels = check_size(*drawn_size(plan))
    if plan.count > MOST_PICTURES:
        raise bad_field(
            "count", f"{plan.count} pictures are too many", hint=f"{MOST_PICTURES} at most"
        )
    if pixels * plan.count > MOST_JOB_PIXELS:
        raise bad_field(
            "count", "so many pictures of this size are too much at once", hint="ask for fewer"
        )


def check_size(width: int, height: int) -> int:
    """The pixels of a picture, if they are not too many: looked at before anything is made so large."""
    pixels = width * height
    if pixels > MOST_PIXELS:
        raise bad_field(
            "width",
            f"{width}x{height} is too large for this server",
            hint=f"{MOST_PIXELS // 2**20} million pixels at most",
        )
    return pixels
