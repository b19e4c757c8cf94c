"""The one place that reads environment variables; everybody else is handed what they say."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """What this user's environment says of sdcli."""

    model: str | None  # $SDCLI_MODEL: the checkpoint where none is named
    models: tuple[Path, ...]  # $SDCLI_MODELS: folders of models, in the order they are searched
    cache: Path  # $SDCLI_CACHE: what can be deleted at any time and is made again
    config: Path  # $SDCLI_CONFIG: the user's own settings
    warm: str | None  # $SDCLI_WARM: how long a resident process stays after its last use
    api_key: str | None  # $SDCLI_API_KEY: what `sdcli serve` asks its clients for
    debug: bool  # $SDCLI_DEBUG=1: failures show where they were raised


def read_environment() -> Environment:
    """What the variables say now."""
    return Environment(
        model=os.environ.get("SDCLI_MODEL") or None,
        models=_model_folders(),
        cache=_folder("SDCLI_CACHE", "XDG_CACHE_HOME", ".cache"),
        config=_folder("SDCLI_CONFIG", "XDG_CONFIG_HOME", ".config"),
        warm=os.environ.get("SDCLI_WARM") or None,
        api_key=os.environ.get("SDCLI_API_KEY") or None,
        debug=os.environ.get("SDCLI_DEBUG") == "1",
    )


def is_completing() -> bool:
    """Whether a shell runs the program to ask what could come next on its command line."""
    return "_SDCLI_COMPLETE" in os.environ


def _model_folders() -> tuple[Path, ...]:
    if named := os.environ.get("SDCLI_MODELS"):
        return tuple(_expanded(folder) for folder in named.split(os.pathsep) if folder)
    return (_folder("", "XDG_DATA_HOME", ".local/share") / "models",)


def _folder(variable: str, xdg: str, unix: str) -> Path:
    """`$variable`, else the platform's place for such things."""
    if named := os.environ.get(variable):
        return _expanded(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sdcli" / unix.rpartition("/")[2]
    return Path(os.environ.get(xdg) or Path.home() / unix) / "sdcli"


def _expanded(text: str) -> Path:
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # `~nobody`: a folder of that name, which is not there
        return path
