"""What a LoRA's header tells before any weight is read: its kinds, base, modules and words."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sdcli.weights.clip import BUNDLED
from sdcli.weights.families import BASE_BY_WIDTH
from sdcli.weights.lora.key_names import foreign_model, read_key
from sdcli.weights.lora.kinds import LoraModule, find_lora_kind, find_mismatch, kind_title
from sdcli.weights.lora.kohya_metadata import named_base, trigger_words
from sdcli.weights.lora.module_names import count_resnets
from sdcli.weights.lora.peft_config import peft_alphas
from sdcli.weights.safetensors import Header, Tensor, damaged_file

ATTENDS = ("attn2_to_k", "attn2_to_v")
# A tensor of one number, in Python's own words. A bfloat16 is the upper half of a float32.
NUMBERS = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h", "U8": "<B"}


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as its header describes it."""

    header: Header
    modules: tuple[LoraModule, ...]
    bases: tuple[str, ...]  # the families it may be for; empty: nothing tells
    triggers: tuple[str, ...]
    bundled: tuple[str, ...]  # embeddings carried along, by name
    unknown_tensors: tuple[str, ...]  # tensors that follow no known naming or kind

    @property
    def kind(self) -> str:
        """The kinds of change it holds, in words: `LoRA and full difference`."""
        return " and ".join(sorted({kind_title(module) for module in self.modules}))

    @property
    def ranks(self) -> tuple[int, ...]:
        """Every rank that occurs, the smallest first."""
        return tuple(sorted({rank for module in self.modules if (rank := module.rank) is not None}))

    @property
    def network(self) -> str:
        """The trainer's module that made it, if it says."""
        return self.header.metadata.get("ss_network_module", "")


def read_lora(header: Header, resnets_per_block: int | None = None) -> LoraFile:
    """What the header of a LoRA tells. `deep`: the ResNets in a block of the model to wear it."""
    keys_by_module: dict[tuple[str, str], dict[str, str]] = {}
    strange: list[str] = []
    resnets_per_block = (
        count_resnets(header.tensors) if resnets_per_block is None else resnets_per_block
    )
    for key in header.tensors:
        factor = read_key(key, resnets_per_block)
        if factor is None:
            strange.append(key)
        else:
            keys_by_module.setdefault((factor.component, factor.module), {})[factor.factor] = key
    modules: list[LoraModule] = []
    for (component, name), keys in sorted(keys_by_module.items()):
        kind, left = find_lora_kind(set(keys))
        strange.extend(keys[factor] for factor in left)
        if kind:
            used = {factor: key for factor, key in keys.items() if factor not in left}
            shapes = {factor: header.tensors[key].shape for factor, key in used.items()}
            module = LoraModule(component, name, kind, used, shapes)
            if why := find_mismatch(module):
                raise damaged_file(header.path, f"`{component}.{name}` cannot be, {why}")
            modules.append(module)
    bundled = [key for key in strange if key.startswith(BUNDLED)]
    return LoraFile(
        header,
        tuple(modules),
        bases=find_bases(header, modules),
        triggers=trigger_words(header.metadata),
        bundled=tuple(sorted({key.split(".")[1] for key in bundled})),
        unknown_tensors=tuple(key for key in strange if not key.startswith(BUNDLED)),
    )


def find_bases(header: Header, modules: Iterable[LoraModule]) -> tuple[str, ...]:
    """The families a LoRA may be for, by what cannot lie first: shapes, names, then metadata."""
    if other := foreign_model(header.tensors):
        return (other,)
    modules = list(modules)
    wide = {size[1] for m in modules if m.name.endswith(ATTENDS) and (size := m.size)}
    families_by_width = {BASE_BY_WIDTH[width] for width in wide if width in BASE_BY_WIDTH}
    if len(families_by_width) == 1:
        return tuple(families_by_width)
    if any(m.component == "text_encoder_2" or "transformer_blocks_2_" in m.name for m in modules):
        return ("sdxl",)
    if family := named_base(header.metadata):
        return (family,)
    # Trainers number SDXL's text encoders, and only the others attend in the first, largest block.
    numberless = any(key.startswith("lora_te_") for key in header.tensors)
    if numberless or any(m.name.startswith("down_blocks_0_attentions_0") for m in modules):
        return ("sd1", "sd2")
    return ()


def read_alphas(lora: LoraFile) -> dict[tuple[str, str], float]:
    """The alpha of each module that has one: in a tensor of its own, or in PEFT's configuration."""
    alpha_of = peft_alphas(lora.header)
    alphas: dict[tuple[str, str], float] = {}
    for module in lora.modules:
        value = alpha_of(module)
        if key := module.keys.get("alpha"):
            value = read_number(lora.header.tensors[key])
        if value is not None:
            alphas[module.component, module.name] = value
    return alphas


def read_number(tensor: Tensor) -> float | None:
    """The value of a tensor of one number, read without torch."""
    if tensor.count != 1 or tensor.dtype not in (*NUMBERS, "BF16"):
        return None
    with tensor.file.open("rb") as file:
        file.seek(tensor.offset)
        raw = file.read(tensor.size)
    if tensor.dtype == "BF16":
        raw = b"\0\0" + raw
    return float(struct.unpack(NUMBERS.get(tensor.dtype, "<f"), raw)[0])
