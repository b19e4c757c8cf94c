"""GGUF's blocks of quantised numbers, multiplied out: 32 numbers to a block, with its own scale.

The layouts are those of ggml (`ggml-quants.c`): a scale in fp16, for the kinds that end in 1 a
least value in fp16 behind it, for those of five bits the fifth bits in 4 bytes, then the numbers;
of those that share a byte, the first half of the block has the lower four bits.
"""

from __future__ import annotations

import torch

_EACH = 32
_SHIFTS = torch.arange(_EACH)


def unpack_blocks(kind: str, blocks: torch.Tensor) -> torch.Tensor:
    """The numbers of blocks [n, bytes] as fp32 [n, 32]."""
    scale = _half(blocks, 0)
    if kind == "Q8_0":
        return blocks[:, 2:].view(torch.int8).float() * scale
    least = _half(blocks, 2) if kind.endswith("1") else None
    at = 2 if least is None else 4
    numbers = _four_bits(blocks[:, -_EACH // 2 :])
    middle = 8
    if kind.startswith("Q5"):
        numbers = numbers + 16 * _single_bits(blocks[:, at : at + 4])
        middle = 16
    if least is None:
        return (numbers - middle).float() * scale
    return numbers.float() * scale + least


def _half(blocks: torch.Tensor, at: int) -> torch.Tensor:
    return blocks[:, at : at + 2].contiguous().view(torch.float16).float()


def _four_bits(packed: torch.Tensor) -> torch.Tensor:
    return torch.cat([packed & 15, packed >> 4], dim=1).int()


def _single_bits(packed: torch.Tensor) -> torch.Tensor:
    word = packed.contiguous().view(torch.int32)
    return (word >> _SHIFTS) & 1
