"""What is said of a finished shard: `_manifests/00003.jsonl`, put there last, when all else is.

Its first line is of the shard, the others of its pictures, in their order. Nothing in it depends on
who drew it or when: that stands beside it, in `_manifests/00003.times.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sdcli.batch.shards import shard_name
from sdcli.batch.store import Store
from sdcli.errors import SdcliError

Row = Mapping[str, Any]  # a picture, or a job that failed: then it has `failed`, the reason


@dataclass(frozen=True)
class Manifest:
    """A finished shard."""

    shard: int
    objects: Mapping[str, str]  # its files and their sha256
    rows: tuple[Row, ...]

    @property
    def failed(self) -> list[Row]:
        """The pictures that could not be drawn."""
        return [row for row in self.rows if "failed" in row]

    @property
    def drawn(self) -> list[Row]:
        """Those that were."""
        return [row for row in self.rows if "failed" not in row]


def manifest_name(number: int) -> str:
    """Where a shard's manifest lies."""
    return f"_manifests/{shard_name(number)}.jsonl"


def times_name(number: int) -> str:
    """Where it lies who drew the shard, when, and how long it took."""
    return f"_manifests/{shard_name(number)}.times.json"


def finished_shards(store: Store) -> set[str]:
    """The names of the manifests that are there."""
    return {f"_manifests/{name}" for name in store.names("_manifests")}


def write_manifest(store: Store, manifest: Manifest) -> None:
    """Say that a shard is finished."""
    head = {
        "shard": manifest.shard,
        "pictures": len(manifest.drawn),
        "failed": len(manifest.failed),
        "objects": dict(manifest.objects),
    }
    store.put_bytes(manifest_name(manifest.shard), to_lines([head, *manifest.rows]))


def to_lines(rows: Iterable[Row]) -> bytes:
    """Rows as JSON lines, the same bytes for the same rows."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode(
        "utf-8", "backslashreplace"
    )


def read_manifest(store: Store, number: int) -> Manifest | None:
    """A shard's manifest; None where it is not there or is damaged: then the shard is due again."""
    name = manifest_name(number)
    if not store.has(name):
        return None
    try:
        head, *rows = (json.loads(line) for line in store.read(name).splitlines())
        manifest = Manifest(number, dict(head["objects"]), tuple(rows))
        whole = head["pictures"] == len(manifest.drawn) and head["failed"] == len(manifest.failed)
        return manifest if whole and _are_rows(rows) else None
    except (ValueError, KeyError, TypeError):
        return None


def _are_rows(rows: Sequence[Any]) -> bool:
    return all(isinstance(row, dict) and "key" in cast("Row", row) for row in rows)


def read_head(store: Store, number: int) -> Row | None:
    """The first line of a shard's manifest; None where it is not there or is damaged."""
    try:
        head = cast("Row", json.loads(store.read(manifest_name(number)).partition(b"\n")[0]))
        return head if {"pictures", "failed"} <= head.keys() else None
    except (ValueError, AttributeError, SdcliError):
        return None
