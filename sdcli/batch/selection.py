"""Which jobs of a file are drawn: those that `--where` lets through, as many as `--limit` says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sdcli.batch.job_file import BatchJob, UnreadableLine
from sdcli.errors import BadRequest
from sdcli.options.parse import Real, Whole
from sdcli.options.table import Option, find_option

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, asked: found == asked,
    "!=": lambda found, asked: found != asked,
    "<": lambda found, asked: found is not None and found < asked,
    "<=": lambda found, asked: found is not None and found <= asked,
    ">": lambda found, asked: found is not None and found > asked,
    ">=": lambda found, asked: found is not None and found >= asked,
    "~": lambda found, asked: str(asked).lower() in str("" if found is None else found).lower(),
}
_HINT = "write NAME=VALUE, steps>20, or prompt~fox for a part of it"


@dataclass(frozen=True)
class Condition:
    """One `--where`: an option (or the number of the line), a comparison, a value."""

    option: Option | None  # None: the line
    comparison: str
    value: Any

    def holds(self, job: BatchJob) -> bool:
        """Whether the job is let through. What a job does not say is equal to nothing."""
        found = job.line if self.option is None else self.option.value_in(job.request)
        return _COMPARISONS[self.comparison](found, self.value)


def read_condition(text: str) -> Condition:
    """`steps>20`, `prompt~fox`, `line<=100`... as a condition."""
    match = re.fullmatch(r"\s*([\w-]+)\s*(!=|<=|>=|=|<|>|~)(.*)", text, re.DOTALL)
    if match is None:
        raise BadRequest(f"`--where {text}` compares nothing", hint=_HINT)
    name, comparison, value = match.groups()
    option = None if name == "line" else find_option(name)
    if comparison == "~":
        return Condition(option, comparison, value)
    if "<" in comparison or ">" in comparison:
        _check_ordered(option, text)
    parse = Whole(1, 2**63) if option is None else option.read
    return Condition(option, comparison, parse(value))


def _check_ordered(option: Option | None, text: str) -> None:
    if option is not None and not isinstance(option.parse, Whole | Real):
        raise BadRequest(f"`--where {text}`: `{option.name}` is no number", hint=_HINT)


def select_jobs(
    jobs: Iterable[BatchJob | UnreadableLine], conditions: Sequence[Condition], limit: int | None
) -> Iterator[BatchJob | UnreadableLine]:
    """The jobs that every condition lets through, at most `limit` of them, and every line before
    them that cannot be read."""
    chosen = (
        one
        for one in jobs
        if isinstance(one, UnreadableLine) or all(each.holds(one) for each in conditions)
    )
    return islice(chosen, limit)
