"""Weights in 8-bit numbers with a scale beside them: told by their names, multiplied out when read.

ComfyUI writes them in two ways: `X.scale_weight` with a mark `scaled_fp8`, and `X.weight_scale`
with the format in `X.comfy_quant` or in the metadata. A scale is one number for a tensor or one
for each of its rows. Whatever else is there stays as it is, and `file_kinds` refuses it by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from sdcli.library.open_file import open_regular_file
from sdcli.weights.json_table import parse_json_table
from sdcli.weights.safetensors import Header, Scale, Tensor

FORMATS_KEY = "_quantization_metadata"
MARK = "scaled_fp8"
_SCALES = (".weight_scale", ".scale_weight")
_FORMAT = ".comfy_quant"
# How the inputs of a layer are to be rounded, for those who compute in 8 bits.
_OF_INPUTS = (".input_scale", ".scale_input")
_EIGHT_BITS = ("F8_E4M3", "F8_E5M2")
_MULTIPLIED = "F16"
LONGEST_FORMAT = 10_000


def multiply_out(header: Header) -> Header:
    """The header with every scale in the tensor that it belongs to, and in no other place."""
    if not _all_are_eight_bits(parse_json_table(header.metadata.get(FORMATS_KEY, ""))):
        return header
    tensors, scaled = dict(header.tensors), 0
    for name, scale in header.tensors.items():
        layer = next((name.removesuffix(end) for end in _SCALES if name.endswith(end)), None)
        weight = None if layer is None else tensors.get(f"{layer}.weight")
        if weight is not None and _fits(weight, scale) and _is_known(header, f"{layer}{_FORMAT}"):
            tensors[f"{layer}.weight"] = replace(
                weight, dtype=_MULTIPLIED, scale=Scale(weight.dtype, scale)
            )
            for done in (name, f"{layer}{_FORMAT}", *(f"{layer}{end}" for end in _OF_INPUTS)):
                tensors.pop(done, None)
            scaled += 1
    if not scaled:
        return header
    tensors.pop(MARK, None)
    return replace(header, tensors=tensors, scaled=scaled)


def _all_are_eight_bits(formats: Mapping[str, Any]) -> bool:
    layers: Any = formats.get("layers", {})
    if not isinstance(layers, dict):
        return False
    rows = cast("dict[str, Any]", layers).values()
    return all(
        isinstance(row, dict) and _is_eight_bits(cast("dict[str, Any]", row)) for row in rows
    )


def _is_eight_bits(row: Mapping[str, Any]) -> bool:
    return str(row.get("format")) in ("float8_e4m3fn", "float8_e5m2")


def _fits(weight: Tensor, scale: Tensor) -> bool:
    rows = weight.shape[0] if weight.shape else 1
    plain = not weight.strides and not scale.strides and scale.dtype in ("F32", "F16", "BF16")
    return plain and weight.dtype in _EIGHT_BITS and scale.count in (1, rows)


def _is_known(header: Header, name: str) -> bool:
    """Whether a layer's format, where it is said in a tensor of its own, is one of ours."""
    place = header.tensors.get(name)
    if place is None:
        return True
    if place.dtype != "U8" or place.size > LONGEST_FORMAT:
        return False
    with open_regular_file(place.file) as file:
        file.seek(place.offset)
        return _is_eight_bits(parse_json_table(file.read(place.size)))
