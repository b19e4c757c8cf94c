"""The names of tensors: every spelling seen in files, and the one that diffusers' modules use.

A table of module paths goes from one to the other, and back: a missing tensor is named as the file
would have named it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

MOST_BLOCKS = 100
UNET, VAE, TEXT, TEXT_2 = "unet", "vae", "text_encoder", "text_encoder_2"
VISION = "image_encoder"  # of a CLIP

# What may stand before a component's own names, the longest first where one begins another.
PREFIXES: tuple[tuple[str, str], ...] = (
    ("model.diffusion_model.", UNET),
    ("diffusion_model.", UNET),
    ("unet.", UNET),
    ("first_stage_model.", VAE),
    ("vae.", VAE),
    ("cond_stage_model.transformer.", TEXT),
    ("cond_stage_model.model.", TEXT),
    ("conditioner.embedders.0.transformer.", TEXT),
    ("conditioner.embedders.0.model.", TEXT),
    ("conditioner.embedders.1.transformer.", TEXT_2),
    ("conditioner.embedders.1.model.", TEXT_2),
    ("text_encoder_2.", TEXT_2),
    ("text_encoders.clip_g.", TEXT_2),
    ("text_encoders.clip_l.", TEXT),
    ("text_encoder.", TEXT),
    ("te2.", TEXT_2),
    ("te1.", TEXT),
    ("te.", TEXT),
    ("clip_g.", TEXT_2),
    ("clip_l.", TEXT),
)
# A file of one component may leave the prefix out: its first names give it away.
BARE: tuple[tuple[str, str], ...] = (
    (r"(input_blocks|output_blocks|middle_block|time_embed|label_emb|out\.)", UNET),
    (r"(down_blocks|up_blocks|mid_block|time_embedding|add_embedding|class_embedding|conv_)", UNET),
    (r"(encoder\.(conv|down|mid|norm)|decoder\.|quant_conv|post_quant_conv)", VAE),
    (r"(encoder\.layers\.\d+\.(weight|bias|conv)|\d+\.(weight|bias|conv))", VAE),  # TAESD
    (r"(text_model\.|embeddings\.|transformer\.resblocks|token_embedding)", TEXT),
)
# Seen in real files and needed by nobody: schedules, counters, training's left-overs.
JUNK = re.compile(
    r"(.*\.)?(position_ids|logit_scale|attn_mask)$"
    r"|(sqrt_.*|posterior_.*|log_one_minus_.*|alphas_cumprod.*|betas|logvar|denoiser\..*)$"
    r"|(v_pred|ztsnr|edm_.*|global_step|model_ema\..*|embedding_manager.*|loss\..*|low_scale_model\..*)$"
    r"|.*\.loss\..*|.*time_embed(ding)?\.cond_proj\.weight$|.*\.text_projection(\.weight)?$"
)


@dataclass(frozen=True)
class Part:
    """Where a module's tensor comes from: a tensor of the file, whole or in part."""

    name: str
    third: int | None = None  # q, k or v of a fused projection
    transposed: bool = False


RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "time_embed.cond_proj": "time_embedding.cond_proj",
    "label_emb": "class_embedding",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "middle_block.1": "mid_block.attentions.0",
    "middle_block_out.0": "controlnet_mid_block",
    "input_hint_block.0": "controlnet_cond_embedding.conv_in",
    **{
        f"input_hint_block.{2 * n}": f"controlnet_cond_embedding.blocks.{n - 1}"
        for n in range(1, 7)
    },
    "input_hint_block.14": "controlnet_cond_embedding.conv_out",
}


def _resnet(ldm: str, ours: str) -> dict[str, str]:
    return {f"{ldm}.{theirs}": f"{ours}.{name}" for theirs, name in RESNET.items()}


