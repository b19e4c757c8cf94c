"""Words on pictures: a font that is always there, and lines broken to fit a width."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from sdcli.library.open_file import is_ordinary_file

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=32)
def load_font(size: int, bold: bool = False) -> Font:
    """The lettering of this size; the same on every machine with the same packages."""
    # The charts' library brings DejaVu Sans, which knows far more scripts than Pillow's own font.
    charts = find_spec("matplotlib")
    if charts is not None and charts.origin is not None:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        file = Path(charts.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if is_ordinary_file(file):
            return ImageFont.truetype(str(file), size)
    return ImageFont.load_default(size)


def text_width(text: str, letters: Font) -> int:
    """How many pixels the text takes on one line."""
    return round(letters.getlength(text))


def line_height(letters: Font) -> int:
    """How many pixels one line takes, with its leading."""
    top, bottom = letters.getbbox("Ågj|")[1::2]
    return round((bottom - top) * 1.25)


def wrap_text(text: str, letters: Font, width: int, most: int = 0) -> list[str]:
    """The text in lines no wider than `width`; past `most` lines it ends in an ellipsis."""
    lines = [""]
    for glue, atom in _atoms(text):
        grown = lines[-1] + (glue if lines[-1] else "") + atom
        if text_width(grown, letters) <= width:
            lines[-1] = grown
        elif text_width(atom, letters) <= width:
            lines.append(atom)
        else:  # wider than a line by itself, with no place to break it
            lines += _chopped(atom, letters, width)
    lines = [line for line in lines if line] or [""]
    if most and len(lines) > most:
        lines = [*lines[: most - 1], _cut(f"{lines[most - 1]} {lines[most]}", letters, width)]
    return lines


def _atoms(text: str) -> list[tuple[str, str]]:
    """What may stand on a line of its own (words, and parts of words ending in a hyphen), each
    with what stands before it on the same line."""
    return [
        (" " if place == 0 else "", atom)
        for word in text.split()
        for place, atom in enumerate(re.findall(r"[^-]*-+|[^-]+", word))
    ]


def _chopped(atom: str, letters: Font, width: int) -> list[str]:
    lines = [""]
    for letter in atom:
        if lines[-1] and text_width(lines[-1] + letter, letters) > width:
            lines.append("")
        lines[-1] += letter
    return lines


def _cut(line: str, letters: Font, width: int) -> str:
    while line and text_width(f"{line}…", letters) > width:
        line = line[:-1]
    return f"{line.rstrip()}…"
