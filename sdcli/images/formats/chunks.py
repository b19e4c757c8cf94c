"""The chunks of which PNG and WebP are made."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from sdcli.images.formats.texts import MOST_CHUNKS


def read_chunk_heads(file: BinaryIO, form: str) -> Iterator[tuple[bytes, int]]:
    """The kind and the size of each chunk of a file, which stands behind the chunk's head then.

    Whoever asks for the next one has gone to the chunk's end.
    """
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        one, other = struct.unpack(form, head)
        yield (other, one) if isinstance(other, bytes) else (one, other)
