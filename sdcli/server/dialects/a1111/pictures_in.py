"""The pictures of an img2img request: decoded, brought to size, masked, as files that a task names."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from sdcli.images.load import load_mask, load_picture
from sdcli.images.only_masked import fill_masked
from sdcli.images.resize import contain, cover, stretch
from sdcli.server.dialects.a1111.values import refuse
from sdcli.server.http.uploads import Uploads

Size = tuple[int, int]
Resize = Callable[[Image.Image, int, int], Image.Image]

RESIZE: Mapping[int, Resize] = {0: stretch, 1: cover, 2: contain}
LATENT_RESIZE = 3
FILL, ORIGINAL = 0, 1  # what is under a mask at the start
_LATENT_FILLS = (2, 3)  # at full strength nothing of them is seen


@dataclass(frozen=True)
class Start:
    """What is drawn from."""

    picture: Path
    mask: Path | None
    only_masked: int  # as the option of that name


def read_start(values: Mapping[str, Any], size: Size, uploads: Uploads) -> Start:
    """The picture and the mask of a request as they are to be drawn from."""
    path = _read_picture(values, uploads)
    picture = load_picture(path)
    resize = _resize(values["resize_mode"], picture.size, size)
    mask = _read_mask(values, picture.size, uploads)
    if mask is None:
        return Start(_put(uploads, resize(picture, *size), picture, path), None, -1)
    part = values["inpaint_full_res"]
    shown, shown_mask = (picture, mask) if part else (resize(picture, *size), resize(mask, *size))
    shown_mask = _hard(shown_mask)
    shown = _filled(shown, shown_mask, values)
    padding = max(values["inpaint_full_res_padding"], 0) if part else -1
    return Start(_put(uploads, shown, picture, path), _add(uploads, shown_mask, "mask"), padding)


def _read_picture(values: Mapping[str, Any], uploads: Uploads) -> Path:
    """The one picture of a request."""
    pictures = values["init_images"]
    if len(pictures) != 1:
        raise refuse("init_images", f"{len(pictures)} pictures are sent", "send one")
    return uploads.add_text("init_images", pictures[0])


def _resize(mode: int, given: Size, wanted: Size) -> Resize:
    if mode == LATENT_RESIZE and given == wanted:
        return stretch
    if mode not in RESIZE:
        raise refuse("resize_mode", f"there is no mode {mode}", "0 stretch, 1 crop, 2 fill")
    return RESIZE[mode]


def _read_mask(values: Mapping[str, Any], size: Size, uploads: Uploads) -> Image.Image | None:
    """White is drawn anew. None where that is everything, or there is no mask."""
    if not values["mask"]:
        return None
    mask = load_mask(uploads.add_text("mask", values["mask"]))
    if values["inpainting_mask_invert"]:
        mask = ImageChops.invert(mask)
    mask = _hard(stretch(mask, *size))
    low, high = mask.getextrema()
    if high == 0:
        raise refuse("mask", "it is black all over", "white is what is to be drawn anew")
    return None if low == 255 else mask


def _filled(picture: Image.Image, mask: Image.Image, values: Mapping[str, Any]) -> Image.Image:
    fill, whole = values["inpainting_fill"], values["denoising_strength"] == 1
    if fill == ORIGINAL or (whole and fill in (FILL, *_LATENT_FILLS)):
        return picture
    if fill != FILL:
        raise refuse(
            "inpainting_fill", f"{fill} is not provided", "0 is, and 1; 2 and 3 at strength 1"
        )
    return fill_masked(picture, mask)


def _hard(mask: Image.Image) -> Image.Image:
    return mask.point([255 * (level > 127) for level in range(256)])


def _put(uploads: Uploads, shown: Image.Image, picture: Image.Image, path: Path) -> Path:
    """The client's own file where it is drawn from as it is, so that its hash is recorded."""
    return path if shown is picture else _add(uploads, shown, "start")


def _add(uploads: Uploads, image: Image.Image, name: str) -> Path:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return uploads.add(name, file.getvalue())
