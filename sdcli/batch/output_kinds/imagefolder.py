"""A folder that `datasets` loads as it is: pictures, and a `metadata.jsonl` beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from sdcli.batch.manifest import Row, to_lines
from sdcli.batch.output_kinds.folder import read_folder, write_folder
from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.staging import StagedSample
from sdcli.batch.store import Store

METADATA = "metadata.jsonl"


def write_imagefolder(
    store: Store, shard: str, samples: Sequence[StagedSample]
) -> Mapping[str, str]:
    """The pictures, then what is to be said of them, by the names of the files."""
    data = to_lines(_columns(sample) for sample in samples)
    objects = dict(write_folder(store, shard, samples))
    name = f"{shard}/{METADATA}"
    store.put_bytes(name, data)
    return {**objects, name: hashlib.sha256(data).hexdigest()}


def _columns(sample: StagedSample) -> Row:
    row = sample.row
    flat = {f"measured_{name}": value for name, value in row.get("measured", {}).items()}
    kept = ("key", "seed", "width", "height", "negative", "sha256")
    return {
        "file_name": sample.path.name,
        "text": row["prompt"],
        **{name: row[name] for name in kept},
        **flat,
    }


def read_imagefolder(store: Store, objects: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The pictures that are there."""
    return read_folder(store, [name for name in objects if not name.endswith(METADATA)])


IMAGEFOLDER = OutputKind(
    "imagefolder",
    "files with a metadata.jsonl, as `datasets` loads them",
    write_imagefolder,
    read_imagefolder,
)
