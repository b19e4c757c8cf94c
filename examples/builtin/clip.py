"""CLIP: a text encoder learns what words look like, by telling which caption belongs to which
picture.

Two towers, one for pictures and one for captions, map both into one space; in a batch, each picture
must find its own caption among all, and each caption its picture (Radford et al., 2021). Among the
captions are some that say the same words of the wrong things, so that whose colour is whose has
to be read too (Yuksekgonul et al., 2023). The text tower goes on to the U-Net; both together can
say how well a picture fits its caption.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from captions import describe
from data import HELD_OUT, Pictures, Words, tensor, vocabulary
from loop import Course, Loop, averaged
from scenes import draw, imagine
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, normalize
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel
from world import Scene

WIDTH, LAYERS, HEADS, SHARED = 128, 4, 4, 128
SIDE, PATCH, VISION_LAYERS = 96, 12, 4
TWISTED = 32  # captions of a batch that are told again with things exchanged


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
    """Both towers, and what lies between them: two projections and a temperature. Their names and
    shapes are those of OpenAI's CLIP, only fewer and thinner.
    """

    def __init__(self, text: CLIPTextModel, end: int) -> None:
        super().__init__()
        self.text, self.end = text, end
        config = CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=VISION_LAYERS,
            num_attention_heads=HEADS,
            image_size=SIDE,
            patch_size=PATCH,
            attn_implementation="sdpa",
        )
        self.look = CLIPVisionModel(config)
        self.visual_projection = nn.Linear(WIDTH, SHARED, bias=False)
        self.text_projection = nn.Linear(WIDTH, SHARED, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.3))

    def see(self, shown: torch.Tensor) -> torch.Tensor:
        """Pictures in the shared space."""
        small = interpolate(shown, (SIDE, SIDE), mode="area")
        return normalize(self.visual_projection(self.look(small).pooler_output).float(), dim=-1)

    def read(self, rows: torch.Tensor) -> torch.Tensor:
        """Captions in the shared space."""
        read = self.text(input_ids=rows).last_hidden_state
        ends = (rows == self.end).int().argmax(1)
        return normalize(self.text_projection(read[torch.arange(len(rows)), ends]).float(), dim=-1)

    def forward(self, shown: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """How well each picture fits each caption."""
        return self.logit_scale.exp().clamp(max=60) * self.see(shown) @ self.read(rows).T


def trained_towers(folder: Path, words: Words) -> Towers:
    """Both towers as their stage left them."""
    towers = Towers(build(words), words.end)
    towers.load_state_dict(averaged(folder, "clip", "towers"))
    return towers.eval()


def trained(folder: Path, words: Words) -> CLIPTextModel:
    """The text tower as its stage left it."""
    return trained_towers(folder, words).text


def twisted(scene: Scene) -> Scene | None:
    """The same words, of the wrong things: colours exchanged. None where there is one thing."""
    if len(scene.things) < 2:
        return None
    a, b = scene.things
    return replace(
        scene,
        things=(replace(a, colour=b.colour, look=b.look), replace(b, colour=a.colour, look=a.look)),
    )


def shorten(rows: torch.Tensor, end: int) -> torch.Tensor:
    """Without what lies behind every caption's end: it changes nothing."""
    return rows[:, : int((rows == end).int().argmax(1).max()) + 1]


def train(folder: Path, *, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage: batches of pictures and captions, each to find its own. Once there is a U-Net, the
    text tower learns with that.
    """
    if (folder / "unet.pt").exists():
        return
    kept = Pictures(folder, size)
    words = Words(vocabulary())
    towers = Towers(build(words), words.end)
    loop = Loop(folder, "clip", {"towers": towers}, Course(minutes, lr, hold=0.3))
    dice, chance = np.random.default_rng(loop.step), random.Random(loop.step)
    unseen = [imagine(HELD_OUT + k) for k in range(256)]
    shown_unseen = tensor(np.stack([np.asarray(draw(scene, size)) for scene in unseen])).to(
        loop.device
    )
    said = [describe(scene, random.Random(k), whole=True) for k, scene in enumerate(unseen)]
    rows_unseen = shorten(words.rows(said), words.end).to(loop.device)
    for step in loop.steps():
        seeds = np.sort(dice.choice(kept.done, batch, replace=False))
        shown = tensor(kept.store[seeds]).to(loop.device)
        scenes = [imagine(int(s)) for s in seeds]
        wrong = [t for t in map(twisted, scenes) if t][:TWISTED]
        said = [describe(scene, chance) for scene in [*scenes, *wrong]]
        rows = shorten(words.rows(said, fillers=chance), words.end).to(loop.device)
        with loop.half():
            fit = towers(shown, rows)
        own = torch.arange(batch, device=loop.device)
        loop.learn((cross_entropy(fit, own) + cross_entropy(fit.T[:batch], own)) / 2)
        if step % 250 == 249:
            with torch.no_grad(), loop.half():
                fit = towers(shown_unseen, rows_unseen)
            found = (fit.argmax(1).cpu() == torch.arange(len(unseen))).float().mean()
            loop.note({"found": round(float(found), 3)})


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=96)
    said.add_argument("--lr", type=float, default=1.5e-3)
    said.add_argument("--minutes", type=float, default=20)
    torch.manual_seed(0)
    chosen = said.parse_args()
    train(chosen.folder, size=chosen.size, batch=chosen.batch, lr=chosen.lr, minutes=chosen.minutes)
