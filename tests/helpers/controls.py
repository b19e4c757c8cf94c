"""Tiny ControlNets for the tiny checkpoints, under the names of the full-size files."""

from __future__ import annotations

from tests.helpers import tiny
from tests.helpers.tiny import Shapes, Tensors

HINT = (8, 8, 16, 16, 16, 16, 16)  # a map's widths on its way in: the first, then pairs, then last
ENCODER = ("time_embed.", "label_emb.", "input_blocks.", "middle_block.")


def shapes(layout: str) -> Shapes:
    """The U-Net's encoder, the layers a map goes through, and a convolution behind each block."""
    row = tiny.LAYOUTS[layout]
    unet = tiny.unet(row)
    found = {name: shape for name, shape in unet.items() if name.startswith(ENCODER)}
    wide = row.widths[0]
    widths = (3, *HINT, wide)
    for place, (into, out) in enumerate(zip(widths, widths[1:], strict=False)):
        found[f"input_hint_block.{2 * place}.weight"] = (out, into, 3, 3)
        found[f"input_hint_block.{2 * place}.bias"] = (out,)
    for block in sorted({int(name.split(".")[1]) for name in found if name.startswith("input_b")}):
        side = _width(found, block, wide)
        found[f"zero_convs.{block}.0.weight"] = (side, side, 1, 1)
        found[f"zero_convs.{block}.0.bias"] = (side,)
    side = row.widths[-1]
    found["middle_block_out.0.weight"] = (side, side, 1, 1)
    found["middle_block_out.0.bias"] = (side,)
    return found


def _width(found: Shapes, block: int, first: int) -> int:
    """How wide a block's output is."""
    for inner in ("0.out_layers.3", "0.op", "0"):
        if shape := found.get(f"input_blocks.{block}.{inner}.weight"):
            return shape[0]
    return first


def tensors(layout: str = "sd1", seed: int = 5) -> Tensors:
    """A tiny ControlNet in memory."""
    return tiny.filled(shapes(layout), seed)
