"""What each kind of LoRA adds to a weight: one small function per kind, the formula, nothing else.

Every function gives the change as a matrix in fp32, what comes out by all that goes in (a
convolution's kernel flattened behind its input channels), without strength and scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sdcli.errors import SdcliError
from sdcli.weights.lora.kinds import LoraModule

Factors = Mapping[str, Tensor]


def lora_delta(of: Factors, weight: Tensor) -> Tensor:
    """LoRA and LoCon: up @ down, and with Tucker's core the kernel between them."""
    up, down = of["up"].flatten(1), of["down"]
    if "mid" in of:
        return torch.einsum("oa,abkl,bi->oikl", up, of["mid"], down.flatten(1)).flatten(1)
    return up @ down.flatten(1)


def loha_delta(of: Factors, weight: Tensor) -> Tensor:
    """LoHa: the product, number by number, of two low-rank matrices."""
    if "t1" in of:
        first = _tucker(of["t1"], of["w1_a"], of["w1_b"])
        return first * _tucker(of["t2"], of["w2_a"], of["w2_b"])
    return (of["w1_a"] @ of["w1_b"]) * (of["w2_a"] @ of["w2_b"])


def lokr_delta(of: Factors, weight: Tensor) -> Tensor:
    """LoKr: the Kronecker product of a small matrix and a larger one, either in two factors."""
    return torch.kron(_side(of, "kron_1"), _side(of, "kron_2"))


def _side(of: Factors, side: str) -> Tensor:
    if side in of:
        return of[side].flatten(1)
    if side == "kron_2" and "kron_t2" in of:
        return _tucker(of["kron_t2"], of["kron_2_a"], of["kron_2_b"])
    return of[f"{side}_a"] @ of[f"{side}_b"].flatten(1)


def _tucker(core: Tensor, outer: Tensor, inner: Tensor) -> Tensor:
    return torch.einsum("abkl,ao,bi->oikl", core, outer, inner).flatten(1)


def glora_delta(of: Factors, weight: Tensor) -> Tensor:
    """GLoRA: a low-rank change, and a low-rank change of what the weight already does."""
    plain = as_matrix(weight)
    a1, a2, b1, b2 = (of[name].flatten(1) for name in ("a1", "a2", "b1", "b2"))
    if b2.shape[1] == b1.shape[0] == min(b1.shape):  # the older of its two generations
        return b2 @ b1 + plain @ a2 @ a1
    return b1 @ b2 + plain @ a1 @ a2


def ia3_delta(of: Factors, weight: Tensor) -> Tensor:
    """IA3: every output, or every input, made larger or smaller by a number of its own."""
    by, plain = of["ia3"].flatten(), as_matrix(weight)
    on_input = bool(of["on_input"].any())
    if len(by) != (weight.shape[1:2].numel() if on_input else len(weight)):
        raise SdcliError(
            f"an IA3 has {len(by)} numbers for a weight of {'x'.join(map(str, plain.shape))}",
            hint="the LoRA is damaged: download or copy it again",
        )
    if not on_input:
        return plain * by[:, None]
    return plain * by.repeat_interleave(plain.shape[1] // len(by))[None]


def full_delta(of: Factors, weight: Tensor) -> Tensor:
    """The whole difference, as it stands."""
    return of["diff"].reshape(len(weight), -1)


def replacement_delta(of: Factors, weight: Tensor) -> Tensor:
    """From the weight that is there to the one in the file."""
    plain = as_matrix(weight)
    return of["set"].reshape(plain.shape) - plain


DELTAS: Mapping[str, Callable[[Factors, Tensor], Tensor]] = {
    "LoRA": lora_delta,
    "LoHa": loha_delta,
    "LoKr": lokr_delta,
    "GLoRA": glora_delta,
    "IA3": ia3_delta,
    "full difference": full_delta,
    "replaced weight": replacement_delta,
}
SCALED = ("LoRA", "LoHa", "LoKr", "GLoRA")  # by alpha over rank; the others are whole numbers


def compute_delta(
    module: LoraModule, of: Factors, weight: Tensor, alpha: float | None, strength: float = 1.0
) -> Tensor:
    """The change of a weight, as a matrix. `weight`: as it was before any change."""
    change, by = DELTAS[module.kind](of, weight), factor_scale(module, alpha)
    if "dora_scale" in of:
        change = _decomposed(change.mul_(by), as_matrix(weight), of["dora_scale"])
        by = 1.0
    return change if by * strength == 1 else change.mul_(by * strength)


def as_matrix(weight: Tensor) -> Tensor:
    """A weight in fp32 as a matrix."""
    return weight.to(torch.float32).reshape(len(weight), -1)


def factor_scale(module: LoraModule, alpha: float | None) -> float:
    """What the file multiplies its factors by: alpha over rank where it has both, else 1."""
    if alpha is None or not module.rank or module.kind not in SCALED:
        return 1.0
    return alpha / module.rank


def _decomposed(change: Tensor, weight: Tensor, magnitude: Tensor) -> Tensor:
    """DoRA: the changed weight keeps its directions and takes the lengths the file says."""
    changed = weight + change
    if magnitude.ndim > 1 and magnitude.shape[0] == 1 != weight.shape[0]:  # one length per input
        inputs = magnitude.shape[1]
        columns = changed.reshape(len(changed), inputs, -1)
        length = columns.square().sum((0, 2)).sqrt()
        factor = magnitude.flatten() / length
        columns *= factor[None, :, None]
    else:
        changed *= (magnitude.flatten() / changed.norm(dim=1))[:, None]
    return changed.sub_(weight)
