"""How each kind of value is read from text, checked, and written as text again.

A parser is a row's answer to four questions: what a text means (`parser(text)`), whether a value that
did not come from text may be (`check`), what may be at all (`bounds`, `words`), and how a value is
written on a command line so that it is read as the same value (`spell`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sdcli.errors import BadRequest
from sdcli.library.open_file import expand_path
from sdcli.request import Control, Lora
from sdcli.text import format_number, suggest

LONGEST_PROMPT = 1_000_000  # characters
LONGEST_NAME = 4_096


class Parser(Protocol):
    """Reads and checks one kind of value."""

    def __call__(self, text: str) -> Any:
        """The value in `text`, or BadRequest."""
        ...

    def check(self, value: Any) -> Any:
        """The value as it is kept, or BadRequest where it cannot be."""
        ...


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds, a multiple of something where that is said."""

    least: int
    most: int
    multiple: int = 1
    advice: str = ""  # what to do instead of what others write, like -1 for a random seed
    zero: str = ""  # the word that 0 is written as

    def __call__(self, text: str) -> int:
        """The number in `text`."""
        if self.zero and text.strip().lower() == self.zero:
            return 0
        try:
            value = int(text.strip())
        except ValueError:
            raise BadRequest(f"`{text}` is not a whole number", hint=self._bounds) from None
        return self.check(value)

    def check(self, value: Any) -> int:
        """The number, if it is within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadRequest(f"`{value}` is not a whole number", hint=self._bounds)
        if not self.least <= value <= self.most:
            raise BadRequest(f"{value} is out of bounds", hint=self._bounds)
        if value % self.multiple:
            below = value // self.multiple * self.multiple
            raise BadRequest(
                f"{value} is no multiple of {self.multiple}",
                hint=f"{below} or {below + self.multiple}",
            )
        return value

    @property
    def range(self) -> str:
        """What it takes, in words."""
        return f"{self.zero}, or 1 to {self.most}" if self.zero else f"{self.least} to {self.most}"

    @property
    def _bounds(self) -> str:
        return f"{self.advice}; else {self.range}" if self.advice else self.range


@dataclass(frozen=True)
class Real:
    """A finite number within bounds."""

    least: float
    most: float

    def __call__(self, text: str) -> float:
        """The number in `text`."""
        return self.check(parse_finite(text))

    def check(self, value: Any) -> float:
        """The number, if it is one and within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRequest(f"`{value}` is not a number", hint=f"{self.least:g} to {self.most:g}")
        if self.least == 0 and value < 0:
            raise BadRequest(f"{value:g} is negative", hint=f"0 to {self.most:g}")
        if not self.least <= value <= self.most:  # which no NaN passes
            raise BadRequest(f"{value:g} is out of bounds", hint=f"{self.least:g} to {self.most:g}")
        return float(value)


