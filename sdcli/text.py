"""Numbers as a person reads them, and the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def percent(share: float) -> str:
    """A share as per cent, to two digits that say something: 0.0123 makes 1.2 %."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == round(value) else f"{value:.2g} %"


def seconds(some: float) -> str:
    """Seconds to two digits that say something."""
    return f"{some:.0f} s" if some >= 10 else f"{some:.2g} s"


def duration(some: float) -> str:
    """A while in words: 40 s, 3 min, 2 h 10 min."""
    if some < 90:
        return f"{max(round(some), 1)} s"
    minutes = round(some / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def count_of(number: int, noun: str) -> str:
    """A number of things: 1 picture, 2 pictures, 1,200 pictures."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def suggest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The beginning of a hint: "did you mean `euler`? ", or nothing where no name is near."""
    near = get_close_matches(name, list(known), 1, cutoff)
    return f"did you mean `{near[0]}`? " if near else ""
