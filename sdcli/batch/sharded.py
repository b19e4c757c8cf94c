"""A batch in shards, planned: where it goes, how it is cut, which of it is still to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcli.batch.job_file import BatchJob, UnreadableLine
from sdcli.batch.journal import JOURNAL_NAME
from sdcli.batch.manifest import finished_shards, manifest_name, read_head
from sdcli.batch.output_kinds.table import find_output_kind
from sdcli.batch.run import FailedJob, failed_line
from sdcli.batch.run_file import RUN_NAME, RunFile, hash_jobs, read_run, settle_run
from sdcli.batch.shards import Part, Shard, count_shards, cut_into_shards, list_samples
from sdcli.batch.store import FolderStore, Store, is_remote, open_store
from sdcli.errors import BadRequest
from sdcli.library.open_file import expand_path, is_ordinary_file
from sdcli.outputs.save import FOLDER, find_destination, names_file
from sdcli.request import Output, Request
from sdcli.studies.judging_wish import JudgingWish


@dataclass(frozen=True)
class ShardWish:
    """What was said of a batch in shards; None where nothing was."""

    shards: int | None = None
    part: Part | None = None
    workers: int = 1
    to: str | None = None
    batch: int | None = None
    threads: int | None = None
    usual_threads: int = 1  # where nobody says


@dataclass(frozen=True)
class ShardedBatch:
    """A run: what it is, what of it is to be drawn by this command, what is drawn already."""

    store: Store
    run: RunFile
    due: tuple[Shard, ...]
    mine: int  # shards that this command is to draw or has drawn
    finished_before: int  # pictures
    failed_lines: tuple[FailedJob, ...]

    @property
    def pictures(self) -> int:
        """How many are in the shards to be drawn."""
        return sum(len(shard.samples) for shard in self.due)


def plan_sharded(
    lines: Iterable[BatchJob | UnreadableLine],
    base: Request,
    wish: ShardWish,
    judging: JudgingWish,
    *,
    write: bool = True,
) -> ShardedBatch:
    """The batch as it goes on where it is. Nothing of it is written yet but what it is, and that only
    if it is to be drawn."""
    store = open_store(shards_address(base.output))
    _check_folder(store)
    known = read_run(store)
    jobs, failed = _read_all(lines)
    samples = list_samples(jobs)
    part = wish.part or Part(1, 1)
    count = (
        known.shards
        if known and wish.shards is None
        else wish.shards or (part.of if part.of > 1 else count_shards(len(samples), wish.workers))
    )
    shards = cut_into_shards(samples, count)
    kind = find_output_kind(wish.to or (known.to if known else "folder"))
    usual = 1 if wish.batch is None else wish.batch
    wanted = RunFile(
        jobs=hash_jobs(sample.key for sample in samples),
        pictures=len(samples),
        shards=count,
        to=kind.name,
        format=find_destination(Output("shards/", base.output.format)).format,
        batch=usual,
        threads=wish.threads or wish.usual_threads,
        measures=judging.measures or "",
        metadata=base.output.metadata,
    )
    run = settle_run(store, wanted, _said(base, wish, judging), shards, write=write)
    mine = part.take(shards)
    due, before = _list_due(store, mine)
    return ShardedBatch(store, run, tuple(due), len(mine), before, tuple(failed))


def _said(base: Request, wish: ShardWish, judging: JudgingWish) -> list[str]:
    """What was said in so many words."""
    words: dict[str, Any] = {
        "shards": wish.shards,
        "to": wish.to,
        "format": base.output.format,
        "batch": wish.batch,
        "threads": wish.threads,
        "measures": judging.measures,
        "metadata": False if not base.output.metadata else None,
    }
    return [name for name, value in words.items() if value is not None]


def shards_address(output: Output) -> str:
    """Where shards go: `--out` names a folder or an address; the files in it have names of their own."""
    address = output.path or FOLDER
    if "{" in address or ("://" not in address and names_file(address)):
        raise BadRequest(
            f"`--out {address}` names files, and those of shards are named by what is in them",
            hint="name a folder, or an address such as s3://bucket/folder",
        )
    return address


def is_sharded_place(output: Output) -> bool:
    """Whether a batch can only go on in shards where the pictures go."""
    address = output.path or FOLDER
    return is_remote(address) or is_ordinary_file(expand_path(Path(address)) / RUN_NAME)


def _check_folder(store: Store) -> None:
    if isinstance(store, FolderStore) and store.has(JOURNAL_NAME):
        raise BadRequest(
            f"`{store.address}` holds a batch that is not in shards",
            hint="the same command without --workers, --shards and --to goes on with it;"
            " or choose another `--out`",
        )


def _read_all(
    lines: Iterable[BatchJob | UnreadableLine],
) -> tuple[Sequence[BatchJob], Sequence[FailedJob]]:
    jobs: list[BatchJob] = []
    failed: list[FailedJob] = []
    for line in lines:
        if isinstance(line, BatchJob):
            jobs.append(line)
        else:
            failed.append(failed_line(line.line, line.error))
    return jobs, failed


def _list_due(store: Store, mine: Sequence[Shard]) -> tuple[list[Shard], int]:
    """The shards without a manifest, and those of whose pictures some failed; how many pictures of
    the others are there."""
    there = finished_shards(store)
    due: list[Shard] = []
    before = 0
    for shard in mine:
        head = read_head(store, shard.number) if manifest_name(shard.number) in there else None
        if head is None or head["failed"]:
            due.append(shard)
        else:
            before += int(head["pictures"])
    return due, before
