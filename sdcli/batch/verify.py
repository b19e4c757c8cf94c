"""A finished batch held against its jobs: what is missing, double, damaged, or nobody's."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sdcli.batch.manifest import Manifest, Row, manifest_name, read_manifest
from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.output_kinds.table import find_output_kind
from sdcli.batch.run_file import JOBS_NAME, RUN_NAME, RunFile, hash_jobs, read_run
from sdcli.batch.shards import shard_name
from sdcli.batch.store import Store
from sdcli.errors import BadRequest, SdcliError


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    what: str  # missing, double, damaged, failed, unknown, not as planned
    name: str  # a picture, or a file
    shard: int | None  # None: it is nobody's, or several's
    why: str

    def __str__(self) -> str:
        where = "" if self.shard is None else f"shard {self.shard}: "
        return f"{where}{self.name} is {self.what}: {self.why}"


@dataclass
class Verification:
    """A batch that is being looked at: what it is, and what was seen of it."""

    store: Store
    run: RunFile
    expected: Mapping[int, list[str]]  # pictures by shard
    kind: OutputKind
    manifests: list[Manifest] = field(default_factory=list[Manifest])
    files: set[str] = field(default_factory=set[str])  # that belong to it
    seen: Counter[str] = field(default_factory=Counter[str])  # pictures, in whatever file

    @property
    def rows(self) -> list[Row]:
        """Every picture that is said to be drawn."""
        return [row for manifest in self.manifests for row in manifest.drawn]

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong, shard by shard."""
        for number in range(self.run.shards):
            yield from self._of_shard(number, self.expected.get(number, []))
        for key, times in self.seen.items():
            if times > 1:
                yield Finding("double", key, None, f"it is there {times} times")
        yield from self._strangers()

    def _of_shard(self, number: int, keys: list[str]) -> Iterator[Finding]:
        manifest = read_manifest(self.store, number)
        if manifest is None:
            there = self.store.has(manifest_name(number))
            why = "its manifest is damaged" if there else "it was not drawn to its end"
            for key in keys:
                yield Finding("missing", key, number, why)
            return
        self.manifests.append(manifest)
        yield from self._of_rows(manifest, keys)
        yield from self._of_files(manifest)

    def _of_rows(self, manifest: Manifest, keys: list[str]) -> Iterator[Finding]:
        """What a manifest names, against what was asked for."""
        number = manifest.shard
        listed = Counter(row["key"] for row in manifest.rows)
        for key in keys:
            if key not in listed:
                yield Finding("missing", key, number, "the manifest does not name it")
        for key, times in listed.items():
            if key not in keys:
                yield Finding("unknown", key, number, "no job asks for it")
            elif times > 1:
                yield Finding("double", key, number, f"the manifest names it {times} times")
        for row in manifest.failed:
            yield Finding("failed", row["key"], number, row["failed"])

    def _of_files(self, manifest: Manifest) -> Iterator[Finding]:
        """The pictures in a shard's files, and those files as a whole."""
        rows = {row["key"]: row for row in manifest.drawn}
        self.files.update(manifest.objects)
        seen: set[str] = set()
        try:
            for key, data in self.kind.read(self.store, [*manifest.objects]):
                self.seen[key] += 1
                seen.add(key)
                if key not in rows:
                    yield Finding("unknown", key, manifest.shard, "the manifest does not name it")
                elif hashlib.sha256(data).hexdigest() != rows[key]["sha256"]:
                    yield Finding("damaged", key, manifest.shard, "it is not what was written")
        except SdcliError as error:
            yield Finding("damaged", shard_name(manifest.shard), manifest.shard, error.fact)
        for key in rows.keys() - seen:
            yield Finding("missing", key, manifest.shard, "the manifest names it, no file holds it")
        yield from self._of_other_files(manifest, {row["file"] for row in manifest.drawn})

    def _of_other_files(self, manifest: Manifest, pictures: set[str]) -> Iterator[Finding]:
        """Files that hold more than one picture."""
        for name, sha256 in manifest.objects.items():
            if name.rpartition("/")[2] in pictures:
                continue
            if not self.store.has(name):
                yield Finding("missing", name, manifest.shard, "the manifest names it")
            elif hashlib.sha256(self.store.read(name)).hexdigest() != sha256:
                yield Finding("damaged", name, manifest.shard, "it is not what was written")

    def _strangers(self) -> Iterator[Finding]:
        finished = {shard_name(manifest.shard) for manifest in self.manifests}
        due = (shard_name(n) for n in range(self.run.shards) if shard_name(n) not in finished)
        known = ("_manifests/", *due)  # what a shard without a manifest left is written over
        for name in sorted(self.store.names()):
            if name not in self.files and not name.startswith(known):
                yield Finding("unknown", name, None, "no manifest names it")


def open_verification(store: Store) -> Verification:
    """The batch at a place; BadRequest where there is none."""
    run = read_run(store)
    if run is None:
        raise BadRequest(
            f"`{store.address}` holds no batch in shards: there is no {RUN_NAME}",
            hint="name the `--out` of `sdcli batch --shards N` (or --workers, --to)",
        )
    expected = _read_expected(store, run)
    return Verification(store, run, expected, find_output_kind(run.to))


def _read_expected(store: Store, run: RunFile) -> Mapping[int, list[str]]:
    expected: dict[int, list[str]] = {}
    keys: list[str] = []
    try:
        for line in store.read(JOBS_NAME).splitlines():
            entry: Any = json.loads(line)
            expected.setdefault(int(entry["shard"]), []).append(str(entry["key"]))
            keys.append(str(entry["key"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SdcliError(
            f"`{store.address}/{JOBS_NAME}` cannot be read: {error}",
            hint="draw the same jobs again into the same place: it is written anew",
        ) from None
    if hash_jobs(keys) != run.jobs:
        raise SdcliError(
            f"`{store.address}/{JOBS_NAME}` is not the list that was written",
            hint="remove it and `run.json`, and draw the same jobs again into the same place",
        )
    return expected
