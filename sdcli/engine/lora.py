"""LoRAs put on and taken off: merged into the weights, so that no step costs more for them.

What a LoRA changes is always computed from the weights as the file has them, in fp32, and added up
in an order of its own: whichever is named first, the same bits come out. Taking them off reads the
touched weights again, so that no copy of them is kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sdcli.engine.lora_deltas import compute_delta
from sdcli.engine.packed_module import unpack_weights
from sdcli.engine.read_tensors import TensorReader, check_finite, load_component
from sdcli.plan import Lora
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.lora.file import read_alphas
from sdcli.weights.lora.fit import fit_lora
from sdcli.weights.lora.kinds import LoraModule
from sdcli.weights.lora.module_names import WeightName, weight_places
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import UNET

Weights = dict[tuple[str, str], Tensor]  # by component and by the module's own name
CPU = torch.device("cpu")
AT_ONCE = 8  # weights read back together when LoRAs are taken off


@dataclass(frozen=True)
class WeightChange:
    """What one LoRA does to one weight."""

    header: Header
    module: LoraModule
    part: str  # weight, bias
    alpha: float | None
    strength: float

    def of(self, weight: Tensor, reader: TensorReader) -> Tensor:
        """The change in fp32, in the shape of the weight, which is as the file has it."""

        def read(key: str) -> Tensor:
            factor = reader.read(self.header.tensors[key]).to(torch.float32)
            return check_finite(factor, self.header.path, key).to(weight.device)

        if self.part == "bias":
            return read(self.module.keys["diff_b"]).reshape(weight.shape).mul_(self.strength)
        factors = {factor: read(key) for factor, key in self.module.keys.items()}
        found = compute_delta(self.module, factors, weight, self.alpha, self.strength)
        return found.reshape(weight.shape)


Changes = Mapping[tuple[str, str], Sequence[WeightChange]]


def list_changes(
    model: Checkpoint, loras: Iterable[Lora]
) -> dict[tuple[str, str], list[WeightChange]]:
    """What these LoRAs change in a model: for each weight the changes, in an order of their own."""
    found = weight_places(model.components)
    changes: dict[tuple[str, str], list[WeightChange]] = {}
    for worn in sorted(loras, key=lambda lora: (lora.file.sha256, lora.unet, lora.te)):
        held = fit_lora(read_header(worn.file.path), model)
        alphas = read_alphas(held.lora)
        for module in held.fits:
            strength = worn.unet if module.component == UNET else worn.te
            alpha = alphas.get((module.component, module.name))
            for part in module.parts if strength else ():
                place = found[WeightName(module.component, module.name, part)]
                change = WeightChange(held.lora.header, module, part, alpha, strength)
                changes.setdefault((module.component, place.target), []).append(change)
    return changes


def apply_changes(
    weight: Tensor, changes: Sequence[WeightChange], reader: TensorReader, device: torch.device
) -> None:
    """Change a weight in place. The sum is made in fp32, whatever the weight is kept in."""
    plain = weight.to(device)
    total = changes[0].of(plain, reader)
    for change in changes[1:]:
        total += change.of(plain, reader)
    if weight.dtype is torch.float32:
        weight.add_(total.to(weight.device))
    else:
        weight.copy_(total.add_(plain))


class LoraWeights:
    """What the modules of one model wear. Nothing is kept of what they wore before."""

    def __init__(self, pipe: Any, model: Checkpoint, device: torch.device = CPU) -> None:
        self._device = device  # that computes what changes, wherever the weights are
        self.loras: tuple[Lora, ...] | None = ()  # none: a change was cut short
        self._pipe = pipe
        self._model = model
        self._touched: list[tuple[str, str]] = []

    @property
    def is_changeable(self) -> bool:
        """Whether the weights are at hand: under sequential offloading they are not."""
        return not any(weight.is_meta for weight in self._weights().values())

    @torch.no_grad()
    def change(self, loras: tuple[Lora, ...]) -> None:
        """The model wears these LoRAs and no others."""
        if loras == self.loras:
            return
        changes = list_changes(self._model, loras)
        weights = self._plain_weights({*self._touched, *changes})
        self.loras = None
        for (kind, target), original in self._originals(weights):
            weights[kind, target].copy_(original)
        self._touched = list(changes)  # before the first is changed: an interrupt can be undone
        with TensorReader() as reader:
            for place, of in changes.items():
                apply_changes(weights[place], of, reader, self._device)
        self.loras = loras

    def _weights(self) -> Weights:
        return {
            (kind, name.removeprefix("text_model.")): weight
            for kind in self._model.components
            if (module := getattr(self._pipe, kind, None)) is not None
            for name, weight in module.named_parameters()
        }

    def _plain_weights(self, places: set[tuple[str, str]]) -> Weights:
        """Every weight; those at these places can be read and changed in place."""
        for kind in {kind for kind, _ in places}:
            names = [target for touched, target in places if touched == kind]
            unpack_weights(getattr(self._pipe, kind), names)
        return self._weights()

    def _originals(self, weights: Weights) -> Iterator[tuple[tuple[str, str], Tensor]]:
        """Every touched weight as the file has it, a few at a time."""
        for kind, component in self._model.components.items():
            mine = [target for touched, target in self._touched if touched == kind]
            for start in range(0, len(mine), AT_ONCE):
                few = mine[start : start + AT_ONCE]
                shapes = {target: weights[kind, target].shape for target in few}
                dtype = weights[kind, few[0]].dtype
                read = load_component(self._model.header, component, shapes, dtype)
                yield from (((kind, target), tensor) for target, tensor in read.items())


@contextmanager
def with_loras(pipe: Any, model: Checkpoint, loras: tuple[Lora, ...]) -> Generator[None]:
    """The modules of a model with these LoRAs, until the block ends."""
    wardrobe = LoraWeights(pipe, model)
    try:
        wardrobe.change(loras)
        yield
    finally:
        wardrobe.change(())
