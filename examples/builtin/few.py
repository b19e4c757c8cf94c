"""A LoRA that draws in four steps what the model draws in many, guidance included.

The frozen model walks from one of four noise levels to the next in small guided steps; what is
learnt beside it must arrive there in a single step and without guidance (progressive distillation:
Salimans and Ho, 2022). Draw with it in 4 steps of `euler-trailing` at cfg 1.
"""

from __future__ import annotations

import argparse
import copy
import random
from pathlib import Path

import latents
import torch
import unet as unet_stage
from captions import describe
from data import Words, vocabulary
from diffusers import UNet2DConditionModel
from export import ASSETS
from loop import Course, Loop
from safetensors.torch import save_file
from scenes import imagine
from torch import nn

from sdcli.engine.training.lora_layers import LearntLora, Target

TIMES = (999, 749, 499, 249)
"""The four levels of `trailing`; behind the last comes no noise at all."""
SMALL = 6
"""The steps that the frozen model takes from one to the next."""
RANK = 8


def adapt(unet: UNet2DConditionModel) -> LearntLora:
    """Something to learn beside every attention, feed-forward and convolution of the blocks, by
    kohya's name of it.
    """
    found = [
        Target("unet", f"lora_unet_{name.replace('.', '_')}", layer, RANK, float(RANK))
        for name, layer in unet.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d) and "_block" in name and "time_emb" not in name
    ]
    return LearntLora(found, seed=0, dora=False)


def write(beside: LearntLora, out: Path, steps: int) -> None:
    """The file, with the notes that other programs look for."""
    header = {
        "ss_base_model_version": "sd_v1",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(RANK),
        "ss_network_alpha": str(float(RANK)),
        "ss_output_name": out.stem,
        "ss_steps": str(steps),
        "ss_v2": "False",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.title": out.stem,
        "modelspec.license": "Apache-2.0",
        "modelspec.description": "four steps of euler-trailing at cfg 1, for sdcli's own model",
    }
    save_file(beside.file_tensors(), out, header)
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


class Walk:
    """Steps between noise levels, each given by its time; -1 is no noise at all."""

    def __init__(self, levels: unet_stage.Noise) -> None:
        one, none = torch.ones_like(levels.signal[:1]), torch.zeros_like(levels.noise[:1])
        self.signal, self.noise = torch.cat([levels.signal, one]), torch.cat([levels.noise, none])

    def _turn(self, start: torch.Tensor, stop: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, s, b, r = (
            level[times, None, None, None]
            for times in (start, stop)
            for level in (self.signal, self.noise)
        )
        return b * a + r * s, r * a - b * s

    def step(
        self, x: torch.Tensor, velocity: torch.Tensor, start: torch.Tensor, stop: torch.Tensor
    ) -> torch.Tensor:
        """Where a velocity leads (a step of DDIM, which is one of Euler's)."""
        along, across = self._turn(start, stop)
        return along * x + across * velocity

    def velocity(
        self, x: torch.Tensor, goal: torch.Tensor, start: torch.Tensor, stop: torch.Tensor
    ) -> torch.Tensor:
        """The velocity that leads to a goal."""
        along, across = self._turn(start, stop)
        return (goal - along * x) / across


@torch.no_grad()
def walked(
    unet: UNet2DConditionModel,
    walk: Walk,
    x: torch.Tensor,
    which: torch.Tensor,
    asked: torch.Tensor,
    nothing: torch.Tensor,
) -> torch.Tensor:
    """Where the frozen model arrives at the next level, in small guided steps."""
    ends = torch.tensor([*TIMES, -1], device=x.device)
    first, last = ends[which], ends[which + 1]
    both = torch.cat([nothing.expand(len(x), -1, -1), asked])
    for k in range(SMALL):
        start = first + (last - first) * k // SMALL
        stop = first + (last - first) * (k + 1) // SMALL
        said = unet(torch.cat([x, x]), torch.cat([start, start]), encoder_hidden_states=both).sample
        free, wanted = said.float().chunk(2)
        x = walk.step(x, free + unet_stage.CFG * (wanted - free), start, stop)
    return x


def train(folder: Path, out: Path, *, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage, and the file in the end."""
    kept, words = latents.Latents(folder, size), Words(vocabulary())
    frozen, text = unet_stage.trained(folder, words, size=size)
    student = copy.deepcopy(frozen)
    beside = adapt(student)
    loop = Loop(folder, "few", {"beside": beside}, Course(minutes, lr, 20, hold=0.3, decay=0.99))
    for module in (frozen, student, text):
        module.to(loop.device)
    levels, dice = unet_stage.Noise(loop.device), random.Random(loop.step)
    walk, ends = Walk(levels), torch.tensor([*TIMES, -1], device=loop.device)
    for _ in loop.steps():
        seeds = [dice.randrange(kept.done) for _ in range(batch)]
        said = ["", *(describe(imagine(seed), dice) for seed in seeds)]
        rows = words.rows(said).to(loop.device)
        clean = kept.take(seeds).to(loop.device)
        which = torch.tensor([dice.randrange(len(TIMES)) for _ in seeds], device=loop.device)
        x = levels.mix(clean, torch.randn_like(clean), ends[which])
        with loop.half():
            with torch.no_grad():
                read = text(input_ids=rows).last_hidden_state
            goal = walked(frozen, walk, x, which, read[1:], read[:1])
            guess = student(x, ends[which], encoder_hidden_states=read[1:]).sample.float()
        wanted = walk.velocity(x, goal, ends[which], ends[which + 1])
        loop.learn((guess - wanted).pow(2).mean())
    beside.load_state_dict(loop.averaged("beside"))
    write(beside, out, loop.step)


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / "builtin-few.safetensors")
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=8)
    said.add_argument("--lr", type=float, default=1e-3)
    said.add_argument("--minutes", type=float, default=30)
    c = said.parse_args()
    train(c.folder, c.out, size=c.size, batch=c.batch, lr=c.lr, minutes=c.minutes)
