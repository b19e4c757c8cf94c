"""What must be the same for two processes to draw alike, and what a command hands on of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sdcli import __version__

LIBRARIES = ("torch", "diffusers", "transformers", "accelerate")
_OF_THE_MACHINE = ("CUDA_", "HIP_", "ROCR_", "OMP_", "MKL_", "KMP_", "GOMP_", "PYTORCH_", "TORCH_")
_OF_THE_USER = ("SDCLI_", "XDG_", "HOME")
_SECRET = ("SDCLI_API_KEY",)  # goes nowhere


def process_settings() -> dict[str, str]:
    """What decides how a process draws and cannot be changed in it: program, libraries, devices.

    A process with other settings is no place for this command's pictures.
    """
    named = {name: _version(name) for name in LIBRARIES}
    machine = {name: text for name, text in os.environ.items() if name.startswith(_OF_THE_MACHINE)}
    return {
        "sdcli": f"{__version__} {_code_edition()}",
        "python": sys.executable,
        **named,
        **machine,
    }


def public_environment() -> dict[str, str]:
    """All variables but those that are nobody else's business."""
    return {name: text for name, text in os.environ.items() if name not in _SECRET}


def user_environment() -> dict[str, str]:
    """The variables that a command's own settings are read from: folders, mostly."""
    return {
        name: text for name, text in public_environment().items() if name.startswith(_OF_THE_USER)
    }


def adopt_environment(variables: Mapping[str, str]) -> None:
    """Let these be the user's variables, and no others of theirs."""
    for name in user_environment():
        del os.environ[name]
    os.environ.update({k: v for k, v in variables.items() if k.startswith(_OF_THE_USER)})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _code_edition() -> int:
    """When the newest file of the program was changed: whoever works on it wants no old one."""
    package = Path(__file__).parents[1]
    return max(file.stat().st_mtime_ns for file in package.rglob("*.py"))
