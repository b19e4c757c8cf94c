"""The names of a U-Net's averaged copy, which trainers write without their dots."""

from __future__ import annotations

import re

EMA_PREFIX = "model_ema.diffusion_model"
# Each row: a piece without dots, and the same with them.
HEADS = (
    (r"(input_blocks|output_blocks)(\d+)(\d)(?=\D)", r"\1.\2.\3."),
    (r"(label_emb)(\d)(\d)", r"\1.\2.\3."),
    (r"(middle_block|time_embed|out)(\d)", r"\1.\2."),
)
PIECES = (
    (r"(in_layers|out_layers|emb_layers)(\d)", r"\1.\2."),
    (r"transformer_blocks(\d+)", r"transformer_blocks.\1."),
    (r"ffnet0proj", "ff.net.0.proj."),
    (r"ffnet2", "ff.net.2."),
    (r"to_out0", "to_out.0."),
    (r"(attn\d|norm\d?|to_[qkv]|op|conv|skip_connection|proj_in|proj_out)(?=[a-z]|$)", r"\1."),
)


def with_dots(name: str) -> str:
    """What an EMA copy is a copy of: `input_blocks10opbias` is of `input_blocks.1.0.op.bias`."""
    rest = name
    head = ""
    for pattern, written in HEADS:
        if found := re.match(pattern, rest):
            head, rest = found.expand(written), rest[found.end() :]
            break
    while rest and rest not in ("weight", "bias"):
        for pattern, written in PIECES:
            if found := re.match(pattern, rest):
                head, rest = head + found.expand(written), rest[found.end() :]
                break
        else:
            return name  # not a name of a U-Net
    return head + rest
