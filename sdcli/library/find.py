"""Which file a name means, and what that file's content is called."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from sdcli import folders
from sdcli.errors import BadRequest, SdcliError
from sdcli.library import hub
from sdcli.plan import File

BUILTIN = "builtin"
FOLDER_SIGN = "model_index.json"  # what makes a folder a diffusers model


def find(name: str | None = None) -> Path:
    """The checkpoint that a name means: none is the built-in one."""
    name = name or BUILTIN
    if name == BUILTIN:
        return _builtin(name)
    if found := _at(name) or _named(name):
        return found
    if hub.is_name(name):
        return hub.fetch(name, folders.models()[0])
    raise _unknown(name, "model")


def find_adapter(name: str) -> Path:
    """The LoRA, embedding, VAE or ControlNet that a name means; `builtin:NAME` is one of ours."""
    if name.startswith(f"{BUILTIN}:"):
        return _builtin(name)
    if found := _at(name) or _named(name):
        return found
    raise _unknown(name, "file")


def models() -> Iterator[tuple[str, Path]]:
    """Everything that has a name: the built-in model, then the files of the models' folders."""
    if (builtin := folders.assets() / f"{BUILTIN}.safetensors").is_file():
        yield BUILTIN, builtin
    for folder in folders.models():
        for path in _listed(folder):
            yield str(path.relative_to(folder).with_suffix("")), path


def _listed(folder: Path) -> Iterator[Path]:
    """Weights and diffusers folders under a folder, in the order of their names."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if (path / FOLDER_SIGN).is_file() or (
            path.is_file() and path.suffix.lower() in hub.ENDINGS
        ):
            yield path
        elif path.is_dir() and not path.name.startswith("."):
            yield from _listed(path)


def _at(name: str) -> Path | None:
    path = Path(name).expanduser()
    return path if path.exists() else None


def _named(name: str) -> Path | None:
    """The one file in the folders of models with this name, with or without ending and folder."""
    wanted = name.replace("\\", "/").lower()
    found = [
        path
        for known, path in models()
        if wanted in {known.lower(), path.name.lower(), path.stem.lower(), _posix(known, path)}
    ]
    if len(found) > 1:
        raise BadRequest(
            f"{len(found)} files are called `{name}`",
            hint=f"say which: {', '.join(map(str, found))}",
        )
    return found[0] if found else None


def _posix(known: str, path: Path) -> str:
    return f"{known}{path.suffix}".replace("\\", "/").lower()


def _builtin(name: str) -> Path:
    path = folders.assets() / f"{name.replace(':', '-')}.safetensors"
    if not re.fullmatch(r"builtin(:[\w-]+)?", name) or not path.is_file():
        known = sorted(
            p.stem.replace("-", ":", 1) for p in folders.assets().glob("builtin*.safetensors")
        )
        raise BadRequest(
            f"the package holds no `{name}`", hint=f"it holds {', '.join(known) or 'none'}"
        )
    return path


def _unknown(name: str, what: str) -> BadRequest:
    known = [each for each, _ in models()]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = "see `sdcli models`; a file is named by its path"
    if near:
        hint = f"did you mean {' or '.join(f'`{each}`' for each in near)}? {hint}"
    return BadRequest(f"there is no {what} `{name}`", hint=hint)


def file(path: Path) -> File:
    """A file by its place and content. The hash is remembered until its size or time changes."""
    path = path.expanduser().absolute()
    if path.is_dir():
        return File(path, _folder_hash(path))
    return File(path, _remembered(path, "sha256", _hash))


def tensors_hash(path: Path) -> str:
    """The sha256 of a safetensors file without its header: how LoRAs are known elsewhere."""
    return _remembered(path.expanduser().absolute(), "tensors", _hash_of_tensors)


def places_with(sha256: str) -> list[Path]:
    """Where files of this content have been seen on this machine; they may have gone since."""
    return [Path(path) for path, known in _known().items() if known.get("sha256") == sha256]


def _remembered(path: Path, kind: str, reckon: Callable[[Path], str]) -> str:
    """A hash of the file, reckoned once for each size and time it has."""
    try:
        status = path.stat()
        key, sign = str(path), f"{status.st_size} {status.st_mtime_ns}"
        known = _known()
        if known.get(key, {}).get("sign") != sign:
            known[key] = {"sign": sign}
        if kind not in known[key]:
            known[key][kind] = reckon(path)
            _remember(known)
        return str(known[key][kind])
    except FileNotFoundError:
        raise BadRequest(f"there is no file `{path}`", hint="check the path") from None
    except OSError as error:
        raise SdcliError(f"`{path}` cannot be read: {error.strerror}") from None


def _hash(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _hash_of_tensors(path: Path) -> str:
    with path.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        # Of a file that is no safetensors, the hash of the whole.
        opened.seek(8 + length if opened.read(1) == b"{" else 0)
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _folder_hash(folder: Path) -> str:
    """One hash for a folder: that of its files' names and hashes."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in (*hub.ENDINGS, ".json"):
            total.update(f"{path.relative_to(folder).as_posix()} {file(path).sha256}\n".encode())
    return total.hexdigest()


def _hashes() -> Path:
    return folders.cache() / "hashes.json"


def _known() -> dict[str, dict[str, Any]]:
    try:
        found: Any = json.loads(_hashes().read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, dict[str, Any]]", found) if isinstance(found, dict) else {}


def _remember(known: dict[str, dict[str, Any]]) -> None:
    """Keep the hashes; a cache that cannot be written costs time, not the picture."""
    beside = _hashes().with_suffix(f".{os.getpid()}")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known, indent=1))
        beside.replace(_hashes())
    except OSError:
        return
