"""Many pictures from a file: a job a line, each known again when the run is begun anew.

A line is a prompt, or a JSON object of settings: {"prompt": "a fox", "steps": 30, "image": "in.png"}.
What a line does not say, the command's own flags say. A job without a seed has one made from what it
says, so that the same file draws the same pictures however often it is stopped and begun again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.options import table as settings
from sdcli.planning.resolve import SEEDS
from sdcli.request import Request

LEDGER_NAME = "batch.jsonl"


@dataclass(frozen=True)
class BatchJob:
    """One line: what it asks for, and the name it is known by from run to run."""

    line: int
    name: str
    request: Request


@dataclass(frozen=True)
class UnreadableLine:
    """A line that asks for nothing that can be understood."""

    line: int
    error: BadRequest


def read_jobs(text: str, base: Request) -> Iterator[BatchJob | UnreadableLine]:
    """The jobs of a file, in the order of the lines; `base` answers what a line leaves open."""
    seen = Counter[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            values = _values(line.strip())
            asked = settings.change_request(base, values)
        except BadRequest as error:
            yield UnreadableLine(number, error)
            continue
        said = json.dumps(settings.given_values(asked), sort_keys=True, default=str)
        seen[said] += 1  # the same line twice is two jobs
        name = hashlib.sha256(f"{seen[said]} {said}".encode()).hexdigest()[:16]
        if asked.seed is None:
            asked = settings.change_request(asked, {"seed": int(name, 16) % SEEDS})
        yield BatchJob(number, name, asked)


def _values(line: str) -> Mapping[str, Any]:
    if not line.startswith("{"):
        return {"prompt": line}
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"it is no JSON object ({error})", hint='{"prompt": "a fox"}') from None
    pairs = [(key, value) for key, value in cast("dict[str, Any]", said).items()]
    return settings.parse_assignments(
        f"{key}={_spell_json(key, each)}" for key, value in pairs for each in _each(value)
    )


def _each(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _spell_json(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadRequest(f"`{key}` is neither a text nor a number")


class BatchLedger:
    """Which pictures of which jobs are finished, on disk beside them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER_NAME
        self._done = dict(self._read())

    def _read(self) -> Iterator[tuple[tuple[str, int], Path]]:
        if not self.path.is_file():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                yield (str(entry["job"]), int(entry["index"])), Path(str(entry["path"]))
            except (ValueError, KeyError, TypeError):
                continue  # a line cut short by a power failure

    def is_finished(self, job: str, index: int) -> bool:
        """Whether a picture is finished and still where it was put."""
        path = self._done.get((job, index))
        return path is not None and path.is_file()

    def add(self, job: str, index: int, path: Path) -> None:
        """Write down that a picture is finished."""
        self._done[job, index] = path
        entry = {"job": job, "index": index, "path": str(path.absolute())}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