def unet_table(names: Collection[str]) -> dict[str, str]:
    """LDM module path -> diffusers module path, for the blocks that these names have."""
    modules = {name.rpartition(".")[0] for name in names}
    if not any(module.startswith("input_blocks.") for module in modules):
        return {}
    table = dict(UNET_ENDS)
    table |= _resnet("middle_block.0", "mid_block.resnets.0")
    table |= _resnet("middle_block.2", "mid_block.resnets.1")
    level = place = 0
    for block in filter(None, numbers_after(names, "input_blocks")):
        ldm = f"input_blocks.{block}"
        if f"{ldm}.0.op" in modules:
            table[f"{ldm}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
            level, place = level + 1, 0
        else:
            table |= _resnet(f"{ldm}.0", f"down_blocks.{level}.resnets.{place}")
            table[f"{ldm}.1"] = f"down_blocks.{level}.attentions.{place}"
            place += 1
    level = place = 0
    for block in numbers_after(names, "output_blocks"):
        ldm = f"output_blocks.{block}"
        table |= _resnet(f"{ldm}.0", f"up_blocks.{level}.resnets.{place}")
        table[f"{ldm}.1"] = f"up_blocks.{level}.attentions.{place}"
        place += 1
        for sampler in (f"{ldm}.1.conv", f"{ldm}.2.conv"):
            if sampler in modules:
                table[sampler] = f"up_blocks.{level}.upsamplers.0.conv"
                level, place = level + 1, 0
    for block in numbers_after(names, "zero_convs"):
        table[f"zero_convs.{block}.0"] = f"controlnet_down_blocks.{block}"
    return table


def numbers_after(names: Collection[str], prefix: str) -> list[int]:
    """The numbers that stand behind a prefix: those that are there, whatever they claim to be."""
    start = len(prefix) + 1
    found = {name[start:].partition(".")[0] for name in names if name.startswith(prefix + ".")}
    numbers = sorted(int(number) for number in found if re.fullmatch("[0-9]{1,6}", number))
    return numbers[: MOST_BLOCKS + 1]  # no model has more, and whoever counts them will say so


VAE_ATTENTION = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def vae_table(names: Collection[str]) -> dict[str, str]:
    """LDM module path -> diffusers module path of an autoencoder."""
    levels = len(numbers_after(names, "decoder.up"))
    if not levels:
        return _diffusers_vae_table(names)
    table: dict[str, str] = {}
    for side, blocks in (("encoder", "down"), ("decoder", "up")):
        for level in numbers_after(names, f"{side}.{blocks}"):
            ldm = f"{side}.{blocks}.{level}"
            ours = f"{side}.{blocks}_blocks.{level if side == 'encoder' else levels - 1 - level}"
            for place in numbers_after(names, f"{ldm}.block"):
                table[f"{ldm}.block.{place}"] = f"{ours}.resnets.{place}"
                table[f"{ldm}.block.{place}.nin_shortcut"] = f"{ours}.resnets.{place}.conv_shortcut"
            table[f"{ldm}.{blocks}sample"] = f"{ours}.{blocks}samplers.0"
        table |= {
            f"{side}.mid.block_1": f"{side}.mid_block.resnets.0",
            f"{side}.mid.block_2": f"{side}.mid_block.resnets.1",
            f"{side}.norm_out": f"{side}.conv_norm_out",
        }
        for theirs, name in VAE_ATTENTION.items():
            table[f"{side}.mid.attn_1.{theirs}"] = f"{side}.mid_block.attentions.0.{name}"
    return table


def _diffusers_vae_table(names: Collection[str]) -> dict[str, str]:
    """diffusers' own names before 0.14 -> those of today."""
    attentions = [f"{side}.mid_block.attentions.0" for side in ("encoder", "decoder")]
    if f"{attentions[1]}.query.weight" not in names:
        return {}
    return {f"{at}.{old}": f"{at}.{new}" for at in attentions for old, new in OLD_ATTENTION.items()}


OPEN_CLIP = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}


