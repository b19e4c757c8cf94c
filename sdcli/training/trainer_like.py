"""What a training needs of whoever computes its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol


class TrainerLike(Protocol):
    """A training in memory, wherever it is."""

    step: int

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        ...

    def take_step(self) -> float:
        """One step; its loss."""
        ...

    def agree_on_end(self, number: int) -> int:
        """The signal that asked any process to end, where this one was asked by `number`; 0: none."""
        ...

    def write_file(self, metadata: Mapping[str, str], file: BinaryIO) -> None:
        """What is learnt so far."""
        ...

    def write_state(self, file: BinaryIO) -> None:
        """All that is needed to go on."""
        ...

    def read_state(self, path: Path) -> None:
        """Go on from there."""
        ...

    def report(self) -> dict[str, Any]:
        """How it computes."""
        ...
