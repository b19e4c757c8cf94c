"""What an assistant can do: each tool's name, its words, what it takes, and how it is done."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageDraw

from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.hires import drawn_size
from sdcli.images.load import picture_size
from sdcli.library.listed_only import listed_only
from sdcli.options.table import BORDERS
from sdcli.outputs.save import find_destination, prepare_destination, save_picture
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.request import Output
from sdcli.schedulers.names import SCHEDULERS
from sdcli.server.http.job import Order
from sdcli.server.http.model_list import list_all
from sdcli.server.http.option_schema import option_schema
from sdcli.server.http.planning import plan_order
from sdcli.server.http.read_request import client_options, read_changes, read_order
from sdcli.server.http.recall_plan import recall_plan
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads
from sdcli.server.http.worker import Stopped, Stopper, Worker
from sdcli.server.mcp_upscale import SETTINGS, enlarge_for_assistant
from sdcli.server.pictures import PictureFolders, encode_jpeg, keep_beside, make_thumbnail
from sdcli.show.picture import picture_facts

LOOK = 768  # pixels of the longer side of what an assistant is shown
MOST = 8  # pictures of one call

MOST_LISTED = 50
MOST_TEXT = 2_000  # characters of a prompt that an assistant is told

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a tool answers: facts, and pictures as JPEGs."""

    facts: Mapping[str, Any]
    pictures: tuple[bytes, ...] = ()


class FolderUploads(Uploads):
    """Pictures that are said by their names, where other clients send their bytes."""

    def __init__(self, folders: PictureFolders) -> None:
        super().__init__()
        self._folders = folders

    def add_text(self, field: str, text: object) -> Path:
        """The file of this name."""
        if not isinstance(text, str):
            raise BadRequest(f"{field}: a picture is said by its name", hint="as it is listed")
        return self._folders.find(text)


@dataclass(frozen=True)
class Drawer:
    """Draws what the tools want, and saves it."""

    settings: ServeSettings
    folders: PictureFolders
    worker: Worker

    def order(self, fields: Fields) -> Order:
        """The order that these fields make, pictures said by their names."""
        return read_order(fields, self.settings, FolderUploads(self.folders))

    def plan(self, order: Order) -> Plan:
        """The plan of an order."""
        plan = plan_order(order, self.settings)
        _check_count(plan.count)
        return plan

    def draw(self, plan: Plan, listener: Listener, stopper: Stopper) -> Shown:
        """Draw a plan, save its pictures, and say what came of it."""
        place = find_destination(Output(self.settings.out), plan.count)
        prepare_destination(place, plan)
        told: list[dict[str, Any]] = []
        seen: list[bytes] = []
        try:
            for picture in self.worker.draw(plan, listener, stopper, preview=False):
                told.append(_describe(picture, save_picture(picture, place)))
                seen.append(_look(picture.image))
        except Stopped:
            raise SdcliError("the drawing was stopped", hint="what was finished is kept") from None
        return Shown({"pictures": told}, tuple(seen))


Use = Callable[[Drawer, Fields, Listener, Stopper], Shown]


@dataclass(frozen=True)
class Tool:
    """One thing that an assistant can do."""

    name: str
    description: str
    use: Use
    takes: Mapping[str, Any]  # JSON Schema of what the tool alone takes
    required: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # rows of the table
    draws: bool = True

    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        rows = client_options()
        properties = {**self.takes, **{name: option_schema(rows[name]) for name in self.options}}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.required),
            "additionalProperties": self.draws,  # the table has more than is listed
        }


