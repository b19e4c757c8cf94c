"""Pictures as files: `00003/KEY.png`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.staging import StagedSample
from sdcli.batch.store import Store


def write_folder(store: Store, shard: str, samples: Sequence[StagedSample]) -> Mapping[str, str]:
    """Each picture under its own name in the shard's folder."""
    objects: dict[str, str] = {}
    for sample in samples:
        name = f"{shard}/{sample.path.name}"
        store.put(name, sample.path)
        objects[name] = sample.row["sha256"]
    return objects


def read_folder(store: Store, objects: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The pictures that are there."""
    for name in objects:
        if store.has(name):
            yield PurePosixPath(name).stem, store.read(name)


FOLDER = OutputKind("folder", "files, a folder for each shard", write_folder, read_folder)
