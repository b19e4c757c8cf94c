"""What a file's content is called: its sha256, reckoned once for as long as the file is the same.

A file is the same while its device, inode, size and times are: a copy in its place, even one of the
same size and date, has another inode or another time of change.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from sdcli.errors import SdcliError
from sdcli.library import cache, hub
from sdcli.library.open_file import expand_path, is_folder, is_ordinary_file, open_regular_file
from sdcli.plan import File

# A file changed this lately may change again within the same tick of the file system's clock.
SEEN = "seen at"  # in the cache
TICK = 50_000_000  # nanoseconds
_known_here: dict[tuple[str, str], str] = {}  # for where no cache can be written


def hash_file(path: Path) -> File:
    """A file, or a diffusers folder, by its place and its content."""
    path = expand_path(path).absolute()
    if is_folder(path):
        return File(path, _hash_folder(path))
    sha256 = _hash_once(path, "sha256", _sha256)
    if cache.recall_value(SEEN, sha256) != str(path):
        cache.remember_value(SEEN, sha256, str(path))
    return File(path, sha256)


def seen_at(sha256: str) -> list[Path]:
    """Where a file of this content was last seen on this machine; it may have gone since."""
    place = cache.recall_value(SEEN, sha256)
    return [Path(place)] if isinstance(place, str) else []


def known_hash(path: Path) -> str | None:
    """The sha256 of a file's content, if it was reckoned before and the file is the same."""
    try:
        state = _state(expand_path(path).absolute().stat())
    except OSError:
        return None
    return _recall("sha256", state)


def hash_tensors(path: Path) -> str:
    """The sha256 of a safetensors file without its header: how LoRAs are known elsewhere."""
    return _hash_once(expand_path(path).absolute(), "sha256 of tensors", _sha256_of_tensors)


@contextmanager
def watch_files(files: Iterable[File]) -> Generator[None]:
    """Hold files to their hashes while they are read in the block.

    SdcliError where one of them is not what was hashed, before the block or after it.
    """
    held = [file for file in files if file.sha256]
    for file in held:
        if hash_file(file.path).sha256 != file.sha256:
            raise _replaced(file)
    before = [file_state(file.path) for file in held]
    yield
    for file, state in zip(held, before, strict=True):
        if file_state(file.path) != state:
            raise _replaced(file)


def _replaced(file: File) -> SdcliError:
    return SdcliError(
        f"`{file.path}` was changed while it was being read",
        hint="wait until it is complete, then run the command again",
    )


def _hash_once(path: Path, kind: str, reckon: Callable[[BufferedReader], str]) -> str:
    """A hash of the file: as remembered for the state that it is in, else reckoned."""
    with open_regular_file(path) as file:
        state = _state(os.fstat(file.fileno()))
        if known := _recall(kind, state):
            return known
        try:
            reckoned = reckon(file)
        except OSError as error:
            raise SdcliError(
                f"`{path}` cannot be read: {error.strerror or error}", hint="name another file"
            ) from None
        status = os.fstat(file.fileno())
        if _state(status) != state:
            raise _replaced(File(path, reckoned))
    if time.time_ns() - status.st_ctime_ns > TICK:
        _known_here[kind, state] = reckoned
        cache.remember_value(kind, state, reckoned)
    return reckoned


def _recall(kind: str, state: str) -> str | None:
    known = _known_here.get((kind, state)) or cache.recall_value(kind, state)
    return known if isinstance(known, str) and re.fullmatch(r"[0-9a-f]{64}", known) else None


def _state(status: os.stat_result) -> str:
    """All that tells one content of a file from another without reading it."""
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{status.st_dev} {status.st_ino} {status.st_size} {times}"


def file_state(path: Path) -> tuple[str, ...]:
    """All that tells what a path holds now from what it held before, a folder file by file."""
    try:
        inside = _files_of(path) if is_folder(path) else [path]
        return tuple(f"{each} {_state(each.stat())}" for each in inside)
    except OSError:
        return ()


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_tensors(file: BufferedReader) -> str:
    length = int.from_bytes(file.read(8), "little")
    # Of a file that is no safetensors, the hash of the whole.
    is_header = file.read(1) == b"{" and length < 2**40
    file.seek(8 + length if is_header else 0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_folder(folder: Path) -> str:
    """One hash for a folder: that of its files' names and hashes."""
    total = hashlib.sha256()
    for path in _files_of(folder):
        total.update(f"{path.relative_to(folder).as_posix()} {hash_file(path).sha256}\n".encode())
    return total.hexdigest()


def _files_of(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if is_ordinary_file(path) and path.suffix.lower() in (*hub.ENDINGS, ".json")
    ]
