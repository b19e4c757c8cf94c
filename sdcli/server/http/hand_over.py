"""A finished picture as a file: encoded with all that it carries, saved where that is wanted."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.table import FORMATS
from sdcli.metadata.record import metadata_save_options
from sdcli.outputs.save import find_destination, prepare_destination, save_picture
from sdcli.picture import Picture
from sdcli.plan import Plan, files_of
from sdcli.request import Output
from sdcli.server.http.job import DrawnPicture, Order
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads
from sdcli.server.pictures import keep_beside


def hand_over(picture: Picture, order: Order, settings: ServeSettings) -> DrawnPicture:
    """The picture in the format that was asked for."""
    saved = _save(picture, order, settings) if order.save else None
    data = encode(picture, order.format, order.quality)
    return DrawnPicture(
        picture.index, picture.plan, picture.provenance, data, media_type(order.format), saved
    )


def media_type(name: str) -> str:
    """What HTTP calls a format of pictures."""
    return f"image/{FORMATS[name].pillow.lower()}"


def encode(picture: Picture, name: str, quality: int | None = None) -> bytes:
    """The bytes of the file that the command would write, or of one of another quality."""
    row = FORMATS[name]
    options: dict[str, Any] = {**row.options, **metadata_save_options(picture, name)}
    if quality is not None:
        options["quality"] = quality
    return _written(picture.image, row, options)


def encode_preview(image: Image.Image, name: str = "png") -> bytes:
    """The bytes of a picture that is not finished, and carries nothing."""
    return _written(image, FORMATS[name], {})


def _written(image: Image.Image, row: PictureFormat, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    row.holding(image).save(file, row.pillow, **options)
    return file.getvalue()


def _save(picture: Picture, order: Order, settings: ServeSettings) -> str:
    place = find_destination(Output(settings.out, order.format))
    prepare_destination(place, picture.plan)
    path = save_picture(picture, place)
    _keep_uploads(picture.plan, order.uploads, path.parent)
    return path.name


def _keep_uploads(plan: Plan, uploads: Uploads, folder: Path) -> None:
    """Keep what a saved picture started from beside it: found there by its content, it is what the
    picture can be drawn again with."""
    for file, _ in files_of(plan):
        if uploads.holds(file.path):
            keep_beside(folder, file.path.stem, file.path.read_bytes(), file.sha256)
