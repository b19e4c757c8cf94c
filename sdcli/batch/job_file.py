"""Many pictures from a file: a job a line, each known again when the run is begun anew.

A line is a prompt, or a JSON object of settings: {"prompt": "a fox", "steps": 30, "image": "in.png"}.
What a line does not say, the command's own flags say. A job without a seed has one made from what it
says (and from how often the same was said before), so that the same file draws the same pictures
however often it is stopped and begun again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, BinaryIO, cast

from sdcli.errors import BadRequest
from sdcli.options.table import change_request, find_option, given_values, parse_assignments
from sdcli.planning.resolve import SEEDS
from sdcli.request import Request

LONGEST_LINE = 4 * 2**20  # bytes of one job


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


def split_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, each as soon as it is there; of one that is too long only its beginning."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


@dataclass(frozen=True)
class JobRow:
    """One line before it is held against the command's own flags: what it sets, or why nothing."""

    line: int
    values: Mapping[str, Any] | BadRequest


def read_jobs(lines: Iterable[bytes], base: Request) -> Iterator[BatchJob | UnreadableLine]:
    """The jobs of a text file, each as soon as its line is there."""
    return make_jobs(read_lines(lines), base)


def read_lines(lines: Iterable[bytes]) -> Iterator[JobRow]:
    """What the lines of a text file say: a prompt or a JSON object each."""
    for number, line in enumerate(lines, start=1):
        try:
            if len(line) > LONGEST_LINE:
                raise BadRequest("it is longer than any job", hint="a job is one line")
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text and not text.startswith("#"):
                yield JobRow(number, _values(text))
        except UnicodeDecodeError:
            yield JobRow(number, not_utf8())
        except BadRequest as error:
            yield JobRow(number, error)


def not_utf8() -> BadRequest:
    """What is said of a line in another encoding."""
    return BadRequest("it is no text in UTF-8", hint="save the file as UTF-8")


def make_jobs(rows: Iterable[JobRow], base: Request) -> Iterator[BatchJob | UnreadableLine]:
    """The jobs of a file, each as soon as its row is there; `base` answers what a row leaves open.

    No row ends the reading: one that cannot be understood is yielded as that.
    """
    seen = Counter[str]()
    for row in rows:
        try:
            request = _request_of(row, base)
        except BadRequest as error:
            yield UnreadableLine(row.line, error)
            continue
        settings = json.dumps(given_values(request), sort_keys=True, default=str)
        seen[settings] += 1  # the same line twice is two jobs
        name = hashlib.sha256(f"{seen[settings]} {settings}".encode()).hexdigest()[:16]
        yield BatchJob(row.line, name, _with_seed(request, base, name, row.line))


def _request_of(row: JobRow, base: Request) -> Request:
    if isinstance(row.values, BadRequest):
        raise row.values
    if "batch" in row.values:
        raise BadRequest(
            "how many are drawn together is not for a job to say",
            hint="leave `batch` away; `--batch` is the command's",
        )
    return change_request(base, row.values)


def _with_seed(request: Request, base: Request, name: str, number: int) -> Request:
    """The request with a seed for certain, and with a word on who decided what."""
    line = {
        field.name: f"line {number}"
        for field in fields(request)
        if field.compare and getattr(request, field.name) != getattr(base, field.name)
    }
    if request.seed is not None:
        return replace(request, sources={**request.sources, **line})
    sources = {**request.sources, **line, "seed": "the job's name"}
    return replace(request, seed=int(name, 16) % SEEDS, sources=sources)


def _values(line: str) -> Mapping[str, Any]:
    if not line.startswith("{"):
        return {"prompt": line}
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"it is no JSON object ({error})", hint='{"prompt": "a fox"}') from None
    return read_values(cast("dict[str, Any]", data).items())


def read_values(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    """What names and plain values set, read as the flags of those names are."""
    return parse_assignments(
        f"{key}={_spell_json(key, each)}" for key, value in pairs for each in _each(key, value)
    )


def _each(key: str, value: Any) -> list[Any]:
    """The values of an option that can be said several times, or the one of any other."""
    if not isinstance(value, list):
        return [value]
    if not find_option(key).many:
        raise BadRequest(f"`{key}` is to be one value", hint="write a line for each")
    return cast("list[Any]", value)


def _spell_json(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadRequest(f"`{key}` is neither a text nor a number", hint="write it as text")
