"""Convolutions on a CPU whose weights are reordered once, not at every call: the same bits, sooner.

oneDNN computes from weights in blocks, in an order that depends on the shape of the input. Left
alone, torch puts them into that order at every call, which takes a third of a step. Here they are
kept in it, in place of the plain ones, and are put back where somebody wants to read or change them.
Packing costs about two calls' reordering, so it waits for the second call: a VAE that decodes one
picture is left as it is.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

INSIDE: Any = import_module("torch._C")  # what torch's own compiler packs with
PACKABLE = (torch.float32, torch.bfloat16)
MACHINES = ("x86_64", "AMD64")  # where the bits were compared

Moment = tuple[torch.Size, torch.dtype, int]  # an input's shape and type, and how many threads


class PackedConvolution(nn.Conv2d):
    """A convolution that packs its weight when it is called a second time with the same shape.

    `weight` is then opaque: `unpack` before it is read or changed. Moving the module or asking for
    another dtype unpacks by itself, and so does a call that wants gradients.
    """

    _last: Moment | None = None  # the last call
    _by_onednn = False  # whether torch gives such a call to oneDNN
    _packed_for: Moment | None = None
    _plain_strides: tuple[int, ...] = ()  # how the plain weight lay

    def unpack(self) -> None:
        """The weight is plain again, to the bit as it was, and lies as it lay."""
        if not self.weight.is_mkldnn:
            return
        with torch.inference_mode(mode=False):
            packed = self.weight
            plain = torch.empty_strided(packed.shape, self._plain_strides, dtype=packed.dtype)
            self._set_weight(plain.copy_(packed.to_dense()))
        self._packed_for = None

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if torch.is_grad_enabled() or self.padding_mode != "zeros":
            return self._unpacked_forward(input)
        now = (input.shape, input.dtype, torch.get_num_threads())
        if now != self._last:
            self._last, self._by_onednn = now, _uses_onednn(self, input)
        elif self._by_onednn and now != self._packed_for:
            self._pack(now)
        if not (self._by_onednn and self.weight.is_mkldnn):
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
        with torch.inference_mode(mode=False):
            weight = self.weight.detach()
            if not weight.is_mkldnn:
                self._plain_strides = weight.stride()
                weight = weight.to_mkldnn()
            reorder = INSIDE._nn.mkldnn_reorder_conv2d_weight
            self._set_weight(reorder(weight, *self._geometry, list(shape)))
        self._packed_for = now

    @property
    def _geometry(self) -> tuple[Any, ...]:
        padding: Any = self.padding
        return list(padding), list(self.stride), list(self.dilation), self.groups

    def _set_weight(self, weight: Tensor) -> None:
        self.weight = nn.Parameter(weight, requires_grad=False)

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        self.unpack()
        return super()._apply(*args, **kwargs)

    def _save_to_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.unpack()
        super()._save_to_state_dict(*args, **kwargs)


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


def can_pack() -> bool:
    """Whether this machine's torch has what packing needs."""
    return platform.machine() in MACHINES and torch.backends.mkldnn.is_available()


def pack_convolutions(module: nn.Module) -> None:
    """Every convolution of a module on the CPU will pack itself when it is called."""
    if not can_pack():
        return
    for each in module.modules():
        if type(each) is nn.Conv2d and _is_packable(each):
            _become(each, PackedConvolution)


def _is_packable(convolution: nn.Conv2d) -> bool:
    weight = convolution.weight
    return (
        weight.device.type == "cpu"
        and weight.dtype in PACKABLE
        and not isinstance(convolution.padding, str)
    )


def unpack_weights(module: nn.Module, names: Iterable[str]) -> None:
    """These parameters of the module are plain, to be read or changed; others stay as they are."""
    owners = {name.rpartition(".")[0] for name in names}
    for name, each in module.named_modules():
        if name in owners and isinstance(each, PackedConvolution):
            each.unpack()


def unpack_convolutions(module: nn.Module) -> None:
    """Every convolution is torch's own again, with its plain weight."""
    for each in module.modules():
        if isinstance(each, PackedConvolution):
            each.unpack()
            _become(each, nn.Conv2d)


def _become(module: Any, kind: type[nn.Conv2d]) -> None:
    """Another class for a module that stands where it stands, with the tensors that it has."""
    module.__class__ = kind
