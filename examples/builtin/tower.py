"""The image tower, for `sdcli score`: how well a picture fits a prompt, read by the model's own
text encoder.

While the U-Net learnt, its text encoder moved away from the one that CLIP was trained with. Here it
stands still, as it is in the packaged file, and a new image tower learns to meet it: on scenes drawn
by code, and on pictures that the model draws, so that a tell-tale softness is no evidence for or
against a caption. Of the model's own pictures those with one thing are learnt from, for where there
are two it often trades their colours. The tower's file holds only what the packaged one lacks, under
the names that CLIP's tensors have everywhere.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

import clip
import numpy as np
import torch
from captions import describe
from data import HELD_OUT, EveryWord, vocabulary
from export import ASSETS
from loop import Course, Loop
from painter import Painter
from PIL import Image
from safetensors.torch import save_file
from scenes import draw, imagine
from torch import nn
from torch.nn.functional import cross_entropy, normalize
from transformers import CLIPTextModel, CLIPVisionConfig, CLIPVisionModel
from world import COLOURS

from sdcli.images.clip_view import DEVIATION, MEAN, clip_view

OWN_SEEDS = 5_000_000  # of the scenes whose captions the model draws
OWN_STEPS = 12  # with these its pictures are as good as finished
OWN_CFG = (5.0, 8.0)  # where it draws best
RECOLOURED = 32  # captions of a batch that are told again in a wrong colour


class Tower(nn.Module):
    """The image tower, both projections and the temperature: CLIP without its text tower."""

    def __init__(self, text_width: int, end: int) -> None:
        super().__init__()
        config = CLIPVisionConfig(
            hidden_size=clip.WIDTH,
            intermediate_size=4 * clip.WIDTH,
            num_hidden_layers=clip.VISION_LAYERS,
            num_attention_heads=clip.HEADS,
            image_size=clip.SIDE,
            patch_size=clip.PATCH,
            attn_implementation="sdpa",
        )
        self.end = end
        self.vision_model = CLIPVisionModel(config)
        self.visual_projection = nn.Linear(clip.WIDTH, clip.SHARED, bias=False)
        self.text_projection = nn.Linear(text_width, clip.SHARED, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.3))

    def see(self, shown: torch.Tensor) -> torch.Tensor:
        """Pictures in the shared space."""
        pooled = self.vision_model(shown).pooler_output
        return normalize(self.visual_projection(pooled).float(), dim=-1)

    def read(self, states: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Captions in the shared space, from what the text encoder makes of them."""
        ends = (rows == self.end).int().argmax(1)
        found = self.text_projection(states[torch.arange(len(rows)), ends])
        return normalize(found.float(), dim=-1)


@dataclass
class Shown:
    """Pictures as the tower sees them, each with the scene that its caption is of."""

    views: np.ndarray
    seeds: np.ndarray


def drawn_by_code(folder: Path, count: int, size: int) -> Shown:
    """Scenes as they are drawn by code, kept in the folder."""
    seeds = np.arange(count)
    return Shown(_kept(folder / f"tower-scenes-{size}-{count}.npy", seeds, lambda some: [
        draw(imagine(int(seed)), size) for seed in some
    ]), seeds)  # fmt: skip


def drawn_by_model(folder: Path, count: int, model: Path) -> Shown:
    """What the model draws of the captions of scenes with one thing, kept in the folder."""
    alone = (s for s in range(OWN_SEEDS, HELD_OUT) if len(imagine(s).things) == 1)
    seeds = np.array([next(alone) for _ in range(count)])
    painter: list[Painter] = []

    def paint(some: np.ndarray) -> list[Image.Image]:
        if not painter:
            painter.append(Painter(model))
        asked = [describe(imagine(int(s)), random.Random(int(s)), whole=True) for s in some]
        cfg = random.Random(int(some[0])).uniform(*OWN_CFG)
        return painter[0].draw(asked, [int(s) for s in some], steps=OWN_STEPS, cfg=cfg)

    return Shown(_kept(folder / f"tower-drawn-{count}.npy", seeds, paint), seeds)


