"""An assistant enlarges a picture: by a network or by a model that draws, as `sdcli upscale` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.library.listed_only import listed_only
from sdcli.options.table import ALL_OPTIONS
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.enlarging import FLAGS
from sdcli.request import Output
from sdcli.server.http.settings import MOST_PIXELS, ServeSettings
from sdcli.server.http.worker import Stopped, Stopper, Worker
from sdcli.upscale.drawing_upscaler import DrawingUpscaler
from sdcli.upscale.drawing_wish import DrawingWish
from sdcli.upscale.run import (
    EnlargedPicture,
    SkippedPicture,
    UpscaleJob,
    plan_upscale,
    planned_pictures,
    upscale_pictures,
)
from sdcli.upscale.size_wish import read_size_wish

SETTINGS = tuple(name for name in FLAGS if name != "scale")  # of a model that draws
TAKES = ("image", "with", "scale", "prompt", *SETTINGS)


@dataclass
class _RemoteEnlarger:
    """The upscaler as the process that draws has it."""

    file: Path
    scale: int
    worker: Worker
    listener: Listener
    events: list[str] = field(default_factory=list[str])

    def enlarge(self, image: Image.Image, size: tuple[int, int] | None = None) -> Image.Image:
        """The picture at this size."""
        assert size is not None
        return self.worker.enlarge(image, self.file, size, self.listener)


def enlarge_for_assistant(
    picture: Path,
    fields: Mapping[str, Any],
    settings: ServeSettings,
    worker: Worker,
    listener: Listener,
    stopper: Stopper,
) -> EnlargedPicture:
    """The picture enlarged and saved; only upscalers that are listed are found."""
    fields = {name.replace("_", "-"): value for name, value in fields.items()}
    if stray := next((name for name in fields if name not in TAKES), None):
        raise BadRequest(f"`{stray}` has no meaning here", hint=f"there is {', '.join(TAKES)}")
    with listed_only(settings.more_models):
        job = _job(picture, fields, settings)
        _check_size(job)

        def draw(plan: Plan) -> Picture:
            try:
                (drawn,) = worker.draw(plan, listener, stopper, preview=False)
            except Stopped:
                raise SdcliError("the drawing was stopped", hint="nothing was saved") from None
            return drawn

        enlarger = _RemoteEnlarger(job.upscaler.path, job.upscaler.scale or 1, worker, listener)
        by_network = not isinstance(job.upscaler, DrawingUpscaler)
        (done,) = upscale_pictures(job, enlarger if by_network else None, draw)
    if isinstance(done, SkippedPicture):
        raise done.error
    return done


def _job(picture: Path, fields: Mapping[str, Any], settings: ServeSettings) -> UpscaleJob:
    named = fields.get("with")
    if named is not None and not isinstance(named, str):
        raise BadRequest("`with` is no name", hint="an upscaler is named as it is listed")
    said = {
        name: ALL_OPTIONS[name].check(value)
        for name, value in fields.items()
        if name in ("prompt", *SETTINGS) and value is not None
    }
    flags = tuple(said)
    wish = DrawingWish(said.pop("prompt", None), said, flags=flags)
    size = read_size_wish(fields.get("scale"), None)
    return plan_upscale([picture], named, size, Output(settings.out), said=wish)


def _check_size(job: UpscaleJob) -> None:
    """Refuse what is not known before it is loaded, or would keep the machine busy for long."""
    for one in planned_pictures(job):
        if isinstance(one, SkippedPicture):
            raise one.error
        if one.size[0] * one.size[1] > MOST_PIXELS:
            raise BadRequest(
                "{}x{} is too large for this server".format(*one.size),
                hint=f"{MOST_PIXELS // 2**20} million pixels at most: say a smaller `scale`",
            )