def _draw(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    _refuse(fields, "image", "mask")
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def _redraw(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    _refuse(fields, "mask")
    _need(fields, "image", "prompt")
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def _inpaint(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    _need(fields, "image", "prompt")
    rest = dict(fields)
    box = rest.pop("box", None)
    if (box is None) == (rest.get("mask") is None):
        raise BadRequest("what is to be repainted is not said", hint="either `box` or `mask`")
    if box is not None:
        image = drawer.folders.find(str(fields["image"]))
        rest["mask"] = _paint_box(drawer.folders.folders[0], image, box).name
    return drawer.draw(drawer.plan(drawer.order(rest)), listener, stopper)


def _outpaint(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    _refuse(fields, "mask")
    _need(fields, "image", "prompt")
    if all(fields.get(side) is None for side in BORDERS):
        raise BadRequest(
            "how far it is to be drawn on is not said", hint='`right`: 256, or `to`: "16:9"'
        )
    return drawer.draw(drawer.plan(drawer.order(fields)), listener, stopper)


def _upscale(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
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


def _vary(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    _need(fields, "picture")
    rest = {name: value for name, value in fields.items() if name != "picture"}
    changes = read_changes(rest, drawer.settings, FolderUploads(drawer.folders))
    _check_count(changes.get("count", 1))
    path = drawer.folders.find(str(fields["picture"]))
    return drawer.draw(recall_plan(path, changes, drawer.settings), listener, stopper)


def _show(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
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


def _list_models(drawer: Drawer, fields: Fields, listener: Listener, stopper: Stopper) -> Shown:
    kinds: dict[str, list[str]] = {}
    for model in list_all(drawer.settings):
        kinds.setdefault(model.kind or "unreadable", []).append(model.name)
    return Shown(
        {"drawn with unless said": drawer.settings.model, **kinds, "schedulers": [*SCHEDULERS]}
    )


_PICTURE = {"type": "string", "description": "The name of a picture, as `show` lists it."}
_BOX = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 4,
    "maxItems": 4,
    "description": "What is repainted, in pixels of the picture: left, top, right, bottom.",
}
_UPSCALER = {
    "type": "string",
    "description": "The name of an upscaler, or of an SD x4 upscaler, which alone is told a prompt and"
    " how to draw. Default: the one in the box.",
}
_SCALE = {
    "type": "number",
    "minimum": 0.25,
    "maximum": 16,
    "description": "How many times as large. Default: as the upscaler makes it.",
}
_USUAL = ("negative", "model", "lora", "seed", "count", "steps", "cfg", "scheduler")
_SIZE = ("width", "height")

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "draw",
            "Draw a picture from words.",
            _draw,
            {},
            ("prompt",),
            ("prompt", *_USUAL, *_SIZE),
        ),
        Tool(
            "redraw",
            "Redraw a picture from words: strength 0 keeps it, 1 ignores it.",
            _redraw,
            {"image": _PICTURE},
            ("image", "prompt"),
            ("prompt", "strength", *_USUAL),
        ),
        Tool(
            "inpaint",
            "Repaint a part of a picture; outside it every pixel stays.",
            _inpaint,
            {"image": _PICTURE, "box": _BOX, "mask": _PICTURE},
            ("image", "prompt"),
            ("prompt", "strength", "feather", *_USUAL),
        ),
        Tool(
            "outpaint",
            "Draw on beyond the edges of a picture, so many pixels on each side, or to a shape.",
            _outpaint,
            {"image": _PICTURE},
            ("image", "prompt"),
            ("prompt", *BORDERS, "fill", "only-masked", *_USUAL),
        ),
        Tool(
            "upscale",
            "Make a picture larger: by the upscaler in the box, or by one that is named.",
            _upscale,
            {"image": _PICTURE, "with": _UPSCALER, "scale": _SCALE},
            ("image",),
            ("prompt", *SETTINGS),
        ),
        Tool(
            "vary",
            "Draw a picture again from what it carries, with another seed or with what is changed.",
            _vary,
            {"picture": _PICTURE},
            ("picture",),
            ("prompt", *_USUAL, *_SIZE),
        ),
        Tool(
            "show",
            "Show a picture and how it was drawn; without a name, list the newest.",
            _show,
            {"picture": _PICTURE},
            draws=False,
        ),
        Tool(
            "list_models",
            "List the checkpoints, LoRAs, embeddings, upscalers and schedulers that tools can name.",
            _list_models,
            {},
            draws=False,
        ),
    )
}


def _need(fields: Fields, *names: str) -> None:
    for name in names:
        if not isinstance(fields.get(name), str):
            raise BadRequest(f"`{name}` is not said", hint="it is a text, and this needs it")


def _refuse(fields: Fields, *names: str) -> None:
    if stray := next((name for name in names if fields.get(name) is not None), None):
        raise BadRequest(
            f"`{stray}` has no meaning here", hint="`redraw` and `inpaint` start from a picture"
        )


def _check_count(count: int) -> None:
    if count > MOST:
        raise BadRequest(f"{count} pictures are too many at once", hint=f"{MOST} at most")


def _describe(picture: Picture, path: Path) -> dict[str, Any]:
    plan = picture.plan
    return {
        "path": str(path.absolute()),
        "name": path.name,
        "prompt": plan.prompt[:MOST_TEXT],
        "seed": plan.seed,
        "model": plan.model.path.stem,
        "size": "{}x{}".format(*drawn_size(plan)),
        "steps": plan.steps,
        "cfg": plan.cfg,
        "scheduler": plan.scheduler,
        "seconds": round(picture.provenance.seconds, 2),
        "command": command_for_plan(plan)[:MOST_TEXT],
    }


def _look(image: Image.Image) -> bytes:
    """What an assistant is shown of a picture: small enough for every client."""
    small = image.convert("RGB")
    small.thumbnail((LOOK, LOOK), Image.Resampling.LANCZOS)
    return encode_jpeg(small)


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
