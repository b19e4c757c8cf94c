"""A trained file, with the hashes by which other programs know it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import BinaryIO

from torch import Tensor

from sdcli.engine.lora_merge import write_tensors

OLD_PIECE = slice(0x100000, 0x110000)  # the bytes that AUTOMATIC1111's old hash is of


def write_trained(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], file: BinaryIO
) -> None:
    """The tensors and what is said of them, kohya's hashes of the file among it: of its tensors, and of
    a piece of the file as it is with no other metadata than kohya's own."""
    theirs = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    plain = io.BytesIO()
    write_tensors(tensors, theirs, plain)
    raw = plain.getvalue()
    start = 8 + int.from_bytes(raw[:8], "little")
    hashes = {}
    if theirs:
        hashes = {
            "sshs_model_hash": hashlib.sha256(raw[start:]).hexdigest(),
            "sshs_legacy_hash": hashlib.sha256(raw[OLD_PIECE]).hexdigest()[:8],
        }
    write_tensors(tensors, {**metadata, **hashes}, file)
