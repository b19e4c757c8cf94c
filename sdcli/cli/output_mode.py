"""How a command talks: paths or JSON on stdout, much or nothing on stderr, or only the plan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutputMode:
    """What a run was told of its output."""

    json: bool = False
    dry_run: bool = False
    quiet: bool = False
