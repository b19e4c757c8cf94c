"""Tiny LoRAs of every kind, in every trainer's naming, for the tiny checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.lora.module_names import WeightName, WeightPlace, underscored, weight_places
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, file_spelling

Tensors = dict[str, torch.Tensor]
RANK = 4


@dataclass(frozen=True)
class Target:
    """A module that a LoRA can change."""

    component: str
    dotted: str  # as diffusers has it
    ldm: str  # as the checkpoint has it
    shape: tuple[int, ...]


def targets(model: Checkpoint, every: int = 1, convs: bool = False) -> list[Target]:
    """The attention and feed-forward layers of U-Net and text encoders, and the convolutions."""
    found = [
        Target(
            name.component,
            place.target.removesuffix(".weight"),
            _ldm(model, name, place),
            place.shape,
        )
        for name, place in weight_places(model.components).items()
        if name.part == "weight" and _trained(name, place, convs)
    ]
    return found[::every]


def _ldm(model: Checkpoint, name: WeightName, place: WeightPlace) -> str:
    table = model.components[name.component].table
    return file_spelling(place.target, table).removesuffix(".weight")


def _trained(name: WeightName, place: WeightPlace, convs: bool) -> bool:
    if len(place.shape) < 2 or "embedding" in name.module or name.module == "text_projection":
        return False
    return convs or "attn" in name.module or "_ff_" in name.module or "_mlp_" in name.module


Namer = Callable[[Target], str]
TE = {TEXT: "te1", TEXT_2: "te2", UNET: "unet"}


def kohya(at: Target) -> str:
    """SD 1 and 2: `lora_unet_` and `lora_te_`."""
    if at.component == UNET:
        return f"lora_unet_{underscored(at.dotted)}"
    return f"lora_te_text_model_{underscored(at.dotted)}"


def kohya_xl(at: Target) -> str:
    """SDXL: the U-Net in the checkpoint's own names, the text encoders numbered."""
    if at.component == UNET:
        return f"lora_unet_{underscored(at.ldm)}"
    return f"lora_{TE[at.component]}_text_model_{underscored(at.dotted)}"


def kohya_xl_diffusers(at: Target) -> str:
    """SDXL in diffusers' names, as LCM-LoRA has them."""
    return kohya_xl(at) if at.component != UNET else f"lora_unet_{underscored(at.dotted)}"


def lycoris(at: Target) -> str:
    """SimpleTuner."""
    return f"lycoris_{underscored(at.dotted)}" if at.component == UNET else kohya_xl(at)


def diffusers(at: Target) -> str:
    """diffusers and PEFT inside it."""
    inner = "" if at.component == UNET else "text_model."
    return f"{at.component}.{inner}{at.dotted}"


def onetrainer(at: Target) -> str:
    """OneTrainer: the same beginnings as kohya, dots kept."""
    return f"lora_{TE[at.component]}.{'' if at.component == UNET else 'text_model.'}{at.dotted}"


def comfy(at: Target) -> str:
    """Saved out of ComfyUI: the U-Net in the checkpoint's names."""
    if at.component == UNET:
        return f"diffusion_model.{at.ldm}"
    letter = "l" if at.component == TEXT else "g"
    return f"text_encoders.clip_{letter}.transformer.text_model.{at.dotted}"


def bare(at: Target) -> str:
    """No beginning at all."""
    return at.dotted if at.component == UNET else f"text_model.{at.dotted}"


def raw_peft(at: Target) -> str:
    """PEFT saved by itself."""
    return f"base_model.model.{bare(at)}"


DOWN_UP = ("lora_down.weight", "lora_up.weight")
A_B = ("lora_A.weight", "lora_B.weight")
# Each naming: how modules are called, and how the two factors are.
NAMINGS: Mapping[str, tuple[Namer, tuple[str, str]]] = {
    "kohya": (kohya, DOWN_UP),
    "kohya-xl": (kohya_xl, DOWN_UP),
    "kohya-xl-diffusers": (kohya_xl_diffusers, DOWN_UP),
    "lycoris": (lycoris, DOWN_UP),
    "onetrainer": (onetrainer, DOWN_UP),
    "comfy": (comfy, DOWN_UP),
    "diffusers-peft": (diffusers, A_B),
    "diffusers-0.2": (diffusers, ("lora.down.weight", "lora.up.weight")),
    "diffusers-linear": (
        diffusers,
        ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
    ),
    "peft": (raw_peft, A_B),
    "peft-named": (raw_peft, ("lora_A.default.weight", "lora_B.default.weight")),
    "bare": (bare, A_B),
}


def old_processors(factors: Mapping[str, Mapping[str, torch.Tensor]]) -> Tensors:
    """diffusers before 0.20: attention alone, by the processor of each projection."""
    return {
        _processor(name) + f"_lora.{'down' if part == 'lora_down.weight' else 'up'}.weight": tensor
        for name, parts in factors.items()
        for part, tensor in parts.items()
        if part != "alpha"
    }


def _processor(name: str) -> str:
    if name.startswith(UNET):
        head, _, tail = name.removesuffix(".0").rpartition(".")
        return f"{head}.processor.{tail}"
    for new, old in (
        ("q_proj", "to_q"),
        ("k_proj", "to_k"),
        ("v_proj", "to_v"),
        ("out_proj", "to_out"),
    ):
        name = name.removesuffix(new) + old if name.endswith(new) else name
    return name


def lora_factors(
    shape: tuple[int, ...], dice: torch.Generator, alpha: float | None = None, rank: int = RANK
) -> Tensors:
    """Down, up and alpha of one module; a convolution's kernel is in down."""
    down = torch.randn(rank, *shape[1:], generator=dice) / shape[1] ** 0.5
    up = torch.randn(shape[0], rank, *[1] * (len(shape) - 2), generator=dice) * 0.2
    found = {"lora_down.weight": down, "lora_up.weight": up}
    return found if alpha is None else {**found, "alpha": torch.tensor(alpha)}


def lora(
    at: Iterable[Target],
    naming: str = "kohya",
    *,
    seed: int = 0,
    alpha: Callable[[int], float | None] = lambda _: 2.0,
) -> tuple[Tensors, dict[tuple[str, str], torch.Tensor]]:
    """A LoRA's tensors, and the change of every module it names, computed apart in float64."""
    dice = torch.Generator().manual_seed(seed)
    namer, (down, up) = NAMINGS[naming]
    tensors: Tensors = {}
    expected: dict[tuple[str, str], torch.Tensor] = {}
    for number, target in enumerate(at):
        made = lora_factors(target.shape, dice, alpha(number))
        name = namer(target)
        tensors[f"{name}.{down}"] = made["lora_down.weight"]
        tensors[f"{name}.{up}"] = made["lora_up.weight"]
        if "alpha" in made:
            tensors[f"{name}.alpha"] = made["alpha"]
        wide, narrow = (made[f"lora_{side}.weight"].double().flatten(1) for side in ("up", "down"))
        scale = float(made["alpha"]) / RANK if "alpha" in made else 1.0
        expected[target.component, target.dotted] = (scale * wide @ narrow).reshape(target.shape)
    return tensors, expected


def write(path: Path, tensors: Tensors, metadata: Mapping[str, str] | None = None) -> Path:
    """The tensors on disk."""
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, path, dict(metadata or {})
    )
    return path
