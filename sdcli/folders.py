"""Where sdcli keeps things on this machine; each place can be moved by a variable."""

from __future__ import annotations

from pathlib import Path

from sdcli.environment import read_environment


def cache_folder() -> Path:
    """What can be deleted at any time and is made again."""
    return read_environment().cache


def config_folder() -> Path:
    """The user's own settings: presets."""
    return read_environment().config


def models_folder() -> list[Path]:
    """The folders of models, in the order they are searched; downloads go to the first."""
    return list(read_environment().models)


def assets_folder() -> Path:
    """What ships inside the package."""
    return Path(__file__).parent / "assets"
