"""What a LoRA's header tells before any weight is read: its kinds, base, modules and words."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sdcli.weights.lora import key_names as loranames
from sdcli.weights.lora.kinds import Module, kind_of, title
from sdcli.weights.lora.kohya_metadata import base_said, triggers
from sdcli.weights.lora.module_names import layers
from sdcli.weights.lora.peft_config import alphas_said
from sdcli.weights.safetensors import Header, Tensor

# The width of the text that the cross-attention reads: no two of these families share it.
WIDTHS = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
ATTENDS = ("attn2_to_k", "attn2_to_v")
# A tensor of one number, in Python's own words. A bfloat16 is the upper half of a float32.
NUMBERS = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h", "U8": "<B"}


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as its header describes it."""

    header: Header
    modules: tuple[Module, ...]
    bases: tuple[str, ...]  # the families it may be for; empty: nothing tells
    triggers: tuple[str, ...]
    bundled: tuple[str, ...]  # embeddings carried along, by name
    strange: tuple[str, ...]  # tensors that follow no known naming or kind

    @property
    def kind(self) -> str:
        """The kinds of change it holds, in words: `LoRA and full difference`."""
        return " and ".join(sorted({title(module) for module in self.modules}))

    @property
    def ranks(self) -> tuple[int, ...]:
        """Every rank that occurs, the smallest first."""
        return tuple(sorted({rank for module in self.modules if (rank := module.rank) is not None}))

    @property
    def network(self) -> str:
        """The trainer's module that made it, if it says."""
        return self.header.metadata.get("ss_network_module", "")


def read(header: Header, deep: int | None = None) -> LoraFile:
    """What the header of a LoRA tells. `deep`: the ResNets in a block of the model to wear it."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    strange: list[str] = []
    deep = layers(header.tensors) if deep is None else deep
    for key in header.tensors:
        factor = loranames.factor(key, deep)
        if factor is None:
            strange.append(key)
        else:
            found.setdefault((factor.component, factor.module), {})[factor.factor] = key
    modules: list[Module] = []
    for (component, name), keys in sorted(found.items()):
        kind, left = kind_of(set(keys))
        strange.extend(keys[factor] for factor in left)
        if kind:
            used = {factor: key for factor, key in keys.items() if factor not in left}
            shapes = {factor: header.tensors[key].shape for factor, key in used.items()}
            modules.append(Module(component, name, kind, used, shapes))
    bundled = [key for key in strange if key.startswith(loranames.BUNDLED)]
    return LoraFile(
        header,
        tuple(modules),
        bases=bases(header, modules),
        triggers=triggers(header.metadata),
        bundled=tuple(sorted({key.split(".")[1] for key in bundled})),
        strange=tuple(key for key in strange if not key.startswith(loranames.BUNDLED)),
    )


def bases(header: Header, modules: Iterable[Module]) -> tuple[str, ...]:
    """The families a LoRA may be for, by what cannot lie first: shapes, names, then metadata."""
    if other := loranames.foreign(header.tensors):
        return (other,)
    modules = list(modules)
    wide = {size[1] for m in modules if m.name.endswith(ATTENDS) and (size := m.size)}
    told = {WIDTHS[width] for width in wide if width in WIDTHS}
    if len(told) == 1:
        return tuple(told)
    if any(m.component == "text_encoder_2" or "transformer_blocks_2_" in m.name for m in modules):
        return ("sdxl",)
    if said := base_said(header.metadata):
        return (said,)
    # Trainers number SDXL's text encoders, and only the others attend in the first, largest block.
    numberless = any(key.startswith("lora_te_") for key in header.tensors)
    if numberless or any(m.name.startswith("down_blocks_0_attentions_0") for m in modules):
        return ("sd1", "sd2")
    return ()


def alphas(lora: LoraFile) -> dict[tuple[str, str], float]:
    """The alpha of each module that has one: in a tensor of its own, or in PEFT's configuration."""
    said = alphas_said(lora.header)
    found: dict[tuple[str, str], float] = {}
    for module in lora.modules:
        value = said(module)
        if key := module.keys.get("alpha"):
            value = number(lora.header.tensors[key])
        if value is not None:
            found[module.component, module.name] = value
    return found


def number(tensor: Tensor) -> float | None:
    """The value of a tensor of one number, read without torch."""
    if tensor.count != 1 or tensor.dtype not in (*NUMBERS, "BF16"):
        return None
    with tensor.file.open("rb") as file:
        file.seek(tensor.offset)
        raw = file.read(tensor.size)
    if tensor.dtype == "BF16":
        raw = b"\0\0" + raw
    return float(struct.unpack(NUMBERS.get(tensor.dtype, "<f"), raw)[0])
