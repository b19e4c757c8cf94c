"""The alphas that PEFT keeps outside the tensors: in a file beside, or in diffusers' metadata."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from sdcli.library.open_file import is_ordinary_file, open_regular_file
from sdcli.weights.json_table import parse_json_table
from sdcli.weights.lora.kinds import LoraModule
from sdcli.weights.lora.module_names import underscored
from sdcli.weights.safetensors import Header, damaged_file

BESIDE = "adapter_config.json"
LONGEST_CONFIG = 1 << 20
LARGEST_ALPHA = 1e9
INSIDE = "lora_adapter_metadata"  # diffusers: one table, its keys led by the component


def peft_alphas(header: Header) -> Callable[[LoraModule], float | None]:
    """How to ask for the alpha of a module, where PEFT's configuration is at hand."""
    config = _beside(header) or parse_json_table(header.metadata.get(INSIDE, ""))

    def alpha(module: LoraModule) -> float | None:
        own = {**config, **_led(config, module.component)}
        value = _patterned(own.get("alpha_pattern"), module) or own.get("lora_alpha")
        if not isinstance(value, int | float) or not module.rank:
            return None
        if not abs(value) < LARGEST_ALPHA:
            raise damaged_file(header.path, f"PEFT's alpha of `{module.name}` is no number for one")
        # Rank-stabilised: PEFT divides by the root of the rank, where everyone else divides by it.
        return float(value) * (math.sqrt(module.rank) if own.get("use_rslora") else 1.0)

    return alpha


def _beside(header: Header) -> Mapping[str, Any]:
    path = header.path.parent / BESIDE
    if header.path.stem != "adapter_model" or not is_ordinary_file(path):
        return {}
    with open_regular_file(path) as file:
        return parse_json_table(file.read(LONGEST_CONFIG).decode("utf-8", "replace"))


def _led(config: Mapping[str, Any], component: str) -> dict[str, Any]:
    lead = f"{component}."
    return {key.removeprefix(lead): value for key, value in config.items() if key.startswith(lead)}


def _patterned(patterns: Any, module: LoraModule) -> Any:
    """The value whose pattern is the end of the module's name; PEFT's patterns have dots."""
    if not isinstance(patterns, dict):
        return None
    for pattern, value in cast("dict[str, Any]", patterns).items():
        ending = underscored(pattern)
        if module.name == ending or module.name.endswith(f"_{ending}"):
            return value
    return None
