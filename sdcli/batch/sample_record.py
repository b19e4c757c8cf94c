"""A picture of a shard as bytes and as a row of its manifest: the same whoever draws it, and when."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdcli.batch.shards import Sample
from sdcli.images.formats.table import FORMATS
from sdcli.metadata.record import hash_pixels, metadata_save_options, plan_to_data, portable_plan
from sdcli.outputs.study_folder import plain_value
from sdcli.picture import Picture


def picture_bytes(picture: Picture, format: str) -> bytes:  # noqa: A002
    """The picture as a file. How long it took is not in it: no two runs would make the same file."""
    timeless = replace(picture, provenance=replace(picture.provenance, seconds=0.0))
    row = FORMATS[format]
    file = io.BytesIO()
    options = {**row.options, **metadata_save_options(timeless, format)}
    row.holding(picture.image).save(file, row.pillow, **options)
    return file.getvalue()


def picture_row(
    sample: Sample, picture: Picture, data: bytes, ending: str, measured: Mapping[str, Any]
) -> dict[str, Any]:
    """All that is to be known of a picture that was drawn."""
    plan, made = picture.plan, picture.provenance
    row: dict[str, Any] = {
        "key": sample.key,
        "file": f"{sample.key}.{ending}",
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels": hash_pixels(picture.image),
        "bytes": len(data),
        "width": picture.image.width,
        "height": picture.image.height,
        "seed": plan.seed,
        "prompt": plan.prompt,
        "negative": plan.negative,
        "device": made.device,
        "dtype": made.dtype,
        "events": list(made.events),
        "plan": plan_to_data(portable_plan(plan)),
    }
    return {**row, "measured": plain_value(measured)} if measured else row


def failed_row(sample: Sample, reason: str) -> dict[str, Any]:
    """The row of a picture that could not be drawn."""
    return {"key": sample.key, "prompt": sample.request.prompt, "failed": reason}
