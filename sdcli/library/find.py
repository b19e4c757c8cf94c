"""Which file a name means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sdcli import folders
from sdcli.errors import BadRequest
from sdcli.library import hub
from sdcli.library.listed_only import is_listed_only, more_names
from sdcli.library.open_file import expand_path, is_folder, is_ordinary_file, is_there
from sdcli.text import suggest

BUILTIN = "builtin"
LORA = "LoRA"  # what `find_adapter` is asked for, where a weight may stand behind the name
FOLDER_SIGN = "model_index.json"  # what makes a folder a diffusers model


def find_checkpoint(name: str | None = None) -> Path:
    """The checkpoint that a name means: none is the built-in one."""
    name = name or BUILTIN
    if name == BUILTIN:
        return _builtin(name)
    if found := _at(name) or _named(name):
        return found
    if hub.is_hub_name(name) and not is_listed_only():
        return hub.fetch_from_hub(name, folders.models_folder()[0])
    raise _unknown(name, "model")


def find_adapter(name: str, what: str = "file") -> Path:
    """The LoRA, embedding, VAE or ControlNet that a name means; `builtin:NAME` is one of ours."""
    if name.startswith(f"{BUILTIN}:"):
        return _builtin(name)
    if found := _at(name) or _named(name):
        return found
    raise _unknown(name, what)


def find_file(name: str) -> Path:
    """Whatever a name means: a file of any kind at that path, else what has that name."""
    return _builtin(name) if name == BUILTIN else find_adapter(name)


def list_models() -> Iterator[tuple[str, Path]]:
    """Everything that has a name: what is in the box, then the files of the models' folders."""
    for path in sorted(
        folders.assets_folder().glob(f"{BUILTIN}*.safetensors"), key=lambda one: one.stem
    ):
        yield path.stem.replace("-", ":", 1), path
    yield from more_names().items()
    for folder in folders.models_folder():
        for path in _listed(folder):
            yield str(path.relative_to(folder).with_suffix("")), path


def _listed(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Weights and diffusers folders under a folder, in the order of their names.

    A link to a folder that it lies in, and a folder that may not be read, hold nothing.
    """
    try:
        place = folder.resolve()
        inside = sorted(folder.iterdir())
    except (OSError, RuntimeError, ValueError):
        return
    if place in above:
        return
    for path in inside:
        ends_right = path.suffix.lower() in hub.ENDINGS
        if is_ordinary_file(path / FOLDER_SIGN) or (ends_right and is_ordinary_file(path)):
            yield path
        elif is_folder(path) and not path.name.startswith("."):
            yield from _listed(path, above | {place})


def _at(name: str) -> Path | None:
    if is_listed_only():  # the text alone is compared: nothing is asked of the disk
        return next((path for _, path in list_models() if str(path) == name), None)
    path = expand_path(Path(name))
    return path if is_there(path) or os.path.lexists(path) else None  # a link into nowhere, too


def _named(name: str) -> Path | None:
    """The one file in the folders of models with this name, with or without ending and folder."""
    wanted = name.replace("\\", "/").lower()
    found = [
        path
        for known, path in list_models()
        if wanted in {known.lower(), path.name.lower(), path.stem.lower(), _posix(known, path)}
    ]
    if len(found) > 1:
        raise BadRequest(
            f"{len(found)} files are called `{name}`",
            hint=f"say which: {', '.join(each for each, path in list_models() if path in found)}"
            if is_listed_only()
            else f"say which: {', '.join(map(str, found))}",
        )
    return found[0] if found else None


def _posix(known: str, path: Path) -> str:
    return f"{known}{path.suffix}".replace("\\", "/").lower()


def _builtin(name: str) -> Path:
    path = folders.assets_folder() / f"{name.replace(':', '-')}.safetensors"
    if not re.fullmatch(r"builtin(:[\w-]+)?", name) or not is_ordinary_file(path):
        known = [each for each, _ in list_models() if each.partition(":")[0] == BUILTIN]
        raise BadRequest(
            f"the package holds no `{name}`", hint=f"it holds {', '.join(known) or 'none'}"
        )
    return path


def _unknown(name: str, what: str) -> BadRequest:
    known = [each for each, _ in list_models()]
    shown = name if len(name) < 100 else f"{name[:100]}..."
    places = "" if is_listed_only() else f"no path, and no name in {searched_folders()}"
    hint = (
        f"{suggest(name[:200], known, 3, 0.5)}it is {places or 'no name of the server'}"
        " (`sdcli models` lists them)"
    )
    head, colon, tail = name.rpartition(":")
    if colon and "/" not in tail and not tail.lower().endswith(hub.ENDINGS) and what == LORA:
        hint = f"`{tail}` is no weight: write a number, like `{head}:0.8`"
    return BadRequest(f"there is no {what} `{shown}`", hint=hint)


def searched_folders() -> str:
    """Where names are looked for, in words."""
    return ", ".join(str(folder) for folder in folders.models_folder())
