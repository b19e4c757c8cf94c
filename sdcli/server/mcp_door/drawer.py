"""Draws what an assistant's tools want, saves it, and says what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.hires import drawn_size
from sdcli.outputs.save import find_destination, prepare_destination, save_picture
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.request import Output
from sdcli.server.http.job import Order
from sdcli.server.http.planning import plan_order
from sdcli.server.http.read_request import read_order
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads
from sdcli.server.http.worker import Stopped, Stopper, Worker
from sdcli.server.pictures import PictureFolders, encode_jpeg

LOOK = 768  # pixels of the longer side of what an assistant is shown
MOST = 8  # pictures of one call
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
        check_count(plan.count)
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


def check_count(count: int) -> None:
    """Refuse more pictures than an assistant should look at."""
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
