"""How a picture drawn again compares to the one that was recalled."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageStat

from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.table import format_of_path
from sdcli.images.load import load_picture
from sdcli.images.transparency import over_white
from sdcli.metadata.record import hash_pixels
from sdcli.picture import Picture
from sdcli.reproduce.recall import RecalledPicture

IDENTICAL, ROUNDING, DIFFERENT = "identical", "equal within rounding", "different"
# What other devices and another order of sums come to, in grey levels.
ROUNDING_MEAN = 1.0
ROUNDING_LARGEST = 64
WHOLE_RANGE = 255.0


def encode_as(picture: Picture, row: PictureFormat) -> Image.Image:
    """The picture as it would be read from a file of this format: what JPEG loses is lost."""
    if row.lossless:
        return picture.image
    file = io.BytesIO()
    row.holding(picture.image).save(file, row.pillow, **row.options)
    with Image.open(file) as image:
        return image.convert("RGB")


@dataclass(frozen=True)
class Verdict:
    """How two pictures compare: in a word, and by how many grey levels they differ."""

    word: str  # identical, equal within rounding, different
    largest: int = 0
    mean: float = 0.0
    before: str = ""  # what was made of it since, where the two are compared as they were before

    def __str__(self) -> str:
        if self.before:
            how = "identical, every pixel," if self.word == IDENTICAL else self.word
            return f"{how} before it was {self.before}"
        if self.word == IDENTICAL:
            return "identical, every pixel"
        if self.mean == WHOLE_RANGE:
            return f"{self.word}: not even of the same size"
        return f"{self.word}: by {self.mean:.3g} grey levels on average, {self.largest} at most"


def compare_with_original(picture: Picture, recalled: RecalledPicture) -> Verdict:
    """How the picture drawn now compares to the file that was recalled, as both are read."""
    drawn = recalled.embedded.pixels == hash_pixels(picture.image)
    if recalled.embedded.enlarged:
        return Verdict(IDENTICAL if drawn else DIFFERENT, before="enlarged")
    row = format_of_path(recalled.path)
    now = encode_as(picture, row) if row and recalled.program == "sdcli" else picture.image
    verdict = compare_images(load_picture(recalled.path), now)
    # Another version of an encoder loses other things; what was drawn may still be the very same.
    if verdict.word == ROUNDING and drawn and row and not row.lossless:
        return Verdict(IDENTICAL)
    return verdict


def compare_images(then: Image.Image, now: Image.Image) -> Verdict:
    """How two images compare, pixel by pixel."""
    if then.size != now.size:
        return Verdict(DIFFERENT, 255, WHOLE_RANGE)
    statistics = ImageStat.Stat(ImageChops.difference(then, over_white(now).convert("RGB")))
    largest = int(max(high for _, high in statistics.extrema))
    if largest == 0:
        return Verdict(IDENTICAL)
    mean = sum(statistics.mean) / len(statistics.mean)
    close = mean <= ROUNDING_MEAN and largest <= ROUNDING_LARGEST
    return Verdict(ROUNDING if close else DIFFERENT, largest, mean)


def provenance_differences(picture: Picture, recalled: RecalledPicture) -> tuple[str, ...]:
    """How the drawing itself went otherwise than then: another device, another fallback."""
    then, now = recalled.embedded.provenance, picture.provenance
    news: list[str] = []
    if then is not None:
        if (then.device, then.dtype) != (now.device, now.dtype):
            news.append(
                f"drawn on {then.device} in {then.dtype}; now on {now.device} in {now.dtype}"
            )
        if then.threads and now.threads and then.threads != now.threads:
            news.append(
                f"drawn by {then.threads} threads; now by {now.threads}, which sum otherwise"
            )
        news += [f"then: {event}" for event in then.events if event not in now.events]
        news += [f"now: {event}" for event in now.events if event not in then.events]
    if was_changed_since(recalled):
        news.append("its pixels have been changed since it was drawn")
    return tuple(news)


def was_changed_since(recalled: RecalledPicture) -> bool:
    """Whether the file's pixels are no longer those that were drawn (lossless formats only)."""
    told, row = recalled.embedded.last_pixels, format_of_path(recalled.path)
    if not told or row is None or not row.lossless:
        return False
    return hash_pixels(load_picture(recalled.path)) != told