class Word:
    """One of a few words, in any case."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, text: str) -> str:
        """The word in `text`."""
        return self.check(text.strip())

    def check(self, value: Any) -> str:
        """The word in lower case, if it is one of those there are."""
        known = str(value).lower()
        if known in self.words:
            return known
        hint = f"{suggest(known, self.words)}one of {', '.join(self.words)}"
        raise BadRequest(f"there is no `{value}`", hint=hint)


@dataclass(frozen=True)
class Text:
    """Any text up to a length."""

    longest: int = LONGEST_PROMPT

    def __call__(self, text: str) -> str:
        """The text itself."""
        return self.check(text)

    def check(self, value: Any) -> str:
        """The text, if it is one and not too long."""
        if not isinstance(value, str):
            raise BadRequest(f"`{value}` is not a text", hint="write it in quotes")
        if len(value) > self.longest:
            raise BadRequest(
                f"a text of {len(value)} characters is too long", hint=f"at most {self.longest}"
            )
        return value


@dataclass(frozen=True)
class Name:
    """A name of a file or a thing: any text but nothing."""

    def __call__(self, text: str) -> str:
        """The name, without the blanks around it."""
        return self.check(text.strip())

    def check(self, value: Any) -> str:
        """The name, if there is one."""
        name = str(value)
        if not name.strip():
            raise BadRequest("an empty text names nothing", hint="name a file, or leave it away")
        if len(name) > LONGEST_NAME:
            raise BadRequest(
                f"a name of {len(name)} characters is too long", hint=f"at most {LONGEST_NAME}"
            )
        return name


@dataclass(frozen=True)
class WordOrName(Name):
    """One of a few words, in any case, or the name of a file."""

    words: tuple[str, ...] = ()

    def check(self, value: Any) -> str:
        """The word in lower case, or the name."""
        name = super().check(value)
        return name.lower() if name.lower() in self.words else name


@dataclass(frozen=True)
class FilePath:
    """A path."""

    def __call__(self, text: str) -> Path:
        """The path, `~` being the home folder."""
        return self.check(Path(Name()(text)))

    def check(self, value: Any) -> Path:
        """The path, its `~` filled in where there is such a home."""
        return expand_path(Path(value))


@dataclass(frozen=True)
class Switch:
    """A flag that is there or not; `value` is what it means to be there."""

    value: bool = True

    def __call__(self, text: str) -> bool:
        """Yes or no, in words."""
        return parse_yes_or_no(text)

    def check(self, value: Any) -> bool:
        """Yes or no."""
        if not isinstance(value, bool):
            raise BadRequest(f"`{value}` is neither yes nor no", hint="yes or no")
        return value


@dataclass(frozen=True)
class Size:
    """Width and height: `512x768`. An empty text is no size."""

    side: Whole

    def __call__(self, text: str) -> str:
        """The size in `text`, as it is kept."""
        return self.check(text.strip())

    def check(self, value: Any) -> str:
        """The size as it is kept, if both sides can be."""
        if value == "":
            return ""
        sides = str(value).lower().split("x")
        if len(sides) != 2:
            raise BadRequest(f"`{value}` is no size", hint="WIDTHxHEIGHT, like 512x768")
        return "x".join(str(self.side(side)) for side in sides)


@dataclass(frozen=True)
class Enlargement:
    """How much larger: `2`, `1024x1536`, or `1024x0`, whose 0 is what keeps the proportions; as text.

    An empty text, or `none`, is no enlargement.
    """

    side: Whole
    scale: Real

    def __call__(self, text: str) -> str:
        """The enlargement in `text`, as it is kept."""
        return self.check(text.strip())

    def check(self, value: Any) -> str:
        """The enlargement as it is kept, if it can be."""
        said = str(value).strip().lower()
        if said in ("", "none"):
            return ""
        if "x" not in said:
            return format_number(self.scale(said))
        sides = said.split("x")
        if len(sides) != 2:
            raise BadRequest(f"`{value}` is no size", hint="WIDTHxHEIGHT, like 1024x1536")
        width, height = (0 if side.strip() == "0" else self.side(side) for side in sides)
        if not width and not height:
            raise BadRequest(f"`{value}` has no side", hint="WIDTHxHEIGHT; one of them may be 0")
        return f"{width}x{height}"


@dataclass(frozen=True)
class Shape:
    """Proportions, `16:9`, or width and height, `1024x512`, of which any whole number will do."""

    most: int

    def __call__(self, text: str) -> str:
        """The shape in `text`, as it is kept."""
        return self.check(text.strip())

    def check(self, value: Any) -> str:
        """The shape as it is kept, if it can be one."""
        found = re.fullmatch(r"(\d{1,5})\s*([x:])\s*(\d{1,5})", str(value).lower())
        if (
            found is None
            or not 0 < int(found[1]) <= self.most
            or not 0 < int(found[3]) <= self.most
        ):
            raise BadRequest(f"`{value}` is no shape", hint="proportions like 16:9, or 1024x512")
        return f"{int(found[1])}{found[2]}{int(found[3])}"


def split_size(size: str) -> tuple[int, int]:
    """Width and height of a size as it is kept."""
    width, height = size.split("x")
    return int(width), int(height)


class Toggle(Switch):
    """A flag with an opposite: `--zero-snr`, `--no-zero-snr`, or nothing said."""


@dataclass(frozen=True)
class Stay:
    """How long something stays: `90s`, `10m`, `2h`, or `off`; in seconds."""

    most: float = 7 * 24 * 3600

    def __call__(self, text: str) -> float:
        """The seconds in `text`."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip().lower())
        if text.strip().lower() in ("off", "0"):
            return 0.0
        if found is None:
            raise BadRequest(f"`{text}` is no time", hint="write 90s, 10m, 2h or off")
        return self.check(float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])

    def check(self, value: Any) -> float:
        """The seconds, if they are not too many."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise BadRequest(f"`{value}` is no time", hint="write 90s, 10m, 2h or off")
        if value > self.most:
            raise BadRequest(f"{value:g} seconds are too long", hint="a week at most: 168h")
        return float(value)


def parse_finite(text: str) -> float:
    """A number that is one: no NaN, no infinity."""
    try:
        value = float(text)
    except ValueError:
        raise BadRequest(f"`{text}` is not a number", hint="write it like 7.5") from None
    if not math.isfinite(value):
        raise BadRequest(f"`{text}` is not a number to compute with", hint="write it like 7.5")
    return value


def parse_yes_or_no(text: str) -> bool:
    """Yes or no, in the words that configuration files use."""
    known = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if text.strip().lower() not in known:
        raise BadRequest(f"`{text}` is neither yes nor no", hint="yes or no")
    return known[text.strip().lower()]


def spell_value(value: Any) -> Any:
    """A value as it is written after its flag; several of them as a list of such texts."""
    match value:
        case Lora(name, unet, te):
            apart = f",te={format_number(te)}" if te != unet else ""
            return f"{name}:{format_number(unet)}{apart}"
        case Control(name, image, weight, start, end):
            during = f"@{format_number(start)}-{format_number(end)}"
            part = "" if (start, end) == (0, 1) else during
            return f"{name}:{image}:{format_number(weight)}{part}"
        case tuple():
            return [spell_value(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case bool():
            return "yes" if value else "no"
        case float():
            return format_number(value)
        case _:
            return str(value)
