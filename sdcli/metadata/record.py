"""What a picture carries: its whole plan as JSON, and the text that other programs read.

The JSON is for `sdcli reproduce`: to the last digit, every file with its hash. The text is
AUTOMATIC1111's, which nearly every other program and gallery understands. Where a file holds the two
is its format's own (`images/formats`): text chunks in a PNG, maker note and user comment elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli import __version__
from sdcli.errors import BadRequest
from sdcli.images.alpha_watermark import read_watermark
from sdcli.images.embedded_texts import read_embedded_texts
from sdcli.images.formats.table import FORMATS
from sdcli.images.formats.texts import KEYWORD
from sdcli.library.find_by_hash import portable_path
from sdcli.metadata import codec
from sdcli.metadata.a1111_write import write_infotext
from sdcli.metadata.codec import BadData, Bounds
from sdcli.options.adapter_values import LARGEST_WEIGHT
from sdcli.options.parse import LONGEST_PROMPT
from sdcli.options.table import number_bounds
from sdcli.picture import Picture, Provenance
from sdcli.plan import File, Plan, map_files

_RECORD_OPENING = f'{{"{KEYWORD}":'  # how our JSON begins, whatever it is kept in
_PLACES = ("MakerNote", "comment")

BOUNDS = Bounds(
    numbers={
        **number_bounds(),
        **{name: (-LARGEST_WEIGHT, LARGEST_WEIGHT) for name in ("unet", "te", "weight")},
        **{name: (0, 1) for name in ("start", "end", "share")},
        "vectors": (0, 1_000),
        "seconds": (0, 1e9),
    },
    texts={
        **dict.fromkeys(
            (
                *("prompt", "hires_prompt", "template"),
                *("negative", "hires_negative", "negative_template"),
            ),
            LONGEST_PROMPT,
        ),
        "sha256": 128,
        "pixels": 64,
    },
)


@dataclass(frozen=True)
class Enlargement:
    """How a finished picture was made larger afterwards."""

    upscaler: File
    size: str  # that it came to, like 1024x1536
    pixels: str = ""  # what `hash_pixels` said then


@dataclass(frozen=True)
class EmbeddedMetadata:
    """What a picture turned out to carry. Without a plan it is a stranger's, or nobody's."""

    texts: Mapping[str, str]
    plan: Plan | None = None
    provenance: Provenance | None = None
    pixels: str = ""  # what `hash_pixels` said when it was drawn
    enlarged: tuple[Enlargement, ...] = ()  # what was made of it since
    version: str = ""  # of the sdcli that drew it
    unknown_fields: tuple[str, ...] = ()  # fields of a later version, which decide who knows what
    problems: tuple[str, ...] = ()

    @property
    def last_pixels(self) -> str:
        """What `hash_pixels` said of the picture as it was last saved."""
        return self.enlarged[-1].pixels if self.enlarged else self.pixels


@dataclass(frozen=True)
class _Record:
    """The JSON: who wrote it, what was done, how it went, and what came out."""

    sdcli: str
    plan: Plan
    provenance: Provenance = field(metadata={codec.STORED_AS: ("made",)})
    pixels: str = field(default="")
    enlarged: tuple[Enlargement, ...] = ()


def plan_to_data(plan: Plan) -> dict[str, Any]:
    """A plan as JSON data: what a picture carries of it, and what `--dry-run` prints."""
    data: dict[str, Any] = codec.to_data(plan)
    del data[codec.TYPE_KEY]
    return data


def read_plan(data: Any) -> Plan:
    """The plan that `plan_to_data` made data of; BadData where it is none, or out of bounds."""
    return codec.DataReader(BOUNDS).read(Plan, data)


def portable_plan(plan: Plan) -> Plan:
    """The plan as others may see it: it names files, not where this machine keeps them."""
    return map_files(plan, lambda file, _: File(portable_path(file.path), file.sha256))


def compose_record(picture: Picture) -> str:
    """The JSON that a picture carries. It names files, not where this machine keeps them."""
    record = _Record(
        __version__, portable_plan(picture.plan), picture.provenance, hash_pixels(picture.image)
    )
    data = codec.to_data(record)
    del data[codec.TYPE_KEY], data["enlarged"]
    return codec.to_json(data)


def add_enlargement(record_text: str, step: Enlargement) -> str:
    """The JSON that a picture carries, and that it was made larger: what drew it stays as it was
    written, by whatever version."""
    data = codec.from_json(record_text)
    file = File(portable_path(step.upscaler.path), step.upscaler.sha256)
    data["enlarged"] = [*data.get("enlarged", ()), codec.to_data(replace(step, upscaler=file))]
    return codec.to_json(data)


def find_record(texts: Mapping[str, str]) -> str | None:
    """Our JSON among the texts of a picture."""
    places = (text for text in map(texts.get, _PLACES) if text)
    return texts.get(KEYWORD) or next(
        (text for text in places if text.startswith(_RECORD_OPENING)), None
    )


def hash_pixels(image: Image.Image) -> str:
    """The sha256 of the pixels alone, in red, green and blue, row by row."""
    rgb = image.convert("RGB")
    size = f"{rgb.width}x{rgb.height}\n".encode()
    return hashlib.sha256(size + rgb.tobytes()).hexdigest()


def metadata_save_options(picture: Picture, format: str) -> dict[str, Any]:  # noqa: A002
    """What `Image.save` must be told for this picture to carry its plan in this format."""
    if not picture.plan.output.metadata:
        return {}
    return FORMATS[format].embed(compose_record(picture), write_infotext(picture.plan))


def read_picture_metadata(path: Path) -> EmbeddedMetadata:
    """What the picture at `path` carries. Nothing that is written there is executed or trusted.

    A picture that carries our plan is read by that alone. BadRequest where the plan cannot be read:
    what stands beside it for other programs says less, so it is no substitute.
    """
    texts = read_embedded_texts(path)
    if not texts.named:
        texts.add(*_read_watermark(path))
    embedded = EmbeddedMetadata(texts.named, problems=tuple(texts.problems))
    if KEYWORD in texts.lost:
        raise _refused(path, texts.lost[KEYWORD])
    record_text = find_record(texts.named)
    try:
        return _with_plan(embedded, record_text) if record_text else embedded
    except BadData as error:
        raise _refused(path, error.fact) from None


def _refused(path: Path, why: str) -> BadRequest:
    return BadRequest(
        f"`{path}` carries a plan that cannot be read: {why}",
        hint="another version of sdcli may have drawn it, or something has changed the file",
    )


def _read_watermark(path: Path) -> tuple[str, str]:
    """A watermark's text by the name it would have had: NovelAI's is the JSON of all its chunks."""
    hidden = read_watermark(path)
    return ("stealth" if hidden.lstrip()[:1] == "{" else "parameters"), hidden


def _with_plan(embedded: EmbeddedMetadata, record_text: str) -> EmbeddedMetadata:
    reader = codec.DataReader(BOUNDS)
    record = reader.read(_Record, codec.from_json(record_text))
    return replace(
        embedded,
        plan=record.plan,
        provenance=record.provenance,
        pixels=record.pixels,
        version=record.sdcli,
        enlarged=record.enlarged,
        unknown_fields=tuple(reader.unknown_fields[:100]),
    )
