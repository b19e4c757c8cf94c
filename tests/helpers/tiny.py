"""Tiny real checkpoints: every layout under the tensor names of the full-size files, random numbers
of a scale that neither vanishes nor explodes on its way through the network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from sdcli.weights.tensor_names import EMA_PREFIX as EMA
from sdcli.weights.tensor_names import with_dots

Shapes = dict[str, tuple[int, ...]]
Tensors = dict[str, torch.Tensor]
VOCABULARY = 49408  # the real one, so that real prompts have real tokens
TOKENS = 77
LOG_VARIANCE = -30.0  # the encoder of a random VAE would otherwise be as unsure as it is wide


@dataclass(frozen=True)
class Layout:
    """A kind of checkpoint in small."""

    widths: tuple[int, ...] = (32, 64)
    depths: tuple[tuple[int, ...], ...] = ((1,), (0,))  # transformer blocks behind each resnet
    up_depths: tuple[tuple[int, ...], ...] | None = None  # from the deepest; none: as going down
    middle: int | None = 1  # 0: a middle of one resnet, as SSD-1B has it; none: no middle
    channels: int = 4
    linear: bool = False  # attention begins with a linear layer
    context: int = 32
    added: int = 0
    text: str = "clip"  # clip, bare (without text_model.), open
    text_width: int = 32
    text_2_width: int = 0
    layers: int = 3  # of the text encoders
    ema: str = ""  # only, beside
    metadata: tuple[tuple[str, str], ...] = ()
    labels: int = 0  # noise levels that the U-Net is told
    words_alone: tuple[bool, ...] = ()  # levels whose first attention looks at the words, too
    vae_widths: tuple[int, ...] = (8, 8, 16, 16)


SD1 = Layout()
SD2 = Layout(linear=True, context=48, text="open", text_width=48)
SDXL = Layout(
    widths=(32, 32, 64),
    depths=((0,), (1,), (2,)),
    middle=2,
    linear=True,
    context=32 + 64,
    added=64 + 6 * 16,
    text_width=32,
    text_2_width=64,
)
LAYOUTS: dict[str, Layout] = {
    "sd1": SD1,
    "sd1-inpaint": replace(SD1, channels=9),
    "sd1-edit": replace(SD1, channels=8),
    "sd1-nai": replace(SD1, text="bare"),
    "sd1-ema-only": replace(SD1, ema="only"),
    "sd1-ema-beside": replace(SD1, ema="beside"),
    "sd2": SD2,
    "sd2-v": replace(SD2, metadata=(("modelspec.prediction_type", "v"),)),
    "sd2-inpaint": replace(SD2, channels=9),
    "sd2-upscale": replace(
        SD2,
        channels=7,
        depths=((0,), (1,), (1,)),
        widths=(32, 32, 64),
        labels=1000,
        words_alone=(True, True, False),
        vae_widths=(8, 8, 16),
    ),
    "sdxl": SDXL,
    "sdxl-inpaint": replace(SDXL, channels=9),
    "sdxl-edit": replace(SDXL, channels=8),
    "sdxl-refiner": replace(
        SDXL,
        widths=(32, 32, 64, 64),
        depths=((0,), (1,), (2,), (0,)),
        context=64,
        added=64 + 5 * 16,
        text_width=0,
    ),
    "ssd-1b": replace(
        SDXL,
        depths=((0, 0), (2, 2), (2, 2)),
        up_depths=((2, 2, 3), (2, 1, 1), (0, 0, 0)),
        middle=0,
    ),
}


def unet(layout: Layout) -> Shapes:
    """The U-Net's names and shapes, numbered as LDM numbers them."""
    shapes: Shapes = {}
    time = 4 * layout.widths[0]
    _linear(shapes, "time_embed.0", time, layout.widths[0])
    _linear(shapes, "time_embed.2", time, time)
    if layout.added:
        _linear(shapes, "label_emb.0.0", time, layout.added)
        _linear(shapes, "label_emb.0.2", time, time)
    if layout.labels:
        shapes["label_emb.weight"] = (layout.labels, time)
    wide = layout.widths[0]
    _conv(shapes, "input_blocks.0.0", wide, layout.channels)
    skips = _going_down(shapes, layout, time)
    wide = layout.widths[-1]
    if layout.middle is not None:
        _resnet(shapes, "middle_block.0", wide, wide, time)
    if layout.middle:
        _attention(shapes, "middle_block.1", wide, layout.middle, layout)
        _resnet(shapes, "middle_block.2", wide, wide, time)
    _going_up(shapes, layout, time, skips)
    _norm(shapes, "out.0", layout.widths[0])
    _conv(shapes, "out.2", 4, layout.widths[0])
    return shapes


