"""What a U-Net predicts (noise, velocity, picture), and whether its schedule ends in pure noise."""

from __future__ import annotations

import statistics
import struct
from array import array
from collections.abc import Mapping
from typing import Any

from sdcli.errors import BadRequest
from sdcli.weights.components import Component
from sdcli.weights.families import Family
from sdcli.weights.safetensors import Header, Tensor

# Under this name SD 2's velocity models differ from its epsilon models: ComfyUI's finding.
TELLTALE = "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias"
PREDICTIONS = {
    "eps": "eps",
    "epsilon": "eps",
    "v": "v",
    "v_prediction": "v",
    "v-prediction": "v",
    "sample": "x0",
    "x0": "x0",
}
EDM = ("edm_vpred.sigma_max", "edm_mean", "edm_std")


def detect_prediction(
    header: Header, unet: Component, family: Family, own: Mapping[str, Any]
) -> tuple[str, bool]:
    """The prediction (eps, v, x0) and whether the schedule is rescaled to zero terminal SNR."""
    names = header.tensors
    if any(name in names for name in EDM):
        raise BadRequest(
            f"`{header.path.name}` was trained in EDM's way, which sdcli cannot draw with",
            hint="CosXL and Playground 2.5 are such; use another SDXL checkpoint",
        )
    scheduler = header.configs.get("scheduler", {})
    zero_snr = "ztsnr" in names or bool(scheduler.get("rescale_betas_zero_snr"))
    zero_snr = bool(own.get("zero_snr", zero_snr))
    for word in (
        own.get("prediction"),
        "v" if "v_pred" in names else None,
        header.metadata.get("modelspec.predict_key"),
        header.metadata.get("modelspec.prediction_type"),
        scheduler.get("prediction_type"),
        "v"
        if header.metadata.get("modelspec.architecture") == "stable-diffusion-v2-768-v"
        else None,
    ):
        if isinstance(word, str) and word in PREDICTIONS:
            return PREDICTIONS[word], zero_snr
    return ("v" if _sd2_velocity(header, unet, family) else family.prediction), zero_snr


def _sd2_velocity(header: Header, unet: Component, family: Family) -> bool:
    if family.name != "sd2" or header.facts.get("global_step") == 875000:  # SD 2's 512 base
        return False
    part = unet.parts.get(TELLTALE)
    values = read_floats(header.tensors[part.name]) if part else []
    return len(values) > 1 and statistics.pstdev(values) > 0.09


def read_floats(tensor: Tensor) -> list[float]:
    """The numbers of a small tensor, read without torch; none where its type is too odd."""
    with tensor.file.open("rb") as file:
        file.seek(tensor.offset)
        raw = file.read(tensor.size)
    if len(raw) < tensor.size:
        return []
    if tensor.dtype == "BF16":  # the upper half of a float
        halves = array("H", raw)
        return list(struct.unpack(f"<{len(halves)}f", b"".join(_widened(half) for half in halves)))
    letter = {"F16": "e", "F32": "f", "F64": "d"}.get(tensor.dtype)
    return list(struct.unpack(f"<{tensor.count}{letter}", raw)) if letter else []


def _widened(half: int) -> bytes:
    return (half << 16).to_bytes(4, "little")
