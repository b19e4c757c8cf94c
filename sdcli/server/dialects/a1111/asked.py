"""What a client asks for, read whole before anything is drawn: an order, and how to answer it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.table import change_request
from sdcli.request import Draw, Request
from sdcli.schedulers.names import SCHEDULERS, find_sampler_with_schedule
from sdcli.schedulers.table import Solver
from sdcli.server.dialects.a1111.fields import TXT2IMG, USUAL_SAMPLER, Field, read_fields
from sdcli.server.dialects.a1111.hires import read_drawing
from sdcli.server.dialects.a1111.settings import Settings
from sdcli.server.dialects.a1111.shelf import Item, Shelf
from sdcli.server.dialects.a1111.values import check_option, refuse
from sdcli.server.http.job import Order
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.embedding import embedding_fits, encoder_widths

CELL = 8  # pixels; what is over is left away, as everywhere
_USUAL_ETAS = (0.0, 1.0)  # that clients send whatever the sampler
_NOISE_WEIGHED = ("dpm2-a", "dpm++2s-a", "dpm++sde", "dpm++2m-sde", "dpm++3m-sde")  # by s_noise


@dataclass(frozen=True)
class Asked:
    """An order, and what else the answer hangs on."""

    order: Order
    values: Mapping[str, Any]  # of the request's fields
    echo: Mapping[str, Any]  # what was said, with that program's defaults
    settings: Settings  # that are in force for it
    keeps_settings: bool  # whether they stay in force


def read_txt2img(body: Mapping[str, Any], settings: Settings, shelf: Shelf) -> Asked:
    """What is asked for by a request for a picture from words."""
    values = read_fields(body, TXT2IMG)
    settings = settings.changed(values["override_settings"], shelf)
    drawing = read_drawing(values, _find_second_scheduler, shelf)
    request = read_common(values, settings, shelf, drawing)
    return finish(body, TXT2IMG, values, settings, Order(request))


def finish(
    body: Mapping[str, Any],
    rows: Iterable[Field],
    values: Mapping[str, Any],
    settings: Settings,
    order: Order,
) -> Asked:
    """The order with how its pictures are to be handed over."""
    order = replace(
        order,
        format=settings.picture_format,
        preview=settings.values["live_previews_enable"],
        save=values["save_images"],
    )
    echo = {row.name: row.default for row in rows} | dict(body)
    keeps = not values["override_settings_restore_afterwards"]
    return Asked(order, values, echo, settings, keeps)


def read_common(
    values: Mapping[str, Any], settings: Settings, shelf: Shelf, drawing: Draw | None = None
) -> Request:
    """The request of what both kinds of requests say; of one without a picture, for its drawing."""
    same = {row.option: values[row.name] for row in TXT2IMG if row.option}
    request = settings.apply(change_request(Request(drawing or Draw(), ""), same), shelf)
    sampler = values["sampler_name"] or values["sampler_index"] or USUAL_SAMPLER
    scheduler = _scheduler(sampler, values["scheduler"])
    solver = SCHEDULERS[scheduler].solver
    _check_noise(solver, values["s_noise"])
    if (values["clip_skip"] or 0) > 1:
        request = replace(
            request, clip_skip=check_option("clip-skip", values["clip_skip"], "clip_skip")
        )
    batch = _batch_size(values["batch_size"])
    seed = values["seed"]
    return replace(
        _vary(request, values),
        scheduler=scheduler,
        eta=_eta(solver, values["eta"]),
        seed=None if seed < 0 else check_option("seed", seed, "seed"),
        batch=batch,
        count=batch * check_option("count", values["n_iter"], "n_iter"),
        width=side(values, "width"),
        height=side(values, "height"),
        embeddings=_embeddings(request, settings.model(shelf), shelf),
    )


def _vary(request: Request, values: Mapping[str, Any]) -> Request:
    """The request without a seam, with another seed mixed in, its seed resized: as is asked for."""
    if values["tiling"]:
        request = replace(request, tiling="xy")
    if values["subseed_strength"]:
        seed = values["subseed"]
        strength = check_option(
            "variation-strength", values["subseed_strength"], "subseed_strength"
        )
        other = secrets.randbelow(2**32) if seed < 0 else check_option("seed", seed, "subseed")
        request = replace(request, variation_strength=strength, variation_seed=other)
    sides = [values[f"seed_resize_from_{side}"] for side in "wh"]
    if min(sides) <= 0:
        return request
    size = "x".join(str(side // CELL * CELL) for side in sides)
    return replace(request, seed_resize=check_option("seed-resize", size, "seed_resize_from_w"))


def _batch_size(said: int) -> int:
    if said == 0:  # which for us would leave it to the device, and for them is no picture
        raise refuse("batch_size", "0 is out of bounds", "1 to 64")
    return check_option("batch", said, "batch_size")


def side(values: Mapping[str, Any], field: str) -> int | None:
    """A side of the picture in whole cells; None where nothing is said of it."""
    said = values[field]
    return None if said is None else check_option(field, said // CELL * CELL, field)


def _scheduler(
    sampler: str, schedule: str, fields: tuple[str, str] = ("sampler_name", "scheduler")
) -> str:
    try:
        return find_sampler_with_schedule(sampler, schedule or "Automatic")
    except BadRequest as error:
        hint = "`/sdapi/v1/samplers` and `/sdapi/v1/schedulers` list what there is"
        about_schedule = schedule and schedule in error.fact
        raise refuse(fields[1] if about_schedule else fields[0], error.fact, hint) from None


def _find_second_scheduler(sampler: str, schedule: str) -> str:
    return _scheduler(sampler or USUAL_SAMPLER, schedule, ("hr_sampler_name", "hr_scheduler"))


def _eta(solver: Solver, eta: float | None) -> float | None:
    if eta is None or solver.eta is not None:
        return None if eta is None else check_option("eta", eta, "eta")
    if eta not in _USUAL_ETAS:
        raise refuse("eta", f"the sampler `{solver.a1111 or solver.name}` takes none")
    return None


def _check_noise(solver: Solver, s_noise: float | None) -> None:
    if s_noise not in (None, 1.0) and solver.name in _NOISE_WEIGHED:
        raise refuse("s_noise", "the noise of samplers is not weighed")


def _embeddings(request: Request, model: Item, shelf: Shelf) -> tuple[str, ...]:
    """The listed embeddings whose names are words of the prompts, which is how they are asked for;
    those of other models are words like any other, as in that program."""
    texts = [request.prompt, request.negative or ""]
    if isinstance(request.task, Draw):
        texts += [request.task.hires_prompt or "", request.task.hires_negative or ""]
    words = set(re.findall(r"[^\s,:()\[\]|]+", " ".join(texts).lower()))
    found = list(shelf.embeddings(words))
    if not found:
        return ()
    widths = encoder_widths(identify_checkpoint(model.path))
    return tuple(str(file.path) for file in found if embedding_fits(file, widths))