def _going_down(shapes: Shapes, layout: Layout, time: int) -> list[int]:
    """The input blocks; how wide each is where the way up takes from it."""
    wide, block = layout.widths[0], 1
    skips = [wide]
    for level, row in enumerate(layout.depths):
        for depth in row:
            _resnet(shapes, f"input_blocks.{block}.0", wide, layout.widths[level], time)
            wide = layout.widths[level]
            alone = layout.words_alone[level : level + 1] == (True,)
            _attention(shapes, f"input_blocks.{block}.1", wide, depth, layout, alone)
            skips.append(wide)
            block += 1
        if level < len(layout.depths) - 1:
            _conv(shapes, f"input_blocks.{block}.0.op", wide, wide)
            skips.append(wide)
            block += 1
    return skips


def _going_up(shapes: Shapes, layout: Layout, time: int, skips: list[int]) -> None:
    rows = layout.up_depths or [(*row, row[-1]) for row in reversed(layout.depths)]
    places = [
        (len(rows) - 1 - step, depth, place == len(row) - 1)
        for step, row in enumerate(rows)
        for place, depth in enumerate(row)
    ]
    wide = layout.widths[-1]
    for block, (level, depth, last) in enumerate(places):
        at = f"output_blocks.{block}"
        _resnet(shapes, f"{at}.0", wide + skips.pop(), layout.widths[level], time)
        wide = layout.widths[level]
        alone = layout.words_alone[level : level + 1] == (True,)
        _attention(shapes, f"{at}.1", wide, depth, layout, alone)
        if level and last:
            _conv(shapes, f"{at}.{2 if depth else 1}.conv", wide, wide)


def vae(widths: tuple[int, ...] = (8, 8, 16, 16)) -> Shapes:
    """The VAE's names and shapes: four levels, for latents an eighth as wide as pictures."""
    shapes: Shapes = {}
    wide, last = widths[0], len(widths) - 1
    _conv(shapes, "encoder.conv_in", wide, 3)
    for level, width in enumerate(widths):
        _vae_resnet(shapes, f"encoder.down.{level}.block.0", wide, width)
        wide = width
        if level < last:
            _conv(shapes, f"encoder.down.{level}.downsample.conv", wide, wide)
    _vae_middle(shapes, "encoder", wide)
    _vae_middle(shapes, "decoder", wide)
    _norm(shapes, "encoder.norm_out", wide)
    _conv(shapes, "encoder.conv_out", 8, wide)
    _conv(shapes, "decoder.conv_in", wide, 4)
    for level in range(last, -1, -1):
        for block in range(2):
            _vae_resnet(shapes, f"decoder.up.{level}.block.{block}", wide, widths[level])
            wide = widths[level]
        if level:
            _conv(shapes, f"decoder.up.{level}.upsample.conv", wide, wide)
    _norm(shapes, "decoder.norm_out", wide)
    _conv(shapes, "decoder.conv_out", 3, wide)
    _conv(shapes, "quant_conv", 8, 8, 1)
    _conv(shapes, "post_quant_conv", 4, 4, 1)
    return shapes


def _vae_middle(shapes: Shapes, side: str, wide: int) -> None:
    for block in (1, 2):
        _vae_resnet(shapes, f"{side}.mid.block_{block}", wide, wide)
    _norm(shapes, f"{side}.mid.attn_1.norm", wide)
    for name in ("q", "k", "v", "proj_out"):
        _conv(shapes, f"{side}.mid.attn_1.{name}", wide, wide, 1)


