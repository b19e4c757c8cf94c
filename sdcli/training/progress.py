"""What happens in a training, one thing after the other, and its log."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from sdcli.library.open_file import is_ordinary_file, open_regular_file
from sdcli.picture import Picture


@dataclass(frozen=True)
class StepTaken:
    """One step: its number from 1, its loss, the running mean of the losses, its rate, its seconds."""

    step: int
    loss: float
    mean: float
    rate: float
    seconds: float


@dataclass(frozen=True)
class FileSaved:
    """The file is on the disk, as it is after this step."""

    step: int
    path: Path


@dataclass(frozen=True)
class SampleDrawn:
    """A picture drawn by the saved file."""

    step: int
    prompt: str
    path: Path
    picture: Picture


Event = StepTaken | FileSaved | SampleDrawn


_COLUMNS = ("step", "loss", "mean", "rate", "seconds")


def log_text(taken: list[StepTaken]) -> str:
    """Every step as a line of CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in taken:
        writer.writerow([one.step, *(f"{getattr(one, name):.6g}" for name in _COLUMNS[1:])])
    return text.getvalue()


def read_log(path: Path) -> list[StepTaken]:
    """The steps of a log; none where there is no log."""
    if not is_ordinary_file(path):
        return []
    with open_regular_file(path) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        return [
            StepTaken(int(row["step"]), *(float(row[name]) for name in _COLUMNS[1:]))
            for row in rows
        ]
