"""What benches found, a line a figure, with what it was found on: `tests/bench/results.jsonl`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).with_name("results.jsonl")
DIFFUSERS = "diffusers"  # what the others are held against
LIBRARIES = ("torch", "diffusers", "transformers", "openvino")


def record_figures(bench: str, asked: Mapping[str, object], figures: Mapping[str, float]) -> None:
    """Add a line for each figure: what was asked, the machine, the versions, the commit."""
    about = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "bench": bench,
        "asked": {name: str(value) for name, value in asked.items() if value is not None},
        "machine": f"{platform.machine()}, {_processor()}, {os.cpu_count()} cores",
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
        "commit": _commit(),
    }
    with RESULTS.open("a", encoding="utf-8") as file:
        for name, value in figures.items():
            file.write(json.dumps({**about, "figure": name, "value": round(value, 5)}) + "\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    where = Path(__file__).parent
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=where
    ).stdout.strip()