def clip(width: int, layers: int) -> Shapes:
    """A text encoder's names and shapes, as transformers has them."""
    shapes: Shapes = {
        "embeddings.position_ids": (1, TOKENS),
        "embeddings.position_embedding.weight": (TOKENS, width),
        "embeddings.token_embedding.weight": (VOCABULARY, width),
    }
    for layer in range(layers):
        at = f"encoder.layers.{layer}"
        _norm(shapes, f"{at}.layer_norm1", width)
        _norm(shapes, f"{at}.layer_norm2", width)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            _linear(shapes, f"{at}.self_attn.{name}", width, width)
        _linear(shapes, f"{at}.mlp.fc1", 4 * width, width)
        _linear(shapes, f"{at}.mlp.fc2", width, 4 * width)
    _norm(shapes, "final_layer_norm", width)
    return shapes


def open_clip(width: int, layers: int) -> Shapes:
    """A text encoder's names and shapes, as OpenCLIP has them: q, k and v in one."""
    shapes: Shapes = {
        "positional_embedding": (TOKENS, width),
        "token_embedding.weight": (VOCABULARY, width),
        "text_projection": (width, width),
        "logit_scale": (),
    }
    for layer in range(layers):
        at = f"transformer.resblocks.{layer}"
        _norm(shapes, f"{at}.ln_1", width)
        _norm(shapes, f"{at}.ln_2", width)
        shapes[f"{at}.attn.in_proj_weight"] = (3 * width, width)
        shapes[f"{at}.attn.in_proj_bias"] = (3 * width,)
        _linear(shapes, f"{at}.attn.out_proj", width, width)
        _linear(shapes, f"{at}.mlp.c_fc", 4 * width, width)
        _linear(shapes, f"{at}.mlp.c_proj", width, 4 * width)
    _norm(shapes, "ln_final", width)
    return shapes


def shapes(layout: Layout) -> Shapes:
    """Every name and shape of a checkpoint."""
    found: Shapes = {}
    own = unet(layout)
    if layout.ema != "only":
        found |= _under("model.diffusion_model.", own)
    if layout.ema:
        found |= {"model_ema.diffusion_model" + name.replace(".", ""): own[name] for name in own}
        found |= {"model_ema.decay": (), "model_ema.num_updates": ()}
    found |= _under("first_stage_model.", vae(layout.vae_widths))
    layers = layout.layers
    if layout.text_2_width:
        first = "conditioner.embedders.0.transformer.text_model."
        if layout.text_width:
            found |= _under(first, clip(layout.text_width, layers))
        at = f"conditioner.embedders.{1 if layout.text_width else 0}.model."
        found |= _under(at, open_clip(layout.text_2_width, layers))
        return found
    found |= {name: (1000,) for name in ("betas", "alphas_cumprod", "sqrt_recipm1_alphas_cumprod")}
    if layout.text == "open":
        return found | _under("cond_stage_model.model.", open_clip(layout.text_width, layers))
    inner = "" if layout.text == "bare" else "text_model."
    return found | _under("cond_stage_model.transformer." + inner, clip(layout.text_width, layers))


def filled(
    shapes: Mapping[str, tuple[int, ...]], seed: int = 0, dtype: torch.dtype = torch.float16
) -> Tensors:
    """Random numbers of these shapes, each of the scale that keeps activations alive."""
    dice = torch.Generator().manual_seed(seed)
    return {name: random(name, shape, dice).to(dtype) for name, shape in shapes.items()}


def tensors(
    layout: str | Layout = "sd1", seed: int = 0, dtype: torch.dtype = torch.float16
) -> Tensors:
    """A tiny checkpoint in memory, for tests that damage or rename it before writing."""
    return filled(shapes(LAYOUTS[layout] if isinstance(layout, str) else layout), seed, dtype)


def write(
    path: Path,
    layout: str | Layout = "sd1",
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float16,
    metadata: Mapping[str, object] | None = None,
) -> Path:
    """A tiny checkpoint on disk. `metadata`: what it says of itself under the key `sdcli`."""
    row = LAYOUTS[layout] if isinstance(layout, str) else layout
    texts = dict(row.metadata)
    if metadata is not None:
        texts["sdcli"] = json.dumps(metadata)
    save_file(tensors(row, seed, dtype), path, metadata=texts)
    return path


