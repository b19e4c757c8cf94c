"""What stands in the way of drawing well on this machine, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from sdcli import __version__, folders
from sdcli.environment import read_environment
from sdcli.library.open_file import is_folder
from sdcli.options.fast_ways import FAST_WAYS, FastWay

LIBRARIES = ("diffusers", "transformers", "accelerate", "safetensors", "pillow")


def findings(machine: Mapping[str, str]) -> list[tuple[str, str]]:
    """Facts in the order in which they matter, and advice at the end."""
    found = {
        "sdcli": f"{__version__}, Python {platform.python_version()}, {platform.system()}",
        **machine,
        **{name: _version(name) for name in LIBRARIES},
        "memory": _memory(),
        "folder of models": _folder(),
        "default model": read_environment().model or "the built-in one",
    }
    return [
        *found.items(),
        *(("advice", text) for text in advice(machine)),
        *((row.asked_by or row.name, describe_way(row)) for row in FAST_WAYS.values()),
    ]


def describe_way(row: FastWay) -> str:
    """What a way to be faster does to the picture, what it is, and where it pays."""
    by_itself = "" if row.asked_by else "on by itself "
    return f"{row.kind}: {row.about}; {by_itself}{row.pays}"


def advice(machine: Mapping[str, str]) -> list[str]:
    """One sentence for each thing that is amiss."""
    said: list[str] = []
    if machine["device"] == "cpu" and machine["NVIDIA GPU in the machine"] == "yes":
        built = machine["built for CUDA"] != "no"
        said.append(
            "the NVIDIA GPU is there but torch cannot use it: the driver is missing or too old"
            if built
            else "the NVIDIA GPU is idle: this torch is built for CPUs only; install a CUDA build"
        )
    elif machine["device"] == "cpu":
        said.append("no GPU: pictures of full-size models take minutes, the built-in one seconds")
    return said


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing" if find_spec(name) is None else "unknown"


def _folder() -> str:
    folder = folders.models_folder()[0]
    if not is_folder(folder):
        return f"{folder} (not there yet)"
    free = shutil.disk_usage(folder).free / 2**30
    return f"{folder}, {free:.0f} GB free"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.0f} GB"
