"""Which pictures of a batch are finished: `batch.jsonl`, beside the pictures.

Nothing is lost and nothing drawn twice, wherever the run is stopped. Before a picture is given its
name, a line with the name and the hash of its file is written; once it has the name, a second line
says so. A picture whose second line is missing is known by its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from sdcli.batch.job_file import split_lines
from sdcli.errors import SdcliError
from sdcli.library.open_file import is_ordinary_file, is_there, open_regular_file
from sdcli.outputs.file_lock import lock_file

JOURNAL_NAME = "batch.jsonl"

Key = tuple[str, int]  # a job's name, and which of its pictures


class BatchJournal:
    """The journal of one folder. It is locked while it is open: one batch draws there at a time."""

    def __init__(self, folder: Path, on_wait: Callable[[], None]) -> None:
        """Open the journal. Where another batch has it open, call `on_wait`, then wait for it."""
        self.path = folder / JOURNAL_NAME
        self._file = self._open()
        lock_file(self._file, on_wait)
        self._finished: dict[Key, Path] = {}
        self._intended: dict[Key, tuple[Path, str]] = {}
        self._measured: dict[Key, Mapping[str, float | None]] = {}
        for entry in self._entries():
            self._take(entry)
            _remove_partial(entry)

    def close(self) -> None:
        """Let the next batch draw here."""
        with suppress(OSError):  # a line that could not be written, which has been said
            self._file.close()

    def __enter__(self) -> Self:
        """The journal, closed when the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def is_finished(self, job: str, index: int) -> bool:
        """Whether a picture is finished and still where it was put."""
        key = job, index
        if (path := self._finished.get(key)) is not None:
            return is_ordinary_file(path)
        path, sha256 = self._intended.get(key, (None, ""))
        return path is not None and _hash_of(path) == sha256

    def intend(self, job: str, index: int, path: Path, partial: Path) -> None:
        """Write down that the file `partial` is about to be named `path`."""
        sha256 = _hash_of(partial)
        entry = {"job": job, "index": index, "path": str(path.absolute())}
        self._write(entry | {"sha256": sha256, "partial": str(partial.absolute())})

    def finish(
        self, job: str, index: int, path: Path, measured: Mapping[str, float | None] | None = None
    ) -> None:
        """Write down that a picture has its name, and what was measured of it."""
        entry = {"job": job, "index": index, "path": str(path.absolute())}
        self._write({**entry, "measured": dict(measured)} if measured else entry)

    def measured(self) -> Iterator[tuple[Key, Mapping[str, float | None]]]:
        """What was measured of pictures that are finished."""
        return ((key, values) for key, values in self._measured.items() if self.is_finished(*key))

    def _open(self) -> BinaryIO:
        if is_there(self.path) and not is_ordinary_file(self.path):
            raise self._unwritable("it is no file")
        try:
            return self.path.open("a+b")
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _unwritable(self, why: str) -> SdcliError:
        return SdcliError(
            f"the journal `{self.path}` cannot be written: {why}",
            hint="without it a batch begun again would draw everything twice",
        )

    def _entries(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        for line in split_lines(self._file):
            try:
                entry: Any = json.loads(line)
            except ValueError:  # empty, or cut short when the machine stopped
                continue
            if isinstance(entry, dict):
                yield cast("dict[str, Any]", entry)

    def _take(self, entry: dict[str, Any]) -> None:
        try:
            key = str(entry["job"]), int(entry["index"])
            path = Path(str(entry["path"]))
        except (KeyError, TypeError, ValueError):
            return
        if "sha256" in entry:
            self._intended[key] = path, str(entry["sha256"])
            self._finished.pop(key, None)
        else:
            self._finished[key] = path
            self._take_measured(key, entry.get("measured"))

    def _take_measured(self, key: Key, values: Any) -> None:
        if isinstance(values, dict):
            known = cast("dict[str, Any]", values).items()
            self._measured[key] = {
                name: value
                for name, value in known
                if value is None or isinstance(value, int | float)
            }

    def _write(self, entry: dict[str, Any]) -> None:
        """A line, on the disk when this returns; a line cut short before it is ended first."""
        text = json.dumps(entry, ensure_ascii=True) + "\n"
        try:
            size = self._file.seek(0, os.SEEK_END)
            if size:
                self._file.seek(size - 1)
                text = text if self._file.read(1) == b"\n" else "\n" + text
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error
        self._take(entry)


def _remove_partial(entry: dict[str, Any]) -> None:
    """Remove what a run that was killed left of a picture that it was about to name."""
    partial = Path(str(entry.get("partial", "")))
    if partial.name.startswith(".sdcli-"):
        with suppress(OSError, ValueError):  # it costs a few bytes, no picture
            partial.unlink(missing_ok=True)


def _hash_of(path: Path) -> str:
    """The SHA-256 of a file; nothing where there is none."""
    try:
        with open_regular_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (SdcliError, OSError):
        return ""
