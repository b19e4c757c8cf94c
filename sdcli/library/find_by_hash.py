"""Where a file is by now: found by its content, wherever it has moved and whatever it is called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sdcli import folders
from sdcli.errors import SdcliError
from sdcli.library.find import FOLDER_SIGN, list_models
from sdcli.library.hashes import hash_file, hash_tensors, seen_at
from sdcli.library.listed_only import is_listed_only
from sdcli.library.open_file import is_ordinary_file, open_regular_file
from sdcli.plan import File

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
_MOST_PICTURES = 2_000  # in a folder; one with more is no place to look through


def find_moved_weights(wanted: File) -> Path | None:
    """A file of weights: where it was, else anywhere in the folders of models."""
    return known_place(wanted) or _first(_same(wanted.sha256), _likely(wanted.path, _models()))


def find_moved_picture(wanted: File, near: Sequence[Path]) -> Path | None:
    """A picture handed in: where it was, else in one of the folders nearby."""
    return known_place(wanted) or _first(
        _same(wanted.sha256), _likely(wanted.path, _pictures(near))
    )


def known_place(wanted: File) -> Path | None:
    """Where a file is without searching for it: where it is said to be, or was seen before."""
    return _first(_same(wanted.sha256), _known_places(wanted))


def _known_places(wanted: File) -> Iterator[Path]:
    if is_listed_only():
        return  # what a stranger says of places is no reason to open anything there
    if not wanted.path.is_absolute():
        for folder in (*folders.models_folder(), folders.assets_folder()):
            yield folder / wanted.path
    yield wanted.path
    yield from seen_at(wanted.sha256)


def portable_path(path: Path) -> Path:
    """A file's path as a picture may carry it: within the folder of models, or its bare name.

    Pictures travel, and where their owner keeps things is nobody's business; the hash that goes
    with the name finds the file again.
    """
    if not path.is_absolute():
        return path
    folder = next(
        (one for one in folders.models_folder() if path.is_relative_to(one.absolute())), None
    )
    return path.relative_to(folder.absolute()) if folder else Path(path.name)


def find_by_short_hash(short: str, name: str = "") -> Path | None:
    """A file of weights by a hash as other programs write it, likely under this name.

    8 digits are AUTOMATIC1111's old hash of one piece of the file; more begin the file's sha256 or,
    for safetensors, that of its tensors alone.
    """
    if not re.fullmatch(r"[0-9a-f]{8,64}", short):
        return None
    return _first(_matches(short), _likely(Path(name or "-"), _models()))


def a1111_old_hash(path: Path) -> str:
    """The hash that AUTOMATIC1111 used until 2023: 64 KB, one megabyte into the file."""
    with open_regular_file(path) as file:
        file.seek(0x100000)
        return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]


def _same(sha256: str) -> Callable[[Path], bool]:
    return lambda path: hash_file(path).sha256 == sha256


def _matches(short: str) -> Callable[[Path], bool]:
    def matches(path: Path) -> bool:
        if len(short) == 8:
            return is_ordinary_file(path) and a1111_old_hash(path) == short
        if hash_file(path).sha256.startswith(short):
            return True
        return path.suffix == ".safetensors" and hash_tensors(path).startswith(short)

    return matches


def _first(right: Callable[[Path], bool], places: Iterable[Path]) -> Path | None:
    seen: set[Path] = set()
    for path in places:
        if path in seen or not _ordinary(path):
            continue
        seen.add(path)
        try:
            if right(path):
                return path.absolute()
        except (SdcliError, OSError):
            continue  # one that cannot be read is not the one
    return None


def _ordinary(path: Path) -> bool:
    """Whether a path may be looked at. Where a file was is hearsay, from a picture of anybody's:
    no device, pipe or file of the system's, which can be read for ever, and no other machine's."""
    if str(path).startswith(("//", "\\\\")):
        return False
    try:
        real = path.resolve()
        if real.is_relative_to("/proc") or real.is_relative_to("/sys"):
            return False
        return is_ordinary_file(real) or is_ordinary_file(real / FOLDER_SIGN)
    except (OSError, ValueError, RuntimeError):  # too long, a loop of links
        return False


def _likely(hint: Path, others: Iterable[Path]) -> Iterator[Path]:
    """The hint, then those of its name, then the rest: the right one is mostly where it was."""
    if not is_listed_only():
        yield hint
    rest = list(others)
    yield from (path for path in rest if path.stem.lower() == hint.stem.lower())
    yield from rest


def _models() -> Iterator[Path]:
    return (path for _, path in list_models())


def _pictures(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders[:1] if is_listed_only() else folders:
        try:
            inside = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES]
        except OSError:
            continue
        yield from sorted(inside) if len(inside) <= _MOST_PICTURES else ()
