"""Every format that pictures are written in. A new one is a file with its row, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.jpeg import JPEG
from sdcli.images.formats.png import PNG
from sdcli.images.formats.webp import WEBP
from sdcli.library.open_file import open_regular_file

FORMATS: Mapping[str, PictureFormat] = {row.name: row for row in (PNG, JPEG, WEBP)}
FORMAT_BY_ENDING: Mapping[str, PictureFormat] = {
    ending: row for row in FORMATS.values() for ending in row.endings
}


def format_of_file(start: bytes) -> PictureFormat | None:
    """The format of a file that begins like this; None where it is none of ours."""
    return next((row for row in FORMATS.values() if row.begins(start)), None)


def format_of_path(path: Path) -> PictureFormat | None:
    """The format of the file at `path`, by its content."""
    with open_regular_file(path) as file:
        return format_of_file(file.read(16))
