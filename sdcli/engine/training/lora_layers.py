"""What a LoRA learns: two small matrices beside each layer, which stays as it is.

W x becomes W x + alpha / rank * up (down x) (Hu et al., 2106.09685). `up` begins at zero, so training
begins at the model itself. As DoRA (2402.09353) the sum keeps its direction and each output gets a
length of its own, which is learnt; for the way back the length it had counts as a constant.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn
from torch.nn import functional

from sdcli.engine.lora_extract import kohya_module_name
from sdcli.training.settings import TrainingSettings
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.lora.module_names import WeightName, underscored, weight_places
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET

Layer = nn.Linear | nn.Conv2d


class LoraLayer(nn.Module):
    """What is learnt beside one layer. From when it is put there, the layer says both."""

    def __init__(
        self, layer: Layer, rank: int, alpha: float, dice: torch.Generator, *, dora: bool
    ) -> None:
        super().__init__()
        self.is_worn = True
        shape = layer.weight.shape
        self.scale, self.alpha = alpha / rank, alpha
        self.down = nn.Parameter(torch.empty(rank, *shape[1:], dtype=torch.float32))
        self.up = nn.Parameter(torch.zeros(shape[0], rank, *[1] * (len(shape) - 2)))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5), generator=dice)
        self.length = nn.Parameter(_lengths(layer.weight.detach().float())) if dora else None
        layer.register_forward_hook(self._add)

    def _add(self, layer: nn.Module, given: tuple[Tensor, ...], said: Tensor) -> Tensor:
        """A hook: what the layer says, and what was learnt."""
        if not self.is_worn:
            return said
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        learnt = self._learnt(layer, given[0]) * self.scale
        if self.length is None:
            return said + learnt
        with torch.no_grad():
            changed = layer.weight.float() + self.change().view(layer.weight.shape)
            was = _lengths(changed)
        factor = self.length / was
        factor = factor.view(1, -1, 1, 1) if isinstance(layer, nn.Conv2d) else factor.flatten()
        if layer.bias is None:
            return (said + learnt) * factor
        bias = layer.bias.view(1, -1, 1, 1) if isinstance(layer, nn.Conv2d) else layer.bias
        return (said - bias + learnt) * factor + bias

    def _learnt(self, layer: Layer, x: Tensor) -> Tensor:
        if isinstance(layer, nn.Conv2d):
            small = functional.conv2d(x, self.down, None, layer.stride, layer.padding)
            return functional.conv2d(small, self.up)
        return functional.linear(functional.linear(x, self.down), self.up)

    def change(self) -> Tensor:
        """What is added to the layer's weight, as a matrix."""
        return self.up.flatten(1) @ self.down.flatten(1) * self.scale

    def tensors(self) -> dict[str, Tensor]:
        """What stands in the file, by the ends of its names."""
        found = {
            "lora_down.weight": self.down.detach(),
            "lora_up.weight": self.up.detach(),
            "alpha": torch.tensor(self.alpha),
        }
        if self.length is not None:
            found["dora_scale"] = self.length.detach()
        return found


def _lengths(weight: Tensor) -> Tensor:
    """How long the weights of each output are, [outputs, 1...]."""
    return weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1))


@dataclass(frozen=True)
class Target:
    """A layer to learn beside: of which component, how a file calls it, at which rank."""

    component: str
    stem: str
    layer: Layer
    rank: int
    alpha: float


class LearntLora(nn.ModuleDict):
    """Everything that a LoRA learns, by the names that its file has."""

    def __init__(self, targets: list[Target], *, seed: int, dora: bool) -> None:
        dice = torch.Generator().manual_seed(seed)
        super().__init__(
            {
                one.stem: LoraLayer(one.layer, one.rank, one.alpha, dice, dora=dora)
                for one in targets
            }
        )
        self._components = {one.stem: one.component for one in targets}

    def parameters_of(self, *components: str) -> list[nn.Parameter]:
        """What is learnt beside some components, in the order of the names."""
        return [
            parameter
            for stem, layer in self.items()
            if self._components[stem] in components
            for parameter in layer.parameters()
        ]

    @contextmanager
    def left_off(self) -> Generator[None]:
        """The model as it was before anything was learnt."""
        layers = [layer for layer in self.values() if isinstance(layer, LoraLayer)]
        for layer in layers:
            layer.is_worn = False
        try:
            yield
        finally:
            for layer in layers:
                layer.is_worn = True

    def file_tensors(self) -> dict[str, Tensor]:
        """The tensors of the file, in half precision, under kohya's names."""
        named: dict[str, Tensor] = {}
        for stem, layer in sorted(self.items()):
            assert isinstance(layer, LoraLayer)
            for end, tensor in layer.tensors().items():
                named[f"{stem}.{end}"] = tensor.to("cpu", torch.float16).contiguous()
        return named


def learn_lora(pipe: Any, model: Checkpoint, settings: TrainingSettings) -> LearntLora:
    """Something to learn beside every layer that the settings name."""
    targets = [*_unet_targets(pipe.unet, settings)]
    if settings.text_encoder:
        for kind in (TEXT, TEXT_2):
            targets += [(kind, *one) for one in _text_targets(getattr(pipe, kind, None), settings)]
    places = weight_places(model.components)
    named: list[Target] = []
    for kind, name, layer, rank, alpha in targets:
        key = WeightName(kind, underscored(name.removeprefix("text_model.")), "weight")
        stem = kohya_module_name(model, key, places[key])
        named.append(Target(kind, stem, layer, rank, alpha))
    named.sort(key=lambda one: (one.component != UNET, one.stem))
    return LearntLora(named, seed=settings.seed, dora=settings.dora)


def _unet_targets(
    unet: nn.Module, settings: TrainingSettings
) -> Iterator[tuple[str, str, Layer, int, float]]:
    plain, conv = (settings.rank, settings.alpha), (settings.conv_rank, settings.conv_alpha)
    for name, layer in _layers_in(unet, (Transformer2DModel,)):
        if settings.targets == "transformer" or ".attn" in name:
            yield UNET, name, layer, *plain
    if not settings.conv_rank:
        return
    # As kohya has it: what is no convolution of 3x3 in these blocks is learnt at the plain rank.
    for name, layer in _layers_in(unet, (ResnetBlock2D, Downsample2D, Upsample2D)):
        large = isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)
        yield UNET, name, layer, *(conv if large else plain)


def _layers_in(module: nn.Module, kinds: tuple[type, ...]) -> Iterator[tuple[str, Layer]]:
    """The linear layers and convolutions inside blocks of these kinds."""
    for outer, block in module.named_modules():
        if isinstance(block, kinds):
            for inner, layer in block.named_modules():
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    yield f"{outer}.{inner}", layer


def _text_targets(
    encoder: nn.Module | None, settings: TrainingSettings
) -> Iterator[tuple[str, Layer, int, float]]:
    """What attends and what follows it in every layer of a text encoder."""
    for name, layer in encoder.named_modules() if encoder is not None else ():
        inside = ".self_attn." in name or (".mlp." in name and settings.targets == "transformer")
        if isinstance(layer, nn.Linear) and inside:
            yield name, layer, settings.rank, settings.alpha
