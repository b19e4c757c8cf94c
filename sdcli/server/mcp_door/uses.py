"""How each of an assistant's tools is done: from what it was told to what it shows."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageDraw

from sdcli.errors import BadRequest
from sdcli.events import Listener
from sdcli.images.load import picture_size
from sdcli.library.listed_only import listed_only
from sdcli.options.table import BORDERS
from sdcli.schedulers.names import SCHEDULERS
from sdcli.server.http.model_list import list_all
from sdcli.server.http.read_request import read_changes
from sdcli.server.http.recall_plan import recall_plan
from sdcli.server.http.worker import Stopper
from sdcli.server.mcp_door.drawer import (
    LOOK,
    MOST_TEXT,
    Drawer,
    Fields,
    FolderUploads,
    Shown,
    check_count,
)
from sdcli.server.mcp_door.upscale import enlarge_for_assistant
from sdcli.server.pictures import keep_beside, make_thumbnail
from sdcli.show.picture import picture_facts

MOST_LISTED = 50


def draw(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """From words."""
    _refuse(fields, "image", "mask")
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def redraw(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """From a picture and words."""
    _refuse(fields, "mask")
    _need(fields, "image", "prompt")
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def inpaint(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """A part of a picture anew."""
    _need(fields, "image", "prompt")
    rest = dict(fields)
    box = rest.pop("box", None)
    if (box is None) == (rest.get("mask") is None):
        raise BadRequest("what is to be repainted is not said", hint="either `box` or `mask`")
    if box is not None:
        image = drawer.folders.find(str(fields["image"]))
        rest["mask"] = _paint_box(drawer.folders.folders[0], image, box).name
    return drawer.draw(drawer.plan(drawer.order(rest)), listener, stopper)


def outpaint(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """Beyond the edges of a picture."""
    _refuse(fields, "mask")
    _need(fields, "image", "prompt")
    if all(fields.get(side) is None for side in BORDERS):
        raise BadRequest(
            "how far it is to be drawn on is not said", hint='`right`: 256, or `to`: "16:9"'
        )
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def upscale(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """A picture, larger."""
    _need(fields, "image")
    rest = {name: value for name, value in fields.items() if name != "image"}
    done = enlarge_for_assistant(
        drawer.folders.find(str(fields["image"])),
        rest,
        drawer.settings,
        drawer.worker,
        listener,
        stopper,
    )
    told = {
        "path": str(done.path.absolute()),
        "name": done.path.name,
        "size": "{}x{}".format(*done.size),
        "seconds": done.seconds,
    }
    return Shown({"pictures": [told]}, (make_thumbnail(done.path, LOOK),))


def vary(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """A picture again, from what it carries."""
    _need(fields, "picture")
    rest = {name: value for name, value in fields.items() if name != "picture"}
    changes = read_changes(rest, drawer.settings, FolderUploads(drawer.folders))
    check_count(changes.get("count", 1))
    path = drawer.folders.find(str(fields["picture"]))
    return drawer.draw(recall_plan(path, changes, drawer.settings), listener, stopper)


def show(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """How a picture was drawn; without a name, which are the newest."""
    if fields.get("picture") is None:
        names = [picture.name for picture in drawer.folders.listed()[:MOST_LISTED]]
        return Shown({"folder": str(drawer.folders.folders[0]), "newest": names})
    path = drawer.folders.find(str(fields["picture"]))
    with listed_only(drawer.settings.more_models):
        facts = picture_facts(path)
    said = {
        "path": str(path),
        "pixels": facts.pixels,
        "title": facts.title,
        "prompt": facts.prompt[:MOST_TEXT],
        "negative": facts.negative[:MOST_TEXT],
        "settings": dict(facts.settings),
        "command": facts.command[:MOST_TEXT],
    }
    known = {name: value for name, value in said.items() if value}
    return Shown(known, (make_thumbnail(path, LOOK),))


def list_models(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    """What other tools can name."""
    kinds: dict[str, list[str]] = {}
    for model in list_all(drawer.settings):
        kinds.setdefault(model.kind or "unreadable", []).append(model.name)
    return Shown(
        {"drawn with unless said": drawer.settings.model, **kinds, "schedulers": [*SCHEDULERS]}
    )


def _need(fields: Fields, *names: str) -> None:
    for name in names:
        if not isinstance(fields.get(name), str):
            raise BadRequest(f"`{name}` is not said", hint="it is a text, and this needs it")


def _refuse(fields: Fields, *names: str) -> None:
    if stray := next((name for name in names if fields.get(name) is not None), None):
        raise BadRequest(
            f"`{stray}` has no meaning here", hint="`redraw` and `inpaint` start from a picture"
        )


def _paint_box(folder: Path, image: Path, box: Any) -> Path:
    """A mask that is white within the box, beside the pictures: with it the drawing can be repeated."""
    width, height = picture_size(image)
    sides = cast("list[Any]", box) if isinstance(box, list) else []
    if len(sides) != 4 or not all(isinstance(side, int) for side in sides):
        raise BadRequest("`box` is no box", hint="four whole numbers: left, top, right, bottom")
    left, top, right, bottom = sides
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise BadRequest(
            f"the box {left}, {top}, {right}, {bottom} is not within the picture",
            hint=f"the picture has {width}x{height} pixels",
        )
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=255)
    file = io.BytesIO()
    mask.save(file, "PNG")
    data = file.getvalue()
    return keep_beside(folder, "mask", data, hashlib.sha256(data).hexdigest())
