"""Where sdcli keeps things on this machine; each place can be moved by a variable."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def _home(variable: str, xdg: str, unix: str) -> Path:
    """`$variable`, else the platform's place for such things."""
    if said := os.environ.get(variable):
        return Path(said).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sdcli" / unix.rpartition("/")[2]
    return Path(os.environ.get(xdg) or Path.home() / unix) / "sdcli"


def cache() -> Path:
    """What can be deleted at any time and is made again."""
    return _home("SDCLI_CACHE", "XDG_CACHE_HOME", ".cache")


def config() -> Path:
    """The user's own settings: presets."""
    return _home("SDCLI_CONFIG", "XDG_CONFIG_HOME", ".config")


def models() -> list[Path]:
    """The folders of models, in the order they are searched; downloads go to the first."""
    if said := os.environ.get("SDCLI_MODELS"):
        return [Path(folder).expanduser() for folder in said.split(os.pathsep) if folder]
    return [_home("", "XDG_DATA_HOME", ".local/share") / "models"]


def assets() -> Path:
    """What ships inside the package."""
    return Path(__file__).parent / "assets"
