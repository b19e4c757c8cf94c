"""Numbers as a person reads them, and the name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def percent(share: float) -> str:
    """A share as per cent, to two digits that say something: 0.0123 makes 1.2 %."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == round(value) else f"{value:.2g} %"


def signed(value: float) -> str:
    """A change to two places, with a minus at which no line is broken: +1.87."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


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


def format_number(value: float) -> str:
    """A number as people write it: 7, not 7.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def closest(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The known names that `name` may be a slip of, the nearest first; often none."""
    return get_close_matches(name, list(known), most, cutoff)


def did_you_mean(names: Iterable[str]) -> str:
    """The beginning of a hint: "did you mean `euler` or `heun`? ", or nothing without names."""
    meant = " or ".join(f"`{name}`" for name in names)
    return f"did you mean {meant}? " if meant else ""


def suggest(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> str:
    """`did_you_mean` of the known names that are closest to `name`."""
    return did_you_mean(closest(name, known, most, cutoff))
