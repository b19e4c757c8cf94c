"""JSON into a `Request`, by the names of the options table: what every dialect ends in.

    asked = read_order({"prompt": "a fox", "steps": 4, "image": "iVBORw0..."}, settings)

Pictures are base64, files of models are names. What a command would be told of its own machine (where
to save, what to replace, what to print) is no client's business and refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.table import FORMATS
from sdcli.library.listed_only import listed_only
from sdcli.library.relocate import relocate_plan
from sdcli.metadata.record import read_plan
from sdcli.options.presets import Preset, fill_from_presets
from sdcli.options.table import ALL_OPTIONS, BORDERS, OPTIONS, Option, change_request, find_option
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.request import Draw, Edit, Enlarge, Request
from sdcli.server.http.failures import HttpFailure, bad_field
from sdcli.server.http.job import Order
from sdcli.server.http.read_value import LIKE, read_value
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads

OF_SERVER = ("wildcards",)  # a folder of its machine
FROM_OUTPUT = ("metadata", "preview-vae", "format")  # what a client may say of the output
TASKS = ("txt2img", "img2img", "inpaint", "outpaint", "edit", "upscale")
# Those that are no row of the table.
OWN_FIELDS = ("task", "quality", "preview", "save", "plan", "pictures")


def client_options() -> dict[str, Option]:
    """The rows of the table that a client can set."""
    return {
        **{name: option for name, option in OPTIONS.items() if name not in OF_SERVER},
        **{name: ALL_OPTIONS[name] for name in (*FROM_OUTPUT, "preset", LIKE)},
    }


def read_order(
    fields: Mapping[str, Any], settings: ServeSettings, uploads: Uploads | None = None
) -> Order:
    """The order in these fields. What is wrong with one is said of it; `None` says nothing."""
    uploads = uploads or Uploads()
    try:
        with listed_only(settings.more_models):
            return _read_order({k: v for k, v in fields.items() if v is not None}, uploads)
    except HttpFailure:
        uploads.close()
        raise
    except SdcliError as error:  # whatever is wrong here came with the request
        uploads.close()
        raise HttpFailure(400, error.fact, hint=error.hint) from None
    except BaseException:
        uploads.close()
        raise


def _read_order(fields: dict[str, Any], uploads: Uploads) -> Order:
    own = {name: fields.pop(name) for name in OWN_FIELDS if name in fields}
    values = _read_values(fields, uploads)
    presets = _presets(values)
    kind = values.pop("format", "png")
    if "plan" in own:
        if presets or "task" in own:
            raise bad_field("plan", "a plan says everything itself", hint="change it, or send none")
        request = change_request(_read_plan(own, uploads), values)
    elif "pictures" in own:
        raise bad_field("pictures", "they go with a `plan`", hint="`image` and `mask` are others")
    else:
        request = _start(own.get("task"), values)
        request = fill_from_presets(request, presets, prompt_given="prompt" in values)
    return Order(
        request,
        uploads,
        format=kind,
        quality=_quality(own.get("quality"), kind),
        preview=_yes(own, "preview") or request.output.preview_vae is not None,
        save=_yes(own, "save"),
    )


def read_changes(
    fields: Mapping[str, Any], settings: ServeSettings, uploads: Uploads
) -> dict[str, Any]:
    """What these fields change of a picture that is drawn again: values by the options' names."""
    with listed_only(settings.more_models):
        values = _read_values({k: v for k, v in fields.items() if v is not None}, uploads)
    if stray := next((name for name in values if name not in OPTIONS), None):
        raise bad_field(stray, "that is no part of a picture", hint="leave it away")
    return values


def _read_values(fields: Mapping[str, Any], uploads: Uploads) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in fields.items():
        option = _find(name)
        if option.name in values:
            raise bad_field(name, "it is said twice", hint=f"say `{option.name}` once")
        values[option.name] = _about(name, lambda o=option, v=value: read_value(o, v, uploads))
    return values


def _find(name: str) -> Option:
    wanted = name.strip().lower().replace("_", "-")
    options = client_options()
    if wanted in options:
        return options[wanted]
    if wanted in ALL_OPTIONS:
        raise bad_field(name, "that is for the server to say", hint="leave it away")
    try:
        return find_option(name)
    except BadRequest as error:
        raise HttpFailure(400, error.fact, hint=error.hint, field=name) from None


def _about(name: str, read: Callable[[], Any]) -> Any:
    """What `read` gives; a refusal is said of the field."""
    try:
        return read()
    except HttpFailure:
        raise
    except SdcliError as error:
        raise HttpFailure(400, error.fact, hint=error.hint, field=name) from None


def _quality(value: Any, kind: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise bad_field("quality", "that is no quality", hint="a whole number from 0 to 100")
    if FORMATS[kind].lossless:
        raise bad_field("quality", f"{kind} loses nothing", hint="`format` says another one")
    return value


def _yes(own: Mapping[str, Any], name: str) -> bool:
    value = own.get(name, False)
    if not isinstance(value, bool):
        raise bad_field(name, "it is true or false", hint="write no quotes around it")
    return value


def _presets(values: dict[str, Any]) -> list[Preset]:
    return [values.pop(name) for name in ("preset", LIKE) if name in values]


def _read_plan(own: Mapping[str, Any], uploads: Uploads) -> Request:
    """The request that makes a plan again. Its weights are found by their content among those that are
    listed, its pictures among those that came with it."""
    pictures = own.get("pictures", [])
    if not isinstance(pictures, list):
        raise bad_field("pictures", "it is to be a list", hint="of base64 texts")
    for picture in cast("list[Any]", pictures):
        uploads.add_text("pictures", picture)

    def read() -> Request:
        plan, _ = relocate_plan(read_plan(own["plan"]), (uploads.folder,))
        if plan.words:
            raise BadRequest(
                "each picture of this plan has words of its own",
                hint="send the plan of one picture, or the prompt itself with `choices`",
            )
        return plan_to_request(plan)

    return _about("plan", read)


def _start(task: Any, values: Mapping[str, Any]) -> Request:
    """The request of these values: by its task, else by the pictures that come with it."""
    if task is not None and task not in TASKS:
        raise bad_field("task", "there is no such task", hint=f"one of {', '.join(TASKS)}")
    has_image, has_mask = "image" in values, "mask" in values
    grows = any(side in values for side in BORDERS)
    fits = {
        "txt2img": not has_image and not has_mask,
        "img2img": has_image and not has_mask and not grows,
        "inpaint": has_image and has_mask,
        "outpaint": has_image and not has_mask and grows,
        "edit": has_image and not has_mask,
        "upscale": has_image and not has_mask and not grows,
    }
    if task is not None and not fits[task]:
        raise bad_field(
            "task",
            f"`{task}` wants other pictures",
            hint="`image`; `mask` for inpaint; a side for outpaint",
        )
    if has_mask and not has_image:
        raise bad_field("mask", "there is no picture to repaint", hint="send it as `image`")
    if task == "edit" or (task is None and "image-cfg" in values and has_image and not has_mask):
        rest = {name: value for name, value in values.items() if name != "image"}
        return change_request(Request(Edit(Path(values["image"])), ""), rest)
    if task == "upscale":  # by SD's x4 upscaler, which draws
        rest = {name: value for name, value in values.items() if name != "image"}
        return change_request(Request(Enlarge(Path(values["image"])), ""), rest)
    return change_request(Request(Draw(), ""), values)
