"""The names trainers give to a LoRA's tensors, all read into one: which module, which factor.

A name is a beginning (which component), a middle (which module, in one of several spellings) and an
end (which factor). Each is a table; a new trainer is a new row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sdcli.weights.clip import BUNDLED
from sdcli.weights.lora.module_names import diffusers_module_name, underscored

# How a tensor's name ends, and which factor that is. The longest that matches wins.
ENDINGS = {
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".lora_mid.weight": "mid",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
    "_lora.down.weight": "down",
    "_lora.up.weight": "up",
    "_lora.alpha": "alpha",
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_A.default.weight": "down",
    ".lora_B.default.weight": "up",
    ".lora_magnitude_vector": "dora_scale",
    ".lora_magnitude_vector.weight": "dora_scale",
    ".lora_magnitude_vector.default.weight": "dora_scale",
    ".lora.alpha": "alpha",
    ".lora_linear_layer.alpha": "alpha",
    ".alpha": "alpha",
    ".dora_scale": "dora_scale",
    ".hada_w1_a": "w1_a",
    ".hada_w1_b": "w1_b",
    ".hada_w2_a": "w2_a",
    ".hada_w2_b": "w2_b",
    ".hada_t1": "t1",
    ".hada_t2": "t2",
    ".lokr_w1": "kron_1",
    ".lokr_w1_a": "kron_1_a",
    ".lokr_w1_b": "kron_1_b",
    ".lokr_w2": "kron_2",
    ".lokr_w2_a": "kron_2_a",
    ".lokr_w2_b": "kron_2_b",
    ".lokr_t2": "kron_t2",
    ".diff": "diff",
    ".diff_b": "diff_b",
    ".w_norm": "diff",
    ".b_norm": "diff_b",
    ".set_weight": "set",
    ".on_input": "on_input",
    ".a1.weight": "a1",
    ".a2.weight": "a2",
    ".b1.weight": "b1",
    ".b2.weight": "b2",
    ".oft_blocks": "oft",
    ".oft_diag": "oft",
    ".weight": "ia3",
}
BY_LENGTH = sorted(ENDINGS, key=len, reverse=True)

# How a name begins once its dots are underscores, and which component it then speaks of: the
# first that matches wins. "" is said of none: the model's own names decide.
BEGINNINGS = (
    ("base_model_model_unet_", "unet"),
    ("base_model_model_text_encoder_2_", "text_encoder_2"),
    ("base_model_model_text_encoder_", "text_encoder"),
    ("base_model_model_", ""),
    ("unet_base_model_model_", "unet"),
    ("text_encoder_2_base_model_model_", "text_encoder_2"),
    ("text_encoder_base_model_model_", "text_encoder"),
    ("lora_unet_", "unet"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te_", "text_encoder"),
    ("lycoris_unet_", "unet"),
    ("lycoris_te1_", "text_encoder"),
    ("lycoris_te2_", "text_encoder_2"),
    ("lycoris_te_", "text_encoder"),
    ("lycoris_", ""),
    ("model_diffusion_model_", "unet"),
    ("diffusion_model_", "unet"),
    ("text_encoders_clip_l_transformer_", "text_encoder"),
    ("text_encoders_clip_g_transformer_", "text_encoder_2"),
    ("unet_", "unet"),
    ("text_encoder_2_", "text_encoder_2"),
    ("text_encoder_", "text_encoder"),
    ("te1_", "text_encoder"),
    ("te2_", "text_encoder_2"),
)

# Old attention processors named the projection where newer files name the layer.
PROCESSORS = (
    (re.compile(r"_processor_(to_(?:q|k|v|out))$"), r"_\1"),
    (re.compile(r"(attn\d_to_out)$"), r"\1_0"),
    (re.compile(r"self_attn_to_([qkv])$"), r"self_attn_\1_proj"),
    (re.compile(r"self_attn_to_out$"), "self_attn_out_proj"),
)

# Modules that only other kinds of model have.
FOREIGN = (
    ("single_transformer_blocks", "Flux"),
    ("double_blocks", "Flux"),
    ("joint_blocks", "Stable Diffusion 3"),
    ("lora_transformer_", "a transformer model, not a U-Net"),
    ("lora_prior_", "Stable Cascade or Kandinsky"),
    ("transformer_transformer_blocks", "a transformer model, not a U-Net"),
    ("temporal_transformer", "AnimateDiff"),
)


class Factor(NamedTuple):
    """One tensor of a LoRA: of which component (if it says), which module, and which factor."""

    component: str
    module: str
    factor: str


def read_key(key: str, layers: int = 2) -> Factor | None:
    """What a tensor of a LoRA is, or None where its name follows no trainer known here."""
    ending = next((end for end in BY_LENGTH if key.endswith(end)), None)
    if ending is None or key.startswith(BUNDLED):
        return None
    component, module = _component(underscored(key.removesuffix(ending)))
    for old, new in PROCESSORS:
        module = old.sub(new, module)
    if not component:
        component = _guess(module)
    if component == "unet":
        return Factor(component, diffusers_module_name(module, layers), ENDINGS[ending])
    return Factor(component, module.removeprefix("text_model_"), ENDINGS[ending])


def _component(name: str) -> tuple[str, str]:
    for beginning, component in BEGINNINGS:
        if name.startswith(beginning):
            return component, name.removeprefix(beginning)
    return "", name


def _guess(module: str) -> str:
    """The component of a name that does not say: only text encoders have numbered layers."""
    return "text_encoder" if re.match(r"(text_model_)?encoder_layers_", module) else "unet"


def foreign_model(keys: Iterable[str]) -> str | None:
    """The kind of model these names belong to, where it is none that `sdcli` draws with."""
    slugs = "\n".join(map(underscored, keys))
    return next((whose for mark, whose in FOREIGN if mark in slugs), None)
