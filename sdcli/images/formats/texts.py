"""Texts found in a picture file, and how much of them is believed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

KEYWORD = "sdcli"  # of our JSON, where texts have names
LONGEST = 8 * 2**20  # of one text, in bytes
MOST_TEXT = 32 * 2**20  # of all of them
MOST_CHUNKS = 100_000


@dataclass
class EmbeddedTexts:
    """Texts by name, in the order found, and what could not be read."""

    named: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[str] = field(default_factory=list[str])
    lost: dict[str, str] = field(default_factory=dict[str, str])  # what is there but unreadable
    size: int = 0

    def add(self, name: str, text: str) -> None:
        """Keep one more text, unless there are already too many; of one name the last counts."""
        self.size += len(text)
        if self.size > MOST_TEXT:
            self.lose(name, "is beyond what is read of one picture")
        elif text:
            self.named[name[:80]] = text

    def lose(self, name: str, why: str) -> None:
        """Note a text that is there and cannot be read."""
        problem = f"the text `{name[:40]}` {why}"
        self.lost[name[:80]] = problem
        self.problems.append(problem)


def decompress_text(packed: bytes, problems: list[str], wbits: int = zlib.MAX_WBITS) -> bytes:
    """What `packed` inflates to, no further than a text may be long."""
    inflate = zlib.decompressobj(wbits)
    try:
        text = inflate.decompress(packed, LONGEST)
    except zlib.error:
        problems.append("a compressed text is damaged")
        return b""
    if inflate.unconsumed_tail:
        problems.append("a compressed text inflates to more than is read of one text")
        return b""
    return text


def utf8_or_latin1(text: bytes) -> str:
    """Bytes as text: some programs write UTF-8 where a standard has Latin-1, of which little is
    valid UTF-8."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