def _kept(path: Path, seeds: np.ndarray, paint) -> np.ndarray:  # noqa: ANN001
    """The views of pictures, drawn the first time and mapped from a file ever after."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        shape = (len(seeds), clip.SIDE, clip.SIDE, 3)
        store = np.lib.format.open_memmap(part, "w+", np.uint8, shape)
        for first in range(0, len(seeds), 16):
            some = seeds[first : first + 16]
            views = [np.asarray(clip_view(picture, clip.SIDE)) for picture in paint(some)]
            store[first : first + len(some)] = views
            if first % 512 == 0:
                print(f"{path.stem}: {first} of {len(seeds)}", flush=True)
        store.flush()
        part.rename(path)
    return np.load(path, mmap_mode="r")


def as_input(views: np.ndarray) -> torch.Tensor:
    """Views as a vision tower reads them, [n, 3, side, side]."""
    pixels = torch.from_numpy(np.array(views)).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


def recoloured(caption: str, chance: random.Random) -> str | None:
    """The same words with one colour exchanged for another that is not there."""
    said = [name for name in COLOURS if re.search(rf"\b{name}\b", caption)]
    if not said:
        return None
    other = chance.choice([name for name in COLOURS if name not in said])
    return re.sub(rf"\b{chance.choice(said)}\b", other, caption)


def told(seeds: np.ndarray, chance: random.Random) -> list[str]:
    """A caption for each scene; then some of them told wrongly, with their colours exchanged."""
    scenes = [imagine(int(seed)) for seed in seeds]
    right = [describe(scene, chance) for scene in scenes]
    twisted = [t for t in map(clip.twisted, scenes) if t][: clip.TWISTED]
    other = filter(None, (recoloured(caption, chance) for caption in right[-RECOLOURED:]))
    return [*right, *(describe(scene, chance) for scene in twisted), *other]


def train(folder: Path, out: Path, model: Path, how: argparse.Namespace) -> None:
    """The stage, and the file in the end."""
    sources = [
        drawn_by_code(folder, how.scenes, how.size),
        drawn_by_model(folder, how.drawn, model),
    ]
    text: CLIPTextModel = Painter(model).text
    words = EveryWord(vocabulary())
    tower = Tower(text.config.hidden_size, words.end)
    loop = Loop(folder, "tower", {"tower": tower}, Course(how.minutes, how.lr, 50, hold=0.3))
    text.to(loop.device)
    dice, chance = np.random.default_rng(loop.step), random.Random(loop.step)
    for _ in loop.steps():
        picked = [np.sort(dice.choice(len(source.seeds), share, replace=False))
                  for source, share in zip(sources, (how.batch // 2, how.batch // 2),
                                           strict=True)]  # fmt: skip
        views = np.concatenate([s.views[at] for s, at in zip(sources, picked, strict=True)])
        seeds = np.concatenate([s.seeds[at] for s, at in zip(sources, picked, strict=True)])
        rows = clip.shorten(words.rows(told(seeds, chance), fillers=chance), words.end)
        rows = rows.to(loop.device)
        with loop.half():
            with torch.no_grad():
                states = text(input_ids=rows).last_hidden_state
            fit = tower.see(as_input(views).to(loop.device)) @ tower.read(states, rows).T
        fit = tower.logit_scale.exp().clamp(max=60) * fit
        own = torch.arange(len(seeds), device=loop.device)
        loop.learn((cross_entropy(fit, own) + cross_entropy(fit.T[: len(own)], own)) / 2)
    tower.load_state_dict(loop.averaged("tower"))
    write(tower, out)


def write(tower: Tower, out: Path) -> None:
    """The file."""
    tensors = {
        re.sub(r"^vision_model\.(vision_model\.)?", "vision_model.", name): p
        for name, p in tower.state_dict().items()
        if not name.endswith("position_ids")
    }
    halves = {name: p.detach().half().contiguous() for name, p in tensors.items()}
    about = {"name": "builtin:tower", "vision_heads": clip.HEADS, "act": "quick_gelu"}
    about["reads"] = "builtin"  # the model whose text encoder is the other half
    header = {"format": "pt", "sdcli": json.dumps(about), "modelspec.license": "Apache-2.0"}
    save_file(halves, out, header)
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / "builtin-tower.safetensors")
    said.add_argument("--model", type=Path, default=ASSETS / "builtin.safetensors")
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--scenes", type=int, default=16384)
    said.add_argument("--drawn", type=int, default=4096)
    said.add_argument("--batch", type=int, default=96)
    said.add_argument("--lr", type=float, default=1.5e-3)
    said.add_argument("--minutes", type=float, default=15)
    torch.manual_seed(0)
    c = said.parse_args()
    train(c.folder, c.out, c.model, c)
