"""Work on finished pictures: made larger, and what they carry read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.images.load import load_picture
from sdcli.images.resize import cover
from sdcli.metadata.a1111_format import SIZE, Infotext, parse_infotext
from sdcli.metadata.readers.a1111 import PLACES
from sdcli.metadata.record import read_picture_metadata
from sdcli.server.dialects.a1111.answer import as_base64
from sdcli.server.dialects.a1111.fields import Field, read_fields
from sdcli.server.dialects.a1111.shelf import UPSCALER, Shelf
from sdcli.server.dialects.a1111.values import (
    list_of,
    name,
    number,
    object_of,
    refuse,
    text,
    whole,
    yes_or_no,
)
from sdcli.server.http.hand_over import encode_preview
from sdcli.server.http.settings import MOST_PIXELS
from sdcli.server.http.uploads import Uploads

NONE = "None"  # which leaves a picture as it is
RESIZERS: Mapping[str, Image.Resampling] = {
    NONE: Image.Resampling.LANCZOS,
    "Lanczos": Image.Resampling.LANCZOS,
    "Nearest": Image.Resampling.NEAREST,
}
MOST_PICTURES = 100
_NO_FACES = "faces are not restored"


def _idle(value: float) -> bool:
    return value == 0


COMMON = (
    Field("resize_mode", 0, whole),
    Field("upscaling_resize", 2.0, number),
    Field("upscaling_resize_w", 512, whole),
    Field("upscaling_resize_h", 512, whole),
    Field("upscaling_crop", True, yes_or_no),
    Field("upscaler_1", NONE, name),
    Field("upscaler_2", NONE, name),
    Field("extras_upscaler_2_visibility", 0.0, number),
    Field("gfpgan_visibility", 0.0, number, neutral=_idle, lacking=_NO_FACES),
    Field("codeformer_visibility", 0.0, number, neutral=_idle, lacking=_NO_FACES),
    Field("codeformer_weight"),  # of what is refused above
    Field("upscale_first"),
    Field("show_extras_results", True, yes_or_no),
)
SINGLE = (*COMMON, Field("image", "", text))
BATCH = (*COMMON, Field("imageList", [], list_of))
PNG_INFO = (Field("image", "", text),)


Size = tuple[int, int]
ByModel = Callable[[Image.Image, Path, Size], Image.Image]  # a picture at a size, by a file


@dataclass(frozen=True)
class Larger:
    """How pictures are to be enlarged: by plain arithmetic, or by an upscaler that is listed."""

    values: Mapping[str, Any]
    shelf: Shelf
    by_model: ByModel

    def apply(self, picture: Image.Image) -> Image.Image:
        """The picture by the first upscaler, mixed with that by the second one where it is seen."""
        first = self._by(picture, "upscaler_1")
        share = self.values["extras_upscaler_2_visibility"]
        if not 0 <= share <= 1:
            raise refuse("extras_upscaler_2_visibility", f"{share:g} is no share", "0 to 1")
        if self.values["upscaler_2"] == NONE or share == 0:
            return first
        return Image.blend(first, self._by(picture, "upscaler_2").resize(first.size), share)

    def _by(self, picture: Image.Image, field: str) -> Image.Image:
        wanted = self.values[field] or NONE
        if wanted == NONE:
            return picture
        if wanted in RESIZERS:
            return self._resized(picture, lambda one, size: one.resize(size, RESIZERS[wanted]))
        file = self.shelf.find(UPSCALER, wanted, field).path
        return self._resized(picture, lambda one, size: self.by_model(one, file, size))

    def _resized(
        self, picture: Image.Image, resize: Callable[[Image.Image, Size], Image.Image]
    ) -> Image.Image:
        values = self.values
        if values["resize_mode"] not in (0, 1):
            raise refuse("resize_mode", "there is no such mode", "0 by a factor, 1 to a size")
        size = values["upscaling_resize_w"], values["upscaling_resize_h"]
        to_size = values["resize_mode"] == 1
        if to_size and min(size) < 1:
            raise refuse("upscaling_resize_w", "a side has a pixel at least", "name a size")
        by = (
            max(size[0] / picture.width, size[1] / picture.height)
            if to_size
            else values["upscaling_resize"]
        )
        if not 0 < by <= 100:
            raise refuse("upscaling_resize", f"{by:g} is out of bounds", "above 0, 100 at most")
        larger = self._scaled(picture, by, resize)
        return cover(larger, *size) if to_size and values["upscaling_crop"] else larger

    def _scaled(
        self,
        picture: Image.Image,
        by: float,
        resize: Callable[[Image.Image, Size], Image.Image],
    ) -> Image.Image:
        """Larger by a factor, down to whole cells of 8 pixels, as that program has it."""
        width, height = (max(int(side * by) // 8 * 8, 8) for side in picture.size)
        if width * height > MOST_PIXELS:
            raise refuse("upscaling_resize", f"{width}x{height} is too large", "a smaller factor")
        return resize(picture, (width, height))


def enlarge_one(
    body: Mapping[str, Any], uploads: Uploads, shelf: Shelf, by_model: ByModel
) -> dict[str, Any]:
    """The answer to `extra-single-image`."""
    values = read_fields(body, SINGLE)
    if not values["image"]:
        raise refuse("image", "it is missing", "send a picture in base64")
    return {
        "html_info": _told(values),
        "image": _enlarged(Larger(values, shelf, by_model), values["image"], "image", uploads),
    }


def enlarge_several(
    body: Mapping[str, Any], uploads: Uploads, shelf: Shelf, by_model: ByModel
) -> dict[str, Any]:
    """The answer to `extra-batch-images`."""
    values = read_fields(body, BATCH)
    larger = Larger(values, shelf, by_model)
    files: Sequence[Any] = values["imageList"]
    if len(files) > MOST_PICTURES:
        raise refuse("imageList", f"{len(files)} pictures are too many", f"{MOST_PICTURES} at most")
    images: list[str | None] = []
    for file in files:
        try:
            data = object_of(file).get("data")
        except ValueError:
            raise refuse(
                "imageList", "a picture is said as an object", '{"data", "name"}'
            ) from None
        images.append(_enlarged(larger, data, "imageList", uploads))
    return {"html_info": _told(values), "images": images}


def _enlarged(larger: Larger, data: Any, field: str, uploads: Uploads) -> str | None:
    made = larger.apply(load_picture(uploads.add_text(field, data)))
    return as_base64(encode_preview(made)) if larger.values["show_extras_results"] else None


def _told(values: Mapping[str, Any]) -> str:
    return f"<p>Postprocess upscaler: {values['upscaler_1']}</p>"


def read_png_info(body: Mapping[str, Any], uploads: Uploads) -> dict[str, Any]:
    """The answer to `png-info`: the text that a picture carries, whole and in its parts."""
    values = read_fields(body, PNG_INFO)
    if not values["image"]:
        raise refuse("image", "it is missing", "send a picture in base64")
    texts = read_picture_metadata(uploads.add_text("image", values["image"])).texts
    place = next((each for each in PLACES if texts.get(each)), None)
    info = texts[place] if place else ""
    return {
        "info": info,
        "items": {name: value for name, value in texts.items() if name != place},
        "parameters": _parameters(parse_infotext(info)) if info else {},
    }


def _parameters(info: Infotext) -> dict[str, str]:
    width, _, height = info.fields.get(SIZE, "").partition("x")
    sides = {"Size-1": width, "Size-2": height} if height else {}
    rest = {name: value for name, value in info.fields.items() if name != SIZE}
    return {"Prompt": info.prompt, "Negative prompt": info.negative, **rest, **sides}
