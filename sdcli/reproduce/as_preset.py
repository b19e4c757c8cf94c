"""A picture as a preset: everything that it says of how it was drawn."""

from __future__ import annotations

from pathlib import Path

from sdcli.options.presets import Preset
from sdcli.options.table import OPTIONS, given_values
from sdcli.reproduce.recall import recall_picture

OF_MACHINES = ("dtype",)  # says how a machine is to work, not what a picture is


def preset_from_picture(path: Path) -> Preset:
    """The settings of the picture at `path`; BadRequest where it says nothing."""
    recalled = recall_picture(path)
    values = {
        name: value
        for name, value in given_values(recalled.request).items()
        if OPTIONS[name].decides and name not in OF_MACHINES
    }
    if recalled.strength is not None:
        values["strength"] = recalled.strength
    return Preset(f"picture {path.name}", values, recalled.differences, recalled.missing_model)
