"""Modules on a CPU that keep their weight in oneDNN's order, in place of the plain one.

The weight is then opaque. It is plain again where somebody reads, changes, saves or moves it: by
`unpack_weights` for those of some names, and by itself when the module is moved, saved or asked for
another dtype.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

MACHINES = ("x86_64", "AMD64")  # where the bits were compared
PACKABLE = (torch.float32, torch.bfloat16)


def can_pack() -> bool:
    """Whether this machine's torch has what packing needs."""
    return platform.machine() in MACHINES and torch.backends.mkldnn.is_available()


class PackedModule(nn.Module):
    """What a packed convolution and a packed linear layer have in common. It holds no tensors."""

    weight: Tensor
    _plain_strides: tuple[int, ...] = ()  # how the plain weight lay

    @property
    def is_packed(self) -> bool:
        """Whether the weight is opaque now."""
        return self.weight.is_mkldnn

    def repack(self, reorder: Callable[[Tensor], Tensor]) -> None:
        """The weight as `reorder` makes it of the plain one, or of one that is packed already."""
        with torch.inference_mode(mode=False):
            weight = self.weight.detach()
            if not weight.is_mkldnn:
                self._plain_strides = weight.stride()
            self._set_weight(reorder(weight))

    def unpack(self) -> None:
        """The weight is plain again, to the bit as it was, and lies as it lay."""
        if not self.is_packed:
            return
        with torch.inference_mode(mode=False):
            packed = self.weight
            plain = torch.empty_strided(packed.shape, self._plain_strides, dtype=packed.dtype)
            self._set_weight(plain.copy_(packed.to_dense()))

    def _set_weight(self, weight: Tensor) -> None:
        self.weight = nn.Parameter(weight, requires_grad=False)

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        self.unpack()
        return super()._apply(*args, **kwargs)

    def _save_to_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.unpack()
        super()._save_to_state_dict(*args, **kwargs)


def is_packable(module: Any) -> bool:
    """Whether a module's weight lies on the CPU in a dtype that oneDNN computes in."""
    return module.weight.device.type == "cpu" and module.weight.dtype in PACKABLE


def become(module: nn.Module, kind: type[nn.Module]) -> None:
    """Another class for a module that stands where it stands, with the tensors that it has."""
    cast(Any, module).__class__ = kind


def unpack_weights(module: nn.Module, names: Iterable[str]) -> None:
    """These parameters of the module are plain, to be read or changed; others stay as they are."""
    owners = {name.rpartition(".")[0] for name in names}
    for name, each in module.named_modules():
        if name in owners and isinstance(each, PackedModule):
            each.unpack()


def restore_modules(module: nn.Module) -> None:
    """Everything in a module is torch's own again, with plain weights."""
    for each in module.modules():
        if isinstance(each, PackedModule):
            each.unpack()
            plain = next(kind for kind in type(each).__mro__ if kind in (nn.Conv2d, nn.Linear))
            become(each, plain)
