"""Text hidden in the lowest bit of a picture's alpha channel, column by column.

A magic word, a length in bits, then the text, gzipped or not. It survives where text chunks are
thrown away, which is why some programs write it. Read only: it changes pixels.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from PIL import Image

from sdcli.images.formats.texts import LONGEST, decompress_text
from sdcli.images.open_picture import DAMAGED, open_picture

MAGIC = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}
LARGEST = 20_000_000  # pixels; decoding them is the only thing here that takes memory
_MAGIC_BITS = 15 * 8
_BITS = bytes.maketrans(bytes(range(256)), b"01" * 128)


def read_watermark(path: Path) -> str:
    """The hidden text, or nothing."""
    try:
        with open_picture(path) as image:
            bands = image.getbands()
            if "A" not in bands or image.width * image.height > LARGEST:
                return ""
            alpha = image.getchannel("A")
        return _text(alpha)
    except DAMAGED:
        return ""


def _text(alpha: Image.Image) -> str:
    # Only the columns that the next few bits are in: most pictures have none, and are large.
    head = _bits(alpha, _MAGIC_BITS + 32)
    packed = MAGIC.get(_bytes(head[:_MAGIC_BITS]))
    if packed is None or len(head) < _MAGIC_BITS + 32:
        return ""
    length = int(head[_MAGIC_BITS:], 2)
    start = _MAGIC_BITS + 32
    if length > LONGEST * 8 or start + length > alpha.width * alpha.height:
        return ""
    raw = _bytes(_bits(alpha, start + length)[start:])
    text = decompress_text(raw, [], wbits=zlib.MAX_WBITS | 16) if packed else raw
    return text.decode("utf-8", "replace")


def _bits(alpha: Image.Image, count: int) -> str:
    """The lowest bits of the first `count` pixels, going down the columns."""
    columns = min(alpha.width, -(-count // alpha.height))
    band = alpha.crop((0, 0, columns, alpha.height)).transpose(Image.Transpose.TRANSPOSE)
    return band.tobytes().translate(_BITS)[:count].decode("ascii")


def _bytes(bits: str) -> bytes:
    whole = len(bits) // 8 * 8
    return int(bits[:whole] or "0", 2).to_bytes(whole // 8, "big")
