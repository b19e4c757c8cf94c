"""How a module is built, read off the shapes of its tensors.

The answers are the arguments of diffusers' and transformers' classes. What shapes cannot tell
(heads, groups) is said by the caller, else by custom.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sdcli.errors import BadRequest
from sdcli.weights.tensor_names import MOST_BLOCKS, numbers_after

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]
GROUPS = 32  # of every group norm in every Stable Diffusion
MOST_LEVELS, MOST_RESNETS = 8, 8  # real ones have four levels of three
HEAD = 64  # the width of an attention head in SD 2, SDXL and all CLIPs


def count_children(shapes: Collection[str], prefix: str, most: int = MOST_BLOCKS) -> int:
    """How many numbered children `prefix` has: 3 for `prefix.0`, `prefix.1`, `prefix.2`."""
    numbers = numbers_after(shapes, prefix)
    if len(numbers) > most:
        raise BadRequest(
            f"it has {len(numbers)} parts under `{prefix}`, more than any model",
            hint="it was not written by a program that draws",
        )
    if numbers != list(range(len(numbers))):
        missing = next(n for n in range(len(numbers)) if n not in numbers)
        raise BadRequest(
            f"it lacks every tensor of `{prefix}.{missing}`, and has later ones",
            hint="download it again, or use another",
        )
    return len(numbers)


def tensor_side(shapes: Shapes, name: str, axis: int = 0) -> int:
    """One side of a tensor; a file without it is damaged in a way that can be named."""
    shape = shapes.get(name, ())
    if len(shape) <= axis:
        raise KeyError(name)
    return shape[axis]


def common_groups(widths: Iterable[int]) -> int:
    """The groups of the norms: 32, or for small models the most that divide every width."""
    return math.gcd(GROUPS, *widths)


def transformer_depths(shapes: Shapes, prefix: str) -> list[int]:
    """Transformer blocks behind each resnet of a block; 0 where there is no attention."""
    resnets = count_children(shapes, f"{prefix}.resnets", MOST_RESNETS)
    return [
        count_children(shapes, f"{prefix}.attentions.{place}.transformer_blocks")
        for place in range(resnets)
    ]


def unet_config(
    shapes: Shapes, *, heads: int | None = None, norm_groups: int | None = None
) -> Config:
    """`UNet2DConditionModel`'s arguments. `heads` is their number; none: heads of 64 wide."""
    levels = range(count_children(shapes, "down_blocks", MOST_LEVELS))
    widths = [
        tensor_side(shapes, f"down_blocks.{level}.resnets.0.conv1.weight") for level in levels
    ]
    down = [transformer_depths(shapes, f"down_blocks.{level}") for level in levels]
    up = [transformer_depths(shapes, f"up_blocks.{level}") for level in levels]
    for row in [*down, *up]:
        if 0 in row and any(row):
            raise BadRequest(
                f"its U-Net has attention behind some resnets of a level only: {row}",
                hint="models of such a shape are not drawn with",
            )
    config: Config = {
        "sample_size": 64,
        "in_channels": tensor_side(shapes, "conv_in.weight", 1),
        "out_channels": tensor_side(shapes, "conv_out.weight"),
        "block_out_channels": widths,
        "layers_per_block": _one([len(row) for row in down]),
        "down_block_types": ["CrossAttnDownBlock2D" if any(row) else "DownBlock2D" for row in down],
        "up_block_types": ["CrossAttnUpBlock2D" if any(row) else "UpBlock2D" for row in up],
        "mid_block_type": _middle(shapes),
        "cross_attention_dim": text_context_width(shapes),
        "use_linear_projection": has_linear_attention(shapes),
        "attention_head_dim": heads or [max(1, wide // HEAD) for wide in widths],
        "norm_num_groups": norm_groups or common_groups(widths),
        "transformer_layers_per_block": _per_level(down, shapes),
        "reverse_transformer_layers_per_block": [_one(row) or 1 for row in up],
    }
    if any(words := [_attends_to_words_alone(shapes, level) for level in levels]):
        config["only_cross_attention"] = words
    if labels := shapes.get("class_embedding.weight"):
        config["num_class_embeds"] = labels[0]
    if "add_embedding.linear_1.weight" in shapes:
        config |= {
            "addition_embed_type": "text_time",
            "projection_class_embeddings_input_dim": added_embedding_width(shapes),
        }
    return config


def _one(row: list[int]) -> Any:
    """The number that a row repeats, else the row."""
    return row[0] if len(set(row)) == 1 else row


def _middle(shapes: Shapes) -> str | None:
    """SSD-1B and Vega keep one resnet of the middle block, KOALA-700M none of it."""
    if count_children(shapes, "mid_block.attentions"):
        return "UNetMidBlock2DCrossAttn"
    return "UNetMidBlock2D" if count_children(shapes, "mid_block.resnets") else None


def _per_level(down: list[list[int]], shapes: Shapes) -> list[Any]:
    rows: list[Any] = [_one(row) or 1 for row in down]
    middle = count_children(shapes, "mid_block.attentions.0.transformer_blocks")
    if middle and not any(down[-1]):
        rows[-1] = middle  # diffusers gives the middle block what stands last
    elif middle and rows[-1] != middle:
        raise BadRequest(
            f"its U-Net's middle is {middle} deep, its last level {down[-1]}",
            hint="models of such a shape are not drawn with",
        )
    return rows


def _attends_to_words_alone(shapes: Shapes, level: int) -> bool:
    """Whether the first attention of a level's blocks, too, looks at the words instead of the picture:
    what it looks at is as wide as those are."""
    first = f"down_blocks.{level}.attentions.0.transformer_blocks.0.attn1"
    asks, sees = (shapes.get(f"{first}.{name}.weight", ()) for name in ("to_q", "to_k"))
    return asks[1:2] != sees[1:2] == (text_context_width(shapes),)


def has_linear_attention(shapes: Shapes) -> bool:
    """Whether attention blocks begin with a linear layer (SD 2, SDXL) or a convolution (SD 1)."""
    return any(len(shape) == 2 for name, shape in shapes.items() if name.endswith("proj_in.weight"))


def text_context_width(shapes: Shapes) -> int:
    """How wide the text is that the U-Net attends to."""
    keys = (name for name in shapes if name.endswith("attn2.to_k.weight"))
    return next((tensor_side(shapes, name, 1) for name in keys), 0)


def added_embedding_width(shapes: Shapes) -> int:
    """How wide SDXL's pooled text and sizes are together; 0 for the families without them."""
    shape = shapes.get("add_embedding.linear_1.weight", ())
    return shape[1] if len(shape) == 2 else 0


def autoencoder_config(shapes: Shapes, *, scale: float, norm_groups: int | None = None) -> Config:
    """`AutoencoderKL`'s arguments."""
    levels = range(count_children(shapes, "encoder.down_blocks", MOST_LEVELS))
    blocks = [f"encoder.down_blocks.{level}.resnets" for level in levels]
    widths = [tensor_side(shapes, f"{block}.0.conv1.weight") for block in blocks]
    return {
        "in_channels": tensor_side(shapes, "encoder.conv_in.weight", 1),
        "out_channels": tensor_side(shapes, "decoder.conv_out.weight"),
        "latent_channels": tensor_side(shapes, "decoder.conv_in.weight", 1),
        "block_out_channels": widths,
        "layers_per_block": count_children(shapes, "encoder.down_blocks.0.resnets"),
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "up_block_types": ["UpDecoderBlock2D"] * len(widths),
        "norm_num_groups": norm_groups or common_groups(widths),
        "mid_block_add_attention": bool(count_children(shapes, "decoder.mid_block.attentions")),
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
        "sample_size": 512,
        "scaling_factor": scale,
    }


def vae_cell(shapes: Shapes) -> int:
    """How many pixels of a picture's side one of its latents' is: each level but the last halves it."""
    return 2 ** max(count_children(shapes, "encoder.down_blocks", MOST_LEVELS) - 1, 0)


def taesd_config(shapes: Shapes) -> Config:
    """`AutoencoderTiny`'s arguments: it works on latents as they are."""
    return {
        "latent_channels": tensor_side(shapes, "decoder.layers.0.weight", 1),
        "scaling_factor": 1.0,
    }


def text_config(shapes: Shapes, *, act: str, heads: int | None = None) -> Config:
    """`CLIPTextConfig`'s arguments."""
    wide = tensor_side(shapes, "embeddings.token_embedding.weight", 1)
    return {
        "vocab_size": tensor_side(shapes, "embeddings.token_embedding.weight"),
        "hidden_size": wide,
        "intermediate_size": tensor_side(shapes, "encoder.layers.0.mlp.fc1.weight"),
        "num_hidden_layers": count_children(shapes, "encoder.layers"),
        "num_attention_heads": heads or max(1, wide // HEAD),
        "max_position_embeddings": tensor_side(shapes, "embeddings.position_embedding.weight"),
        "projection_dim": (shapes.get("text_projection.weight") or (wide,))[0],
        "hidden_act": act,
        # as CLIP's own files say; by a 2, transformers pools at the highest token, as CLIP does
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
