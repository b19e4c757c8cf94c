"""What an enlarged picture carries: all that the small one did, and that it was enlarged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcli.errors import SdcliError
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.png import PNG
from sdcli.images.formats.texts import KEYWORD
from sdcli.metadata.readers.a1111 import PLACES
from sdcli.metadata.record import (
    Enlargement,
    add_enlargement,
    find_record,
    read_picture_metadata,
)
from sdcli.upscale.size_wish import SizeWish

_UPSCALED_BY, _UPSCALED_TO, _UPSCALER = (
    "Postprocess upscale by",
    "Postprocess upscale to",
    "Postprocess upscaler",
)


@dataclass(frozen=True)
class CarriedTexts:
    """What a picture carried: our JSON, A1111's text, and whatever other programs wrote; and why
    some of it is lost."""

    ours: str = ""
    theirs: str = ""
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str = ""


def read_carried_texts(path: Path) -> CarriedTexts:
    """What the picture at `path` carries, to be carried on."""
    try:
        carried = read_picture_metadata(path)
    except SdcliError as error:
        return CarriedTexts(problem=error.fact)
    texts = carried.texts
    place = next((p for p in PLACES if texts.get(p, "").strip()[:1] not in ("", "{")), None)
    ours = (find_record(texts) or "") if carried.plan is not None else ""
    known = (place, KEYWORD)
    others = {
        name: text
        for name, text in texts.items()
        if name not in known and text != ours and name.isascii() and name.isprintable()
    }
    return CarriedTexts(ours, texts[place] if place else "", others)


def add_step(texts: CarriedTexts, step: Enlargement, scale: float, wish: SizeWish) -> CarriedTexts:
    """The texts of the enlarged picture, in the words that A1111 has for it where it has some."""
    said = (
        f"{_UPSCALED_TO}: {step.size}" if wish.within else f"{_UPSCALED_BY}: {scale:g}",
        f"{_UPSCALER}: {step.upscaler.path.stem}",
    )
    told = ", ".join(said)
    theirs = f"{texts.theirs}, {told}" if texts.theirs else told
    ours = add_enlargement(texts.ours, step) if texts.ours else ""
    return CarriedTexts(ours, theirs, texts.others)


def embed_texts(row: PictureFormat, texts: CarriedTexts) -> dict[str, Any]:
    """What `Image.save` must be told for a picture to carry these texts. The texts of other programs
    have a place in PNG alone."""
    options = row.embed(texts.ours, texts.theirs)
    if row is PNG:
        for name, text in texts.others.items():
            options["pnginfo"].add_itxt(name, text)
    return options