def text_table(names: Collection[str]) -> dict[str, str]:
    """OpenCLIP module path -> transformers module path; transformers' own names stay."""
    if "positional_embedding" not in names:
        return {}
    table = {
        "positional_embedding": "embeddings.position_embedding.weight",
        "token_embedding": "embeddings.token_embedding",
        "ln_final": "final_layer_norm",
        "text_projection": "text_projection.weight",
    }
    return table | _resblocks(names)


def vision_table(names: Collection[str]) -> dict[str, str]:
    """The same of a CLIP's image tower, whose names are without `visual.` and `vision_model.`."""
    if "positional_embedding" not in names:
        return {}
    table = {
        "class_embedding": "embeddings.class_embedding",
        "positional_embedding": "embeddings.position_embedding.weight",
        "conv1": "embeddings.patch_embedding",
        "ln_pre": "pre_layrnorm",  # transformers' own slip
        "ln_post": "post_layernorm",
        "proj": "visual_projection.weight",
    }
    return table | _resblocks(names)


def _resblocks(names: Collection[str]) -> dict[str, str]:
    return {
        f"transformer.resblocks.{layer}.{theirs}": f"encoder.layers.{layer}.{ours}"
        for layer in numbers_after(names, "transformer.resblocks")
        for theirs, ours in OPEN_CLIP.items()
    }


TABLES = {
    UNET: unet_table,
    VAE: vae_table,
    TEXT: text_table,
    TEXT_2: text_table,
    VISION: vision_table,
}


def rename_tensor(name: str, table: Mapping[str, str]) -> str:
    """The name with its longest known module path replaced."""
    path = name
    while path and path not in table:
        path = path.rpartition(".")[0]
    return table[path] + name[len(path) :] if path else name


def file_spelling(target: str, table: Mapping[str, str]) -> str:
    """The name that a file with this table would have for a module's tensor."""
    back = {ours: theirs for theirs, ours in table.items()}
    found = re.match(r"(encoder\.layers\.(\d+))\.self_attn\.[qkv]_proj\.(weight|bias)", target)
    if found and f"{found[1]}.mlp.fc1" in back:
        return f"transformer.resblocks.{found[2]}.attn.in_proj_{found[3]}"
    return rename_tensor(target, back)


# A U-Net's averaged copy, whose names trainers write without their dots.
EMA_PREFIX = "model_ema.diffusion_model"
# Each row: a piece without dots, and the same with them.
_EMA_HEADS = (
    (r"(input_blocks|output_blocks)(\d+)(\d)(?=\D)", r"\1.\2.\3."),
    (r"(label_emb)(\d)(\d)", r"\1.\2.\3."),
    (r"(middle_block|time_embed|out)(\d)", r"\1.\2."),
)
_EMA_PIECES = (
    (r"(in_layers|out_layers|emb_layers)(\d)", r"\1.\2."),
    (r"transformer_blocks(\d+)", r"transformer_blocks.\1."),
    (r"ffnet0proj", "ff.net.0.proj."),
    (r"ffnet2", "ff.net.2."),
    (r"to_out0", "to_out.0."),
    (r"(attn\d|norm\d?|to_[qkv]|op|conv|skip_connection|proj_in|proj_out)(?=[a-z]|$)", r"\1."),
)


def with_dots(name: str) -> str:
    """What an EMA copy is a copy of: `input_blocks10opbias` is of `input_blocks.1.0.op.bias`."""
    rest = name
    head = ""
    for pattern, written in _EMA_HEADS:
        if found := re.match(pattern, rest):
            head, rest = found.expand(written), rest[found.end() :]
            break
    while rest and rest not in ("weight", "bias"):
        for pattern, written in _EMA_PIECES:
            if found := re.match(pattern, rest):
                head, rest = head + found.expand(written), rest[found.end() :]
                break
        else:
            return name  # not a name of a U-Net
    return head + rest
