"""Textual inversions inside pictures, where A1111 writes them: as JSON in a text of the file."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.embedded_texts import read_embedded_texts
from sdcli.images.formats.png import PNG
from sdcli.images.formats.table import format_of_path
from sdcli.images.formats.webp import WEBP

TEXT_KEY = "sd-ti-embedding"
NUMBERS = "TORCHTENSOR"  # the key under which that JSON spells a tensor out


def may_hold_embedding(path: Path) -> bool:
    """Whether a file is a PNG or a WebP, by its content."""
    try:
        return format_of_path(path) in (PNG, WEBP)
    except SdcliError:
        return False


def read_embedding_rows(path: Path) -> Sequence[Sequence[float]]:
    """The vectors of the embedding in a picture."""
    text = read_embedded_texts(path).named.get(TEXT_KEY)
    if text is None:
        raise BadRequest(
            f"`{path.name}` is a picture, and no text in it holds an embedding",
            hint="one that is only in the pixels must be saved as `.pt` where it was made",
        )
    try:
        found: Any = json.loads(base64.b64decode(text))["string_to_param"]
        (tensor,) = cast("Mapping[str, Any]", found).values()
        numbers = [[float(number) for number in row] for row in tensor[NUMBERS]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        numbers = []
    known = all(math.isfinite(number) for row in numbers for number in row)
    if not numbers or not numbers[0] or len({len(row) for row in numbers}) != 1 or not known:
        raise BadRequest(
            f"the embedding in `{path.name}` cannot be read", hint="the picture is damaged"
        )
    return numbers
