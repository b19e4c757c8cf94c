"""Everything that can go wrong and is not a bug: a fact, a hint, an exit code."""

from __future__ import annotations


class SdcliError(Exception):
    """A failure the user can act on: one sentence of fact, one of advice."""

    exit_code = 1

    def __init__(self, fact: str, *, hint: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint


class BadRequest(SdcliError):
    """What was asked cannot be: a value, a name, a file that is not what it should be."""

    exit_code = 2


class PartFailed(SdcliError):
    """Some of a batch failed; the rest is done and kept."""

    exit_code = 3
