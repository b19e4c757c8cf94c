"""Where a batch is written: a folder of this machine, or an address that fsspec knows.

A file is put once, whole, under its final name. Names are relative, with `/`.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sdcli.errors import BadRequest, SdcliError
from sdcli.library.extras import import_extra
from sdcli.library.open_file import expand_path, is_folder, is_ordinary_file
from sdcli.outputs.atomic import write_error, write_file

T = TypeVar("T")

TRIES = 6  # of one request to a server
FIRST_PAUSE = 0.2  # seconds before the second of them; twice as long before the next


class Store(Protocol):
    """A place for the files of a batch."""

    @property
    def address(self) -> str:
        """What the user calls it."""
        ...

    @property
    def place(self) -> str:
        """The same wherever it is said."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def names(self, folder: str = "") -> set[str]:
        """Every file in a folder and below it, by its name from there on."""
        ...

    def read(self, name: str) -> bytes:
        """All of a file."""
        ...

    def fetch(self, name: str, target: Path) -> None:
        """A copy of a file for this machine."""
        ...

    def put(self, name: str, source: Path) -> None:
        """Give a finished file of this machine to the store, which may take it away."""
        ...

    def put_bytes(self, name: str, data: bytes) -> None:
        """The same with a file that is in memory."""
        ...


def is_remote(address: str) -> bool:
    """Whether an address is no folder of this machine."""
    return "://" in address and not address.startswith("file://")


def open_store(address: str) -> Store:
    """The place at an address."""
    if is_remote(address):
        return RemoteStore(address)
    return FolderStore(address.removeprefix("file://"))


class FolderStore:
    """A folder of this machine, or one that several machines share."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.folder = expand_path(Path(address)).absolute()
        self.place = str(self.folder)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return is_ordinary_file(self.folder / name)

    def names(self, folder: str = "") -> set[str]:
        """Every file in a folder and below it, but what is hidden or not finished."""
        top = self.folder / folder
        if not is_folder(top):
            return set()
        return {
            (Path(place) / name).relative_to(top).as_posix()
            for place, folders, files in os.walk(top)
            for name in files
            if not name.startswith(".") and _keep_visible(folders)
        }

    def read(self, name: str) -> bytes:
        """All of a file."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise SdcliError(
                f"`{self.folder / name}` cannot be read: {error.strerror}",
                hint="the same command draws what is missing",
            ) from None

    def fetch(self, name: str, target: Path) -> None:
        """A copy of a file."""
        shutil.copyfile(self.folder / name, target)

    def put(self, name: str, source: Path) -> None:
        """Give a finished file to the folder: renamed where that is possible, copied where not."""
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as file:
                os.fsync(file.fileno())
            source.replace(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise write_error(path, error) from None
            with source.open("rb") as file:  # another disk
                write_file(path, lambda target: shutil.copyfileobj(file, target))

    def put_bytes(self, name: str, data: bytes) -> None:
        """The same with a file that is in memory."""
        write_file(self.folder / name, data)


def _keep_visible(folders: list[str]) -> bool:
    folders[:] = [folder for folder in folders if not folder.startswith(".")]
    return True


class RemoteStore:
    """An address of fsspec's: s3://bucket/folder, gs://, az://, memory://..."""

    def __init__(self, address: str) -> None:
        self.address = self.place = address.rstrip("/")
        fsspec = import_extra("fsspec", "cloud", f"writing to `{address}`")
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.address)
        except (ImportError, ValueError) as error:
            raise BadRequest(
                f"`{address}` cannot be opened: {error}", hint='`pip install "sdcli[cloud]"`'
            ) from None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        self._files.invalidate_cache()
        return self._asked(name, lambda path: bool(self._files.isfile(path)))

    def names(self, folder: str = "") -> set[str]:
        """Every file below an address."""
        self._files.invalidate_cache()
        top = f"{self._root}/{folder}".rstrip("/")
        found = self._asked(folder, lambda path: self._files.find(path.rstrip("/")))
        return {str(path)[len(top) + 1 :] for path in found}

    def read(self, name: str) -> bytes:
        """All of a file."""
        return self._asked(name, lambda path: self._files.cat_file(path))

    def fetch(self, name: str, target: Path) -> None:
        """A copy of a file for this machine."""
        self._asked(name, lambda path: self._files.get_file(path, str(target)))

    def put(self, name: str, source: Path) -> None:
        """Give a finished file to the server."""
        self._make_folder(name)
        self._asked(name, lambda path: self._files.put_file(str(source), path))

    def put_bytes(self, name: str, data: bytes) -> None:
        """The same with a file that is in memory."""
        self._make_folder(name)
        self._asked(name, lambda path: self._files.pipe_file(path, data))

    def _make_folder(self, name: str) -> None:
        """The folder of a file, where the server has such things (one of buckets makes none)."""
        self._asked(name.rpartition("/")[0], lambda path: self._files.makedirs(path, exist_ok=True))

    def _asked(self, name: str, ask: Callable[[str], T]) -> T:
        """The answer to one request; it is asked again where the server fails."""
        path = f"{self._root}/{name}"
        failure: Exception | None = None
        for attempt in range(TRIES):
            try:
                return ask(path)
            except FileNotFoundError as error:
                failure = error
                break
            except Exception as error:  # noqa: BLE001 - every library of servers has its own
                failure = error
                time.sleep(FIRST_PAUSE * 2**attempt)
        raise SdcliError(
            f"`{self.address}/{name}`: {type(failure).__name__}: {str(failure)[:200]}",
            hint="check the address and the rights to it; the same command goes on from there",
        )


def staging_folder(address: str, identity: str) -> Path:
    """Where unfinished shards are kept: beside the finished ones, or on this machine if those go
    elsewhere."""
    if not is_remote(address):
        return expand_path(Path(address.removeprefix("file://"))).absolute() / ".unfinished"
    from sdcli.folders import cache_folder

    return cache_folder() / "batches" / identity[:16]
