"""A picture as it is learnt from: scaled to cover its bucket, and cut."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from sdcli.images.load import load_picture, load_transparency
from sdcli.training.learnt_picture import LearntPicture


@dataclass(frozen=True)
class FittedPicture:
    """A picture in the size of its bucket, and where its upper left corner was in the scaled one."""

    image: Image.Image
    mask: Image.Image | None  # grey: white where it counts; None: it counts everywhere
    left: int
    top: int


def fit_to_bucket(
    picture: LearntPicture, across: float, down: float, *, flipped: bool, masked: bool
) -> FittedPicture:
    """The part of a picture that stays, mirrored where that is asked for."""
    placement = picture.placement
    spare = [whole - kept for whole, kept in zip(placement.scaled, placement.bucket, strict=True)]
    left, top = int(spare[0] * across), int(spare[1] * down)
    box = (left, top, left + placement.bucket[0], top + placement.bucket[1])

    def cut(image: Image.Image) -> Image.Image:
        smaller = placement.scaled[0] < image.width
        how = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
        part = image.resize(placement.scaled, how).crop(box)
        return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flipped else part

    clear = load_transparency(picture.file.path, "picture") if masked else None
    mask = None if clear is None else cut(clear.point([255 - level for level in range(256)]))
    return FittedPicture(cut(load_picture(picture.file.path)), mask, left, top)
