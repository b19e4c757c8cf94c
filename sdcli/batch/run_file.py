"""What a folder of shards holds: written once, by whoever begins, and kept to by all who go on.

`_manifests/run.json` says what decides names and bytes; `_manifests/jobs.jsonl` lists every picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from sdcli.batch.shards import Shard
from sdcli.batch.store import Store
from sdcli.errors import BadRequest, SdcliError

RUN_NAME = "_manifests/run.json"
JOBS_NAME = "_manifests/jobs.jsonl"


@dataclass(frozen=True)
class RunFile:
    """The whole of a run, as far as it decides names and bytes."""

    jobs: str  # one hash for the names of all pictures, in their order
    pictures: int
    shards: int
    to: str  # a row of output_kinds
    format: str  # of the pictures
    batch: int  # pictures in one call of the U-Net; 0: as many as a GPU holds
    threads: int  # of a CPU, for each worker
    measures: str  # names, with commas
    metadata: bool  # whether pictures carry their plans


_FLAGS = {"shards": "--shards", "to": "--to", "format": "--format", "batch": "--batch",
          "threads": "--threads", "measures": "--measure", "metadata": "--no-metadata"}  # fmt: skip


def hash_jobs(keys: Iterable[str]) -> str:
    """One name for a list of pictures."""
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def read_run(store: Store) -> RunFile | None:
    """What is being drawn there; None where nothing is."""
    if not store.has(RUN_NAME):
        return None
    try:
        data = cast("Mapping[str, Any]", json.loads(store.read(RUN_NAME)))
        return RunFile(**{each.name: data[each.name] for each in fields(RunFile)})
    except (ValueError, KeyError, TypeError) as error:
        raise SdcliError(
            f"`{store.address}/{RUN_NAME}` cannot be read: {error}",
            hint="another version of sdcli may have written it; choose another `--out`",
        ) from None


def settle_run(
    store: Store, wanted: RunFile, said: Iterable[str], shards: Sequence[Shard], *, write: bool
) -> RunFile:
    """The run as it is there already, if it is of the same pictures, else `wanted`, written down if it
    is to be drawn.

    Of what was `said` in so many words nothing is passed over: it must be as it was then.
    """
    there = read_run(store)
    if there is None and not write:
        return wanted
    if there is None:
        store.put_bytes(JOBS_NAME, _list_jobs(shards))
        store.put_bytes(RUN_NAME, (json.dumps(asdict(wanted), indent=1) + "\n").encode())
        return wanted
    if there.jobs != wanted.jobs:
        raise BadRequest(
            f"`{store.address}` holds another batch, of {there.pictures:,} pictures",
            hint="choose another `--out`; the same jobs and flags go on where they stopped",
        )
    for name in said:
        then, now = getattr(there, name), getattr(wanted, name)
        if then != now:
            raise BadRequest(
                f"the batch in `{store.address}` was begun with {_FLAGS[name]} {then}, not {now}",
                hint=f"leave {_FLAGS[name]} away to go on, or choose another `--out`",
            )
    return there


def _list_jobs(shards: Sequence[Shard]) -> bytes:
    lines = (
        json.dumps({"key": sample.key, "shard": shard.number})
        for shard in shards
        for sample in shard.samples
    )
    return "".join(f"{line}\n" for line in lines).encode()
