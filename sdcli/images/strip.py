"""A picture without what it carries: texts, EXIF and XMP left away, not a pixel touched.

The file is copied piece by piece, never decoded and encoded again. Only a watermark in the alpha
channel has to be wiped where it is, in the pixels themselves, and only there are they changed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

from sdcli.errors import BadRequest
from sdcli.images.alpha_watermark import read_watermark
from sdcli.images.formats.table import FORMATS, format_of_file
from sdcli.images.open_picture import open_picture
from sdcli.library.open_file import open_regular_file

LARGEST_FILE = 200 * 2**20


class StrippedPicture(NamedTuple):
    """A picture file without what it carried: its bytes, and what its name may end in."""

    raw: bytes
    format: str


def strip_metadata(path: Path) -> StrippedPicture:
    """The file at `path` as it would be if nothing had been written into it."""
    with open_regular_file(path) as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise BadRequest(
            f"`{path.name}` is larger than {LARGEST_FILE >> 20} MB", hint="pictures are smaller"
        )
    if read_watermark(path):
        raw = _wiped(path)
    row = format_of_file(raw[:16])
    if row is None or row.strip is None:
        able = [other.title for other in FORMATS.values() if other.strip]
        raise BadRequest(
            f"`{path.name}` is of a format that cannot be stripped",
            hint=f"{', '.join(able[:-1])} and {able[-1]} can",
        )
    return StrippedPicture(b"".join(row.strip(raw)), row.name)


def _wiped(path: Path) -> bytes:
    """The picture with the lowest bit of its alpha channel all the same."""
    with open_picture(path) as image:
        alpha = image.getchannel("A").point([level | 1 for level in range(256)])
        image.putalpha(alpha)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=6)
    return file.getvalue()
