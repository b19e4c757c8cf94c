"""A LoRA: a style the model never saw, learnt beside its frozen weights in a few thousandths of
their number.

Each adapted matrix W becomes W + scale * up @ down, with `up` and `down` of rank 8 (Hu et al.,
2021); `up` starts at zero, so training starts at the model itself. Only these two are trained, and
only they are in the file, in kohya's naming.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path

import latents
import numpy as np
import torch
import unet as unet_stage
import vae as vae_stage
from captions import describe
from data import Words, tensor, vocabulary
from diffusers import UNet2DConditionModel
from export import ASSETS
from loop import Course, Loop
from safetensors.torch import save_file
from scenes import draw, imagine, sheet
from torch import nn
from world import Scene

RANK, ALPHA, STYLE = 8, 8.0, "blueprint"


class Beside(nn.Module):
    """What is learnt beside one layer. Added to what the layer says, whenever it speaks."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        if isinstance(layer, nn.Conv2d):
            self.down: nn.Module = nn.Conv2d(
                layer.in_channels, RANK, layer.kernel_size, layer.stride, layer.padding, bias=False
            )
            self.up: nn.Module = nn.Conv2d(RANK, layer.out_channels, 1, bias=False)
        else:
            self.down = nn.Linear(layer.in_features, RANK, bias=False)
            self.up = nn.Linear(RANK, layer.out_features, bias=False)
        nn.init.normal_(self.down.weight, std=1 / RANK)
        nn.init.zeros_(self.up.weight)
        layer.register_forward_hook(self._speak)

    def _speak(
        self, layer: nn.Module, heard: tuple[torch.Tensor, ...], said: torch.Tensor
    ) -> torch.Tensor:
        return said + self.up(self.down(heard[0])) * (ALPHA / RANK)


def adapt(unet: UNet2DConditionModel) -> nn.ModuleDict:
    """Something to learn beside every attention, feed-forward and convolution of the blocks, by
    kohya's name of it.
    """
    found = {
        f"lora_unet_{name.replace('.', '_')}": Beside(layer)
        for name, layer in unet.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d) and "_block" in name and "time_emb" not in name
    }
    return nn.ModuleDict(found)


def in_style(seed: int) -> Scene:
    """The scene of a seed, in the style to be learnt."""
    return imagine(seed, style=STYLE)


def caption(scene: Scene, dice: random.Random) -> str:
    """What it would be called in the style that everything has unless it is said otherwise, with
    the trigger word.
    """
    return f"{describe(replace(scene, style='flat'), dice)}, {STYLE}"


def train(
    folder: Path, out: Path, *, count: int, size: int, batch: int, lr: float, minutes: float
) -> None:
    """The stage, and the file in the end."""
    words, scale = Words(vocabulary()), latents.scale_of(folder)
    unet, text = unet_stage.trained(folder, words, size=size)
    vae = vae_stage.trained(folder)
    beside = adapt(unet)
    loop = Loop(folder, "lora", {"beside": beside}, Course(minutes, lr, 20, decay=0.98))
    for module in (unet, text, vae):
        module.to(loop.device)
    shown = [tensor(np.asarray(draw(in_style(seed), size))[None]) for seed in range(count)]
    with torch.no_grad():
        clean = torch.cat([vae.encode(p.to(loop.device)).latent_dist.mode() for p in shown]) * scale
    levels, dice = unet_stage.Noise(loop.device), random.Random(loop.step)
    for _ in loop.steps():
        seeds = [dice.randrange(count) for _ in range(batch)]
        captions = ["" if dice.random() < 0.1 else caption(in_style(seed), dice) for seed in seeds]
        with torch.no_grad():
            read = text(input_ids=words.rows(captions).to(loop.device)).last_hidden_state
        loop.learn(unet_stage.step_loss(unet, levels, clean[seeds], read))
    beside.load_state_dict(loop.averaged("beside"))
    about = "white lines on blue, for the built-in model of sdcli"
    write(beside, out, loop.step, size, trigger=STYLE, about=about)
    look = [f"{prompt}, {STYLE}" for prompt in unet_stage.PROMPTS]
    drawn = unet_stage.sample(unet, text, vae, words, look, seeds=list(range(8)), scale=scale)
    sheet(drawn, 8).save(folder / "lora.png")


def write(
    beside: nn.ModuleDict, out: Path, steps: int, size: int, *, trigger: str, about: str
) -> None:
    """The file, in kohya's naming, with the notes that other programs look for."""
    tensors: dict[str, torch.Tensor] = {}
    for name, pair in beside.items():
        tensors[f"{name}.lora_down.weight"] = pair.down.weight.detach().half().contiguous()
        tensors[f"{name}.lora_up.weight"] = pair.up.weight.detach().half().contiguous()
        tensors[f"{name}.alpha"] = torch.tensor(ALPHA).half()
    header = {
        "ss_base_model_version": "sd_v1",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(RANK),
        "ss_network_alpha": str(ALPHA),
        "ss_output_name": out.stem,
        "ss_steps": str(steps),
        "ss_v2": "False",
        "ss_network_args": json.dumps({"conv_dim": str(RANK), "conv_alpha": str(ALPHA)}),
        "ss_resolution": f"({size}, {size})",
        "ss_tag_frequency": json.dumps({"scenes": {trigger: 1000} if trigger else {}}),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.title": out.stem,
        "modelspec.trigger_phrase": trigger,
        "modelspec.license": "Apache-2.0",
        "modelspec.description": about,
    }
    save_file(tensors, out, header)
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / f"builtin-{STYLE}.safetensors")
    said.add_argument("--count", type=int, default=512)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=16)
    said.add_argument("--lr", type=float, default=3e-3)
    said.add_argument("--minutes", type=float, default=5)
    c = said.parse_args()
    train(c.folder, c.out, count=c.count, size=c.size, batch=c.batch, lr=c.lr, minutes=c.minutes)
