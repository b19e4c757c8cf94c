"""Where jobs are read from: a text of prompts or JSON lines, CSV, Parquet, or stdin.

Every source gives rows: the number of a line and what it sets, by the names of the options.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from sdcli.batch.job_file import (
    LONGEST_LINE,
    JobRow,
    not_utf8,
    read_lines,
    read_values,
    split_lines,
)
from sdcli.errors import BadRequest
from sdcli.library.extras import import_extra
from sdcli.library.open_file import expand_path, open_regular_file
from sdcli.options.table import find_option, parse_assignments

STDIN = "-"
_UNDECODED = "".join(map(chr, range(0xDC80, 0xDD00)))  # what `surrogateescape` makes of bytes


def read_rows(name: str) -> Iterable[JobRow]:
    """The rows of a file, by its ending; those of stdin as its lines arrive."""
    if name == STDIN:
        return read_lines(split_lines(sys.stdin.buffer))
    path = expand_path(Path(name))
    try:
        return [*SOURCES.get(path.suffix.lower(), _read_text)(path)]
    except BadRequest as error:
        hint = error.hint if error.fact.startswith("column") else _HINT
        raise BadRequest(error.fact, hint=hint) from None


_HINT = "name a file of prompts, JSON lines, CSV or Parquet; `-` reads lines from stdin"


def _read_text(path: Path) -> Iterator[JobRow]:
    with open_regular_file(path) as file:
        yield from read_lines(split_lines(file))


def _read_csv(path: Path) -> Iterator[JobRow]:
    """A row under the names in the first line; a name that stands there twice is said twice."""
    csv.field_size_limit(LONGEST_LINE)
    with open_regular_file(path) as file:
        text = TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(text, strict=True)
        names = next(reader, list[str]())
        _check_columns(names)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield JobRow(line, BadRequest(f"it is no CSV ({error})", hint="check its quotes"))
                return
            if any(cells):
                yield JobRow(line, _row_values(names, cells))


def _row_values(names: list[str], cells: list[str]) -> Mapping[str, Any] | BadRequest:
    """What a row of CSV sets; an empty cell says nothing."""
    if len(cells) > len(names):
        return BadRequest(
            f"it has {len(cells)} cells under {len(names)} names",
            hint="a text with commas stands in quotes",
        )
    if any(letter in _UNDECODED for cell in cells for letter in cell):
        return not_utf8()
    pairs = zip(names, cells, strict=False)
    try:
        return parse_assignments(f"{name}={cell}" for name, cell in pairs if cell != "")
    except BadRequest as error:
        return error


def _check_columns(names: Iterable[str]) -> None:
    """Refuse a file with a column that sets nothing, rather than draw everything without it."""
    for name in names:
        try:
            find_option(name)
        except BadRequest as error:
            raise BadRequest(f"column `{name}`: {error.fact}", hint=error.hint) from None


def _read_parquet(path: Path) -> Iterator[JobRow]:
    parquet = import_extra("pyarrow.parquet", "parquet", f"reading `{path.name}`")
    with open_regular_file(path) as file:
        try:
            table = parquet.ParquetFile(file)
        except (OSError, ValueError) as error:
            raise BadRequest(f"`{path}` is no Parquet: {error}", hint=_HINT) from None
        _check_columns(table.schema_arrow.names)
        line = 0
        for batch in table.iter_batches(1_000):
            for row in batch.to_pylist():
                line += 1
                yield JobRow(line, _cell_values(row))


def _cell_values(row: Mapping[str, Any]) -> Mapping[str, Any] | BadRequest:
    """What a row of Parquet sets; a null says nothing."""
    try:
        return read_values((name, value) for name, value in row.items() if value is not None)
    except BadRequest as error:
        return error


SOURCES: Mapping[str, Callable[[Path], Iterator[JobRow]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
"""One row a kind of file, by its ending; what has none here is a text, a job a line."""
