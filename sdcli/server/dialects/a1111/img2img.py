"""What is asked for by a request that brings a picture along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdcli.request import Edit, Redraw, Repaint, Task
from sdcli.server.dialects.a1111.asked import Asked, finish, read_common
from sdcli.server.dialects.a1111.fields import IMG2IMG, read_fields
from sdcli.server.dialects.a1111.pictures_in import Start, read_start
from sdcli.server.dialects.a1111.settings import Settings
from sdcli.server.dialects.a1111.shelf import Shelf
from sdcli.server.dialects.a1111.values import check_option, refuse
from sdcli.server.http.job import Order
from sdcli.server.http.planning import check_size
from sdcli.server.http.uploads import Uploads
from sdcli.weights.checkpoint import identify_checkpoint


def read_img2img(
    body: Mapping[str, Any], settings: Settings, shelf: Shelf, uploads: Uploads
) -> Asked:
    """What is asked for; its pictures lie in `uploads` until it is drawn."""
    values = read_fields(body, IMG2IMG)
    settings = settings.changed(values["override_settings"], shelf)
    request = read_common(values, settings, shelf)
    model = identify_checkpoint(settings.model(shelf).path)
    size = request.width or model.size, request.height or model.size
    check_size(*size)
    instructed = model.family.task == "edit"
    if instructed:
        _check_instructed(values, body)
    start = read_start(values, size, uploads)
    task = _edit(values, start) if instructed else _task(values, start)
    request = replace(request, task=task, width=size[0], height=size[1])
    asked = finish(body, IMG2IMG, values, settings, Order(request))
    if values["include_init_images"]:
        return asked
    return replace(asked, echo={**asked.echo, "init_images": None, "mask": None})


def _task(values: Mapping[str, Any], start: Start) -> Task:
    strength = check_option("strength", values["denoising_strength"], "denoising_strength")
    if start.mask is None:
        return Redraw(start.picture, strength)
    return Repaint(
        start.picture, start.mask, strength, _blur(values), only_masked=start.only_masked
    )


def _blur(values: Mapping[str, Any]) -> int:
    """How soft the mask's edge is."""
    blur, across, down = (values[each] for each in ("mask_blur", "mask_blur_x", "mask_blur_y"))
    if blur is None and across != down:
        raise refuse("mask_blur_x", "a mask is not softened more one way than the other")
    return check_option("feather", across if blur is None else blur, "mask_blur")


def _check_instructed(values: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """With a model that follows instructions the picture stands beside the noise, not under it."""
    if values["mask"]:
        raise refuse("mask", "this model follows instructions about whole pictures")
    if body.get("denoising_strength") is not None and values["denoising_strength"] != 1:
        raise refuse("denoising_strength", "this model begins with noise alone", "send 1")


def _edit(values: Mapping[str, Any], start: Start) -> Task:
    scale = values["image_cfg_scale"]
    return Edit(
        start.picture,
        None if scale is None else check_option("image-cfg", scale, "image_cfg_scale"),
    )
