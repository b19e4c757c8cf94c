"""WebDataset: a tar for each shard, `KEY.png`, `KEY.json` and `KEY.txt` side by side in it.

The same pictures make the same bytes: no times, no owners, one order.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from sdcli.batch.manifest import to_lines
from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.staging import StagedSample, read_staged
from sdcli.batch.store import Store
from sdcli.outputs.atomic import write_file

_MODE = 0o444


def write_webdataset(
    store: Store, shard: str, samples: Sequence[StagedSample]
) -> Mapping[str, str]:
    """One tar, built beside the pictures and put whole."""
    if not samples:
        return {}
    name = f"{shard}.tar"
    built = samples[0].path.parent / name

    def fill(file: BinaryIO) -> None:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for sample in samples:
                _add(tar, sample.path.name, read_staged(sample))
                _add(tar, f"{sample.key}.json", to_lines([sample.row]))
                _add(tar, f"{sample.key}.txt", sample.row["prompt"].encode("utf-8", "replace"))

    write_file(built, fill)
    with built.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    store.put(name, built)
    return {name: sha256}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), _MODE
    tar.addfile(entry, io.BytesIO(data))


def read_webdataset(store: Store, objects: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The pictures in the tars, as far as they can be read."""
    for name in objects:
        if not store.has(name):
            continue
        try:
            with tarfile.open(fileobj=io.BytesIO(store.read(name))) as tar:
                for entry in tar:
                    path, file = PurePosixPath(entry.name), tar.extractfile(entry)
                    if file is not None and path.suffix not in {".json", ".txt"}:
                        yield path.stem, file.read()
        except tarfile.TarError:
            continue


WEBDATASET = OutputKind(
    "webdataset",
    "a tar for each shard: KEY.png, KEY.json, KEY.txt",
    write_webdataset,
    read_webdataset,
)