def random(name: str, shape: tuple[int, ...], dice: torch.Generator) -> torch.Tensor:
    """A tensor's random numbers, of the scale that its place in the network asks for."""
    if name.startswith(EMA):
        name = with_dots(name.removeprefix(EMA))
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).reshape(shape)
    if name.endswith("quant_conv.bias") and "post" not in name:
        return torch.tensor([0.0] * 4 + [LOG_VARIANCE] * 4)
    noise = torch.randn(shape, generator=dice)
    if name.endswith("quant_conv.weight") and "post" not in name:
        noise[4:] = 0  # the log-variance comes from the bias alone
        return noise / math.sqrt(shape[1])
    if "embedding" in name and len(shape) == 2:
        return noise * 0.5
    if len(shape) < 2:
        return _is_norm(name) * 1.0 + 0.1 * noise
    return noise / math.sqrt(math.prod(shape[1:]))


def _is_norm(name: str) -> bool:
    path = name.removesuffix(".weight")
    ends = ("norm", "norm1", "norm2", "norm3", "norm_out", "in_layers.0", "out_layers.0", "out.0")
    clip_ends = ("layer_norm", "layer_norm1", "layer_norm2", "ln_1", "ln_2", "ln_final")
    return path != name and path.endswith((*ends, *clip_ends))


def _under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}


def _linear(shapes: Shapes, name: str, out: int, into: int, bias: bool = True) -> None:
    shapes[f"{name}.weight"] = (out, into)
    if bias:
        shapes[f"{name}.bias"] = (out,)


def _conv(shapes: Shapes, name: str, out: int, into: int, kernel: int = 3) -> None:
    shapes[f"{name}.weight"] = (out, into, kernel, kernel)
    shapes[f"{name}.bias"] = (out,)


def _norm(shapes: Shapes, name: str, width: int) -> None:
    shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)


def _resnet(shapes: Shapes, at: str, into: int, out: int, time: int) -> None:
    _norm(shapes, f"{at}.in_layers.0", into)
    _conv(shapes, f"{at}.in_layers.2", out, into)
    _linear(shapes, f"{at}.emb_layers.1", out, time)
    _norm(shapes, f"{at}.out_layers.0", out)
    _conv(shapes, f"{at}.out_layers.3", out, out)
    if into != out:
        _conv(shapes, f"{at}.skip_connection", out, into, 1)


def _vae_resnet(shapes: Shapes, at: str, into: int, out: int) -> None:
    _norm(shapes, f"{at}.norm1", into)
    _conv(shapes, f"{at}.conv1", out, into)
    _norm(shapes, f"{at}.norm2", out)
    _conv(shapes, f"{at}.conv2", out, out)
    if into != out:
        _conv(shapes, f"{at}.nin_shortcut", out, into, 1)


def _attention(
    shapes: Shapes, at: str, width: int, depth: int, layout: Layout, words_alone: bool = False
) -> None:
    if not depth:
        return
    _norm(shapes, f"{at}.norm", width)
    for name in ("proj_in", "proj_out"):
        if layout.linear:
            _linear(shapes, f"{at}.{name}", width, width)
        else:
            _conv(shapes, f"{at}.{name}", width, width, 1)
    for block in range(depth):
        inner = f"{at}.transformer_blocks.{block}"
        first = layout.context if words_alone else width
        for attention, context in (("attn1", first), ("attn2", layout.context)):
            _linear(shapes, f"{inner}.{attention}.to_q", width, width, bias=False)
            _linear(shapes, f"{inner}.{attention}.to_k", width, context, bias=False)
            _linear(shapes, f"{inner}.{attention}.to_v", width, context, bias=False)
            _linear(shapes, f"{inner}.{attention}.to_out.0", width, width)
        _linear(shapes, f"{inner}.ff.net.0.proj", 8 * width, width)
        _linear(shapes, f"{inner}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            _norm(shapes, f"{inner}.{norm}", width)
