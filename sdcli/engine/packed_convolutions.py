"""Convolutions on a CPU whose weights are reordered once, not at every call: the same bits, sooner.

oneDNN computes from weights in blocks, in an order that depends on the shape of the input. Left
alone, torch puts them into that order at every call, which takes a third of a step. Here they are
kept in it, in place of the plain ones. Packing costs about two calls' reordering, so it waits for the
second call: a VAE that decodes one picture is left as it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from sdcli.engine.packed_module import PackedModule, become, can_pack, is_packable

INSIDE: Any = import_module("torch._C")  # what torch's own compiler packs with

Moment = tuple[torch.Size, torch.dtype, int]  # an input's shape and type, and how many threads


class PackedConvolution(PackedModule, nn.Conv2d):
    """A convolution that packs its weight when it is called a second time with the same shape.

    A call that wants gradients, or pictures that wrap round, unpacks it.
    """

    _last: Moment | None = None  # the last call
    _by_onednn = False  # whether torch gives such a call to oneDNN
    _packed_for: Moment | None = None

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if torch.is_grad_enabled() or self.padding_mode != "zeros":
            return self._unpacked_forward(input)
        now = (input.shape, input.dtype, torch.get_num_threads())
        if now != self._last:
            self._last, self._by_onednn = now, _uses_onednn(self, input)
        elif self._by_onednn and not (self.is_packed and now == self._packed_for):
            self._pack(now)
        if not (self._by_onednn and self.is_packed):
            return self._unpacked_forward(input)
        # Packed for another shape it computes the same bits, only later.
        return torch.ops.mkldnn._convolution_pointwise(
            input, self.weight, bias, *self._geometry, "none", [], ""
        )

    def _unpacked_forward(self, input: Tensor) -> Tensor:
        self.unpack()
        return super()._conv_forward(input, self.weight, self.bias)

    def _pack(self, now: Moment) -> None:
        shape, *_ = now

        def reorder(weight: Tensor) -> Tensor:
            opaque = weight if weight.is_mkldnn else weight.to_mkldnn()
            reordered = INSIDE._nn.mkldnn_reorder_conv2d_weight
            return reordered(opaque, *self._geometry, list(shape))

        self.repack(reorder)
        self._packed_for = now

    @property
    def _geometry(self) -> tuple[Any, ...]:
        padding: Any = self.padding
        return list(padding), list(self.stride), list(self.dilation), self.groups


def _uses_onednn(convolution: nn.Conv2d, input: Tensor) -> bool:
    """Whether torch itself gives this call to oneDNN: small ones it computes otherwise."""
    bias = convolution.bias
    chosen = INSIDE._select_conv_backend(
        input,
        convolution.weight,
        bias,
        convolution.stride,
        convolution.padding,
        convolution.dilation,
        False,
        (0, 0),
        convolution.groups,
        None if bias is None else list(bias.shape),
    )
    return chosen == INSIDE._ConvBackend.Mkldnn


def pack_convolutions(module: nn.Module) -> None:
    """Every convolution of a module on the CPU will pack itself when it is called."""
    if not can_pack():
        return
    for each in module.modules():
        if type(each) is nn.Conv2d and is_packable(each) and not isinstance(each.padding, str):
            become(each, PackedConvolution)
