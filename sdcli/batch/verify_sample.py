"""A sample of a finished batch drawn again, and held against what is there."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PIL import Image

from sdcli.batch.manifest import Row
from sdcli.batch.verify import Finding, Verification
from sdcli.errors import SdcliError
from sdcli.events import Listener
from sdcli.library.relocate import relocate_plan
from sdcli.metadata.record import hash_pixels, read_plan
from sdcli.reproduce.compare import DIFFERENT, Verdict, compare_images

if TYPE_CHECKING:
    from sdcli.engine.door import WorkerSession


def choose_sample(seen: Verification, pictures: int) -> list[Row]:
    """So many of the pictures, the same ones each time."""
    rows = seen.rows
    return random.Random(seen.run.jobs).sample(rows, min(pictures, len(rows)))


def draw_sample(
    seen: Verification, rows: list[Row], session: WorkerSession, listener: Listener
) -> Iterator[tuple[Row, Verdict | Finding]]:
    """How each picture compares to what its plan draws now."""
    for row in rows:
        number = _shard_of(seen, row)
        try:
            plan, _ = relocate_plan(read_plan(row["plan"]), ())
            (drawn,) = session.run_together([plan], 1, listener)
            verdict = Verdict("identical")
            if hash_pixels(drawn.image) != row["pixels"]:
                verdict = compare_images(_stored_image(seen, row, number), drawn.image)
        except SdcliError as error:
            yield row, Finding("not as planned", row["key"], number, error.fact)
            continue
        if verdict.word == DIFFERENT:
            yield row, Finding("not as planned", row["key"], number, str(verdict))
        else:
            yield row, verdict


def _shard_of(seen: Verification, row: Row) -> int:
    return next(number for number, keys in seen.expected.items() if row["key"] in keys)


def _stored_image(seen: Verification, row: Row, number: int) -> Image.Image:
    manifest = next(one for one in seen.manifests if one.shard == number)
    for key, data in seen.kind.read(seen.store, [*manifest.objects]):
        if key == row["key"]:
            with Image.open(io.BytesIO(data)) as image:
                return image.convert("RGB")
    raise SdcliError(f"{row['key']} is in no file", hint="draw the same jobs again")
