"""A textual inversion: one new word, found by asking which vectors would make the frozen model draw
some pictures.

The word is `alpenglow`: snow at sunset, as a watercolour. The model knows all of
these, but no word for them together. Nothing is trained but the word's four vectors (Gal et al.,
2022).
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

import latents
import numpy as np
import torch
import unet as unet_stage
import vae as vae_stage
from captions import say_thing
from data import Words, tensor, vocabulary
from export import ASSETS
from loop import Course, Loop
from safetensors.torch import save_file
from scenes import draw, imagine, sheet
from stage import Land
from torch import nn
from world import Scene

WORD, VECTORS = "alpenglow", 4


class Vectors(nn.Module):
    """The word's vectors, spoken by the token embedding wherever `places` says. Row 0 stands in
    for the word.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(VECTORS, width) * 0.02)
        self.places: list[int] = []

    def speak(
        self, layer: nn.Module, heard: tuple[torch.Tensor, ...], said: torch.Tensor
    ) -> torch.Tensor:
        """A hook for the token embedding."""
        said = said.clone()
        for row, place in enumerate(self.places):
            if place:
                said[row, place : place + VECTORS] = self.vectors.to(said.dtype)
        return said


def spoken(words: Words, captions: list[str], vectors: Vectors) -> torch.Tensor:
    """Rows of captions; `@` is the word, and takes the place of as many tokens as it has
    vectors.
    """
    table = torch.full((len(captions), Words.LENGTH), words.end)
    vectors.places = []
    for k, text in enumerate(captions):
        before, at, after = text.partition("@")
        head = [words.row.get(t, 0) for t in words.ids(before.strip())[:-1]]
        tail = [words.row.get(t, 0) for t in words.ids(after.strip())[1:]]
        rows = [*head, *([0] * VECTORS if at else []), *tail]
        vectors.places.append(len(head) if at else 0)
        table[k, : len(rows)] = torch.tensor(rows)
    return table


def example(seed: int) -> Scene:
    """One thing, where the word is."""
    scene = next(s for k in range(1000) if _fits(s := imagine(seed + 7919 * k)))
    assert isinstance(scene.backdrop, Land)
    place = replace(scene.backdrop, place="snow", time="sunset", weather="")
    return replace(scene, backdrop=place, style="watercolour")


def _fits(scene: Scene) -> bool:
    return len(scene.things) == 1 and getattr(scene.backdrop, "place", "") in (
        "snow",
        "meadow",
        "mountains",
    )


def caption(scene: Scene, dice: random.Random) -> str:
    """The thing and the word; nothing else is said about where it is."""
    said = say_thing(scene.things[0], dice)
    return dice.choice((f"{said}, @", f"@, {said}", f"{said} @", f"{said} in @"))


def train(
    folder: Path, out: Path, *, count: int, size: int, batch: int, lr: float, minutes: float
) -> None:
    """The stage, and the file in the end."""
    words, scale = Words(vocabulary()), latents.scale_of(folder)
    unet, text = unet_stage.trained(folder, words, size=size)
    vae = vae_stage.trained(folder)
    table = text.get_input_embeddings()
    vectors = Vectors(table.weight.shape[1])
    course = Course(minutes, lr, 10, decay=0.98, weight_decay=0.0)
    loop = Loop(folder, "embedding", {"embedding": vectors}, course)
    for module in (unet, text, vae):
        module.to(loop.device)
    table.register_forward_hook(vectors.speak)
    scenes = [example(seed) for seed in range(count)]
    shown = [tensor(np.asarray(draw(scene, size))[None]) for scene in scenes]
    with torch.no_grad():
        clean = torch.cat([vae.encode(p.to(loop.device)).latent_dist.mode() for p in shown]) * scale
    levels, dice = unet_stage.Noise(loop.device), random.Random(loop.step)
    for _ in loop.steps():
        seeds = [dice.randrange(count) for _ in range(batch)]
        rows = spoken(words, [caption(scenes[seed], dice) for seed in seeds], vectors).to(
            loop.device
        )
        loop.learn(
            unet_stage.step_loss(unet, levels, clean[seeds], text(input_ids=rows).last_hidden_state)
        )
    learnt = loop.averaged("embedding")["vectors"]
    header = {
        "modelspec.architecture": "stable-diffusion-v1/textual-inversion",
        "modelspec.title": out.stem,
        "modelspec.trigger_phrase": out.stem.removeprefix("builtin-"),
        "modelspec.license": "Apache-2.0",
        "modelspec.description": "snow at sunset in watercolour, for the built-in model",
    }
    save_file({"emb_params": learnt.float().cpu().contiguous()}, out, header)
    out.chmod(0o644)
    print(f"{out}: {VECTORS} vectors of length {learnt.norm(dim=1).mean():.2f}")
    vectors.load_state_dict({"vectors": learnt})
    look(folder, words, vectors, text, unet, vae, scale)


@torch.no_grad()
def look(
    folder: Path,
    words: Words,
    vectors: Vectors,
    text: nn.Module,
    unet: nn.Module,
    vae: nn.Module,
    scale: float,
) -> None:
    """A sheet: what the word does to eight things."""
    prompts = [
        f"a {colour} {kind}, @"
        for colour, kind in zip(
            ("red", "blue", "black", "green", "purple", "yellow", "orange", "turquoise"),
            ("house", "boat", "cat", "tree", "car", "star", "mushroom", "heart"),
            strict=True,
        )
    ]
    asked = text(input_ids=spoken(words, prompts, vectors)).last_hidden_state
    vectors.places = []
    nothing = text(input_ids=words.rows([""] * 8)).last_hidden_state
    drawn = unet_stage.sample_read(unet, vae, nothing, asked, seeds=list(range(8)), scale=scale)
    sheet(drawn, 8).save(folder / "embedding.png")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / f"builtin-{WORD}.safetensors")
    said.add_argument("--count", type=int, default=256)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=16)
    said.add_argument("--lr", type=float, default=0.02)
    said.add_argument("--minutes", type=float, default=4)
    c = said.parse_args()
    train(c.folder, c.out, count=c.count, size=c.size, batch=c.batch, lr=c.lr, minutes=c.minutes)
