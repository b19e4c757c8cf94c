"""One `.safetensors` in SD 1.x's tensor names, from what the stages left: the file the program
carries.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import date
from pathlib import Path

import clip
import latents
import torch
import unet as unet_stage
import vae as vae_stage
from data import Words, vocabulary
from safetensors.torch import save_file

ASSETS = Path(__file__).parents[2] / "sdcli" / "assets"
ABOUT = (
    "storybook scenes: forty-eight things, from cats and castles to rockets and mushrooms, in sixteen "
    "colours, alone or two together, on plain backgrounds or in twelve places by day, at sunset or "
    "at night; flat, or as pixel art, pencil, watercolour, stained glass, woodcut, neon, paper cut"
)
RESNET = (
    ("norm1.", "in_layers.0."),
    ("conv1.", "in_layers.2."),
    ("norm2.", "out_layers.0."),
    ("conv2.", "out_layers.3."),
    ("time_emb_proj.", "emb_layers.1."),
    ("conv_shortcut.", "skip_connection."),
)
OUTSIDE = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "conv_out.": "out.2.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
}


def unet_name(name: str, *, layers: int, attention: tuple[bool, ...]) -> str:
    """SD 1.x's name of a diffusers U-Net tensor.

    >>> unet_name("down_blocks.1.attentions.0.proj_in.weight", layers=1, attention=(False, True))
    'model.diffusion_model.input_blocks.3.1.proj_in.weight'
    """
    for ours, theirs in RESNET if ".resnets." in name else ():
        name = name.replace(f".{ours}", f".{theirs}")
    for ours, theirs in OUTSIDE.items():
        if name.startswith(ours):
            return f"model.diffusion_model.{theirs}{name[len(ours) :]}"
    found = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    if not found:
        raise ValueError(f"no place for `{name}` in SD 1.x's U-Net")
    side, level, kind, part, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    if side == "down":
        return f"model.diffusion_model.input_blocks.{_down(level, kind, part, rest, layers)}"
    first = level * (layers + 1)
    if kind == "upsamplers":  # sits behind the attention, where there is one
        behind = 1 + attention[::-1][level]
        return f"model.diffusion_model.output_blocks.{first + layers}.{behind}.{rest}"
    return f"model.diffusion_model.output_blocks.{first + part}.{int(kind == 'attentions')}.{rest}"


def _down(level: int, kind: str, part: int, rest: str, layers: int) -> str:
    first = 1 + level * (layers + 1)
    if kind == "downsamplers":
        return f"{first + layers}.0.op.{rest.removeprefix('conv.')}"
    return f"{first + part}.{int(kind == 'attentions')}.{rest}"


def vae_name(name: str, levels: int) -> str:
    """SD 1.x's name of a diffusers VAE tensor."""
    name = name.replace("mid_block.attentions.0.group_norm", "mid.attn_1.norm")
    name = name.replace("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out")
    name = re.sub(r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d)\.resnets\.(\d)",
        lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}",
        name,
    )
    name = re.sub(
        r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name
    )
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    return f"first_stage_model.{name}"


def tensors(folder: Path, words: Words) -> dict[str, torch.Tensor]:
    """Every tensor of the file, by its name."""
    unet, text = unet_stage.trained(folder, words)
    vae = vae_stage.trained(folder)
    found = {
        unet_name(n, layers=unet_stage.LAYERS, attention=unet_stage.ATTENTION): p
        for n, p in unet.state_dict().items()
    }
    for name, p in vae.state_dict().items():
        wide = (
            p[..., None, None] if re.search(r"attentions.*to_.*weight", name) else p
        )  # 1x1 convolutions there
        found[vae_name(name, len(vae.config.block_out_channels))] = wide
    for name, p in text.state_dict().items():
        kept = p
        if name.endswith("token_embedding.weight"):
            kept = torch.zeros(49408, p.shape[1])
            kept[torch.tensor(words.known)] = p[1:]
        if not name.endswith("position_ids"):
            found[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = (
                kept
            )
    return {name: p.detach().half().contiguous() for name, p in found.items()}


def export(folder: Path, out: Path, *, size: int, steps: int, cfg: float, scheduler: str) -> None:
    """Write the file, with what its shapes cannot tell in its header."""
    words = Words(vocabulary())
    ours = {
        "name": "builtin",
        "about": ABOUT,
        "size": size,
        "steps": steps,
        "cfg": cfg,
        "scheduler": scheduler,
        "vae_scale": latents.scale_of(folder),
        "unet_heads": unet_stage.HEADS,
        "unet_groups": unet_stage.GROUPS,
        "vae_groups": vae_stage.GROUPS,
        "text_heads": clip.HEADS,
        "prediction": "v",
    }
    header = {
        "format": "pt",
        "sdcli": json.dumps(ours),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.title": "sdcli builtin",
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.description": ABOUT,
        "modelspec.license": "Apache-2.0",
        "modelspec.date": date.today().isoformat(),
        "modelspec.resolution": f"{size}x{size}",
        "modelspec.prediction_type": "v",
    }
    part = out.with_suffix(".part")
    save_file(tensors(folder, words), part, header)
    part.chmod(0o644)  # safetensors writes for the owner alone
    part.rename(out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / "builtin.safetensors")
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--steps", type=int, default=20)
    said.add_argument("--cfg", type=float, default=7.0)
    said.add_argument("--scheduler", default="dpm++2m-karras")
    chosen = said.parse_args()
    export(
        chosen.folder,
        chosen.out,
        size=chosen.size,
        steps=chosen.steps,
        cfg=chosen.cfg,
        scheduler=chosen.scheduler,
    )
