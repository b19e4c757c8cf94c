"""A safetensors file laid out before it is written, so that it can be written tensor by tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sdcli.weights.safetensors import Tensor

ALIGN = 8


def safetensors_head(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The file's first bytes; the tensors follow in this order, without gaps."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, tensor in tensors.items():
        place = [at, at + tensor.size]
        entries[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": place}
        at = place[1]
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGN)
    return len(text).to_bytes(8, "little") + text
