"""The pictures of a shard that is not finished: each as soon as it is drawn, in a folder of this machine.

A process that ends before its shard is written loses nothing but the picture it was drawing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sdcli.batch.job_file import split_lines
from sdcli.errors import SdcliError
from sdcli.outputs.atomic import write_error, write_file
from sdcli.outputs.file_lock import lock_file

_ROWS = "rows.jsonl"


@dataclass(frozen=True)
class StagedSample:
    """A picture as a file, and its row of the manifest."""

    row: Mapping[str, Any]
    path: Path
    seconds: float  # that drawing it took

    @property
    def key(self) -> str:
        """What it is called."""
        return self.row["key"]


class Staging:
    """The folder of one unfinished shard. One process at a time draws into it."""

    def __init__(self, folder: Path, on_wait: Callable[[], None]) -> None:
        """Open it. Where another process has it open, call `on_wait`, then wait for that."""
        self.folder = folder
        self.samples: dict[str, StagedSample] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder.parent / f"{folder.name}.lock").open("ab")
        except OSError as error:
            raise write_error(folder, error) from None
        lock_file(self._lock, on_wait)
        try:
            folder.mkdir(exist_ok=True)  # whoever had it before may have finished and removed it
            self._rows = (folder / _ROWS).open("a+b")
        except OSError as error:
            raise write_error(folder, error) from None
        self._recall()

    def __enter__(self) -> Self:
        """The folder, closed when the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Let others have it."""
        self._rows.close()
        self._lock.close()

    def add(self, row: Mapping[str, Any], data: bytes, ending: str, seconds: float) -> None:
        """Keep a picture and what is to be said of it."""
        path = self.folder / f"{row['key']}.{ending}"
        # Not brought to the disk: what a power cut takes is known by its hash, and drawn again.
        write_file(path, data, durable=False)
        line = json.dumps({"row": row, "file": path.name, "seconds": seconds}) + "\n"
        try:
            self._rows.write(line.encode())
            self._rows.flush()
        except OSError as error:
            raise write_error(self.folder / _ROWS, error) from None
        self.samples[row["key"]] = StagedSample(row, path, seconds)

    def remove(self) -> None:
        """Forget all of it: the shard is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for left in (self.folder.parent / f"{self.folder.name}.lock", self.folder.parent):
            _remove_if_empty(left)

    def _recall(self) -> None:
        """Find the pictures that are whole; what a kill left of others goes."""
        self._rows.seek(0)
        for line in split_lines(self._rows):
            try:
                entry: Any = json.loads(line)
                sample = StagedSample(
                    entry["row"], self.folder / entry["file"], float(entry["seconds"])
                )
                if _hash_of(sample.path) == sample.row["sha256"]:
                    self.samples[sample.key] = sample
            except (ValueError, KeyError, TypeError):  # cut short by a kill
                continue
        self._rows.seek(0, os.SEEK_END)
        if self._rows.tell() and not self._ends_with_line():
            self._rows.write(b"\n")
        for partial in self.folder.glob(".sdcli-*"):
            partial.unlink(missing_ok=True)

    def _ends_with_line(self) -> bool:
        self._rows.seek(-1, os.SEEK_END)
        return self._rows.read(1) == b"\n"


def _hash_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _remove_if_empty(path: Path) -> None:
    try:
        path.rmdir() if path.name[-5:] != ".lock" else path.unlink()
    except OSError:
        return


def read_staged(sample: StagedSample) -> bytes:
    """A staged picture's bytes."""
    try:
        return sample.path.read_bytes()
    except OSError as error:
        raise SdcliError(
            f"`{sample.path}` cannot be read: {error.strerror}",
            hint="the same command draws it again",
        ) from None
