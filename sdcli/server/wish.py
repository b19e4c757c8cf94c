"""What a command was told of the resident process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WarmWish:
    """What a command was told: how long the process stays after its last use."""

    stay: float | None = None  # seconds; None: use one that is there, start none

    @property
    def is_off(self) -> bool:
        """Whether everything is to be drawn in the command's own process."""
        return self.stay == 0
