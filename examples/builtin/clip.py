"""CLIP: a text encoder learns what words look like, by telling which caption belongs to which
picture.

Two towers, one for pictures and one for captions, map both into one space; in a batch, each picture
must find its own caption among all, and each caption its picture (Radford et al., 2021). Only the
text tower goes on to the U-Net.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, Words, pictures, tensor, vocabulary
from loop import Course, Loop, averaged
from scenes import describe, draw, imagine
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy, normalize
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH, LAYERS, HEADS, SHARED = 128, 3, 4, 96


def build(words: Words) -> CLIPTextModel:
    """An untrained text tower of OpenAI CLIP's kind over the small vocabulary; row 0, the
    unknown, is zero.
    """
    config = CLIPTextConfig(
        vocab_size=len(words.known) + 1,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=Words.LENGTH,
        hidden_act="quick_gelu",
        bos_token_id=words.start,
        eos_token_id=words.end,
        pad_token_id=words.end,
        attn_implementation="sdpa",
    )
    tower = CLIPTextModel(config)
    table = tower.get_input_embeddings().weight
    with torch.no_grad():
        table.normal_(0, 0.05)
        table[0] = 0
    keep_unknown_silent(tower)
    return tower


def keep_unknown_silent(tower: CLIPTextModel) -> None:
    """No gradient for row 0, ever."""
    mask = torch.ones(tower.get_input_embeddings().weight.shape[0], 1)
    mask[0] = 0
    tower.get_input_embeddings().weight.register_hook(
        lambda gradient: gradient * mask.to(gradient.device)
    )


class Towers(nn.Module):
    """Both towers, and what lies between them: two projections and a temperature."""

    def __init__(self, text: CLIPTextModel, end: int) -> None:
        super().__init__()
        self.text, self.end = text, end
        layers: list[nn.Module] = []
        widths = (3, 24, 48, 96, 128)
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.look = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, SHARED))
        self.project = nn.Linear(WIDTH, SHARED, bias=False)
        self.warmth = nn.Parameter(torch.tensor(2.3))

    def forward(self, shown: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """How well each picture fits each caption."""
        pictures_at = normalize(self.look(avg_pool2d(shown, shown.shape[-1] // 64)), dim=-1)
        read = self.text(input_ids=rows).last_hidden_state
        ends = (rows == self.end).int().argmax(1)
        captions_at = normalize(self.project(read[torch.arange(len(rows)), ends]), dim=-1)
        return self.warmth.exp().clamp(max=60) * pictures_at @ captions_at.T


def trained(folder: Path, words: Words) -> CLIPTextModel:
    """The text tower as its stage left it."""
    towers = Towers(build(words), words.end)
    towers.load_state_dict(averaged(folder, "clip", "towers"))
    return towers.text


def train(folder: Path, *, count: int, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage: batches of pictures and captions, each to find its own."""
    store = pictures(folder, count, size)
    words = Words(vocabulary())
    towers = Towers(build(words), words.end)
    loop = Loop(folder, "clip", {"towers": towers}, Course(minutes, lr))
    dice, chance = np.random.default_rng(loop.step), random.Random(loop.step)
    unseen = [imagine(HELD_OUT + k) for k in range(256)]
    shown_unseen = tensor(np.stack([np.asarray(draw(scene, size)) for scene in unseen])).to(
        loop.device
    )
    rows_unseen = words.rows(
        [describe(scene, random.Random(k), whole=True) for k, scene in enumerate(unseen)]
    )
    for step in loop.steps():
        seeds = np.sort(dice.choice(count, batch, replace=False))
        shown = tensor(store[seeds]).to(loop.device)
        rows = words.rows([describe(imagine(int(s)), chance) for s in seeds], fillers=chance)
        longest = (
            int((rows == words.end).int().argmax(1).max()) + 1
        )  # nothing after a caption's end can change it
        fit = towers(shown, rows[:, :longest].to(loop.device))
        own = torch.arange(batch, device=loop.device)
        loop.learn((cross_entropy(fit, own) + cross_entropy(fit.T, own)) / 2)
        if step % 500 == 499:
            with torch.no_grad():
                fit = towers(shown_unseen, rows_unseen[:, :48].to(loop.device))
            found = (fit.argmax(1).cpu() == torch.arange(len(unseen))).float().mean()
            loop.note({"found": round(float(found), 3)})


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--count", type=int, default=24576)
    said.add_argument("--size", type=int, default=128)
    said.add_argument("--batch", type=int, default=96)
    said.add_argument("--lr", type=float, default=1e-3)
    said.add_argument("--minutes", type=float, default=20)
    torch.manual_seed(0)
    chosen = said.parse_args()
    train(
        chosen.folder,
        count=chosen.count,
        size=chosen.size,
        batch=chosen.batch,
        lr=chosen.lr,
        minutes=chosen.minutes,
    )
