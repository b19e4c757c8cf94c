"""What a half-trained U-Net knows, at six levels of noise: `python levels.py --folder run`.

The loss of training is a poor guide: most of it is noise that nobody can tell from a picture, and it
moves by a hundredth while a blob becomes an owl. Here it is taken apart, on unseen scenes: things
and ground; how much is still unknown where little is hidden (sigma 0.5: edges), and where nearly
all is (sigma 9: what stands where); and whether the U-Net knows, from inside, which thing and which
colour it is drawing.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import latents
import numpy as np
import torch
import unet as unet_stage
import vae as vae_stage
from binding import Binding
from captions import describe
from data import CELLS, HELD_OUT, Words, tensor, vocabulary
from loop import averaged, half_on
from namer import IGNORED, NOTHING, truth_of
from scenes import imagine, painted, whose_map
from world import Scene

SIGMAS = (0.25, 0.5, 0.8, 1.5, 4.0, 9.0)
BATCH = 32


class Unseen:
    """Scenes that were never learnt, as latents, with maps of whose each place is."""

    def __init__(self, folder: Path, count: int, size: int) -> None:
        vae = vae_stage.trained(folder)
        self.scenes = [imagine(HELD_OUT + 20_000 + k) for k in range(count)]
        drawn = [painted(scene, size) for scene in self.scenes]
        self.whose = np.stack([whose_map(whose, CELLS) for _, whose in drawn])
        shown = tensor(np.stack([np.asarray(picture) for picture, _ in drawn]))
        with torch.no_grad():
            seen = [vae.encode(part).latent_dist.mode() for part in shown.split(8)]
        self.latents = torch.cat(seen) * latents.scale_of(folder)

    def batches(self) -> list[tuple[list[Scene], torch.Tensor, np.ndarray]]:
        """All of them, some at a time."""
        starts = range(0, len(self.scenes), BATCH)
        parts = [slice(k, k + BATCH) for k in starts]
        return [(self.scenes[p], self.latents[p], self.whose[p]) for p in parts]


class Learner:
    """The averaged U-Net, its text encoder, and the layer that reads its features."""

    def __init__(self, folder: Path, words: Words, size: int) -> None:
        self.words = words
        self.unet, self.text = unet_stage.trained(folder, words, size=size)
        self.binding = Binding(self.unet)
        self.binding.load_state_dict(averaged(folder, "unet", "binding"))

    def say(
        self, noisy: torch.Tensor, times: torch.Tensor, said: list[str]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Its velocity, and what it takes each place for."""
        read = self.text(input_ids=self.words.rows(said)).last_hidden_state
        velocity = self.unet(noisy, times, encoder_hidden_states=read).sample.float()
        return velocity, self.binding.read()


@torch.no_grad()
def look(learner: Learner, unseen: Unseen, sigma: float) -> dict[str, float]:
    """What is wrong, and what is known, at one level of noise."""
    levels, dice = unet_stage.Noise(torch.device("cpu")), random.Random(0)
    time = int((levels.noise / levels.signal - sigma).abs().argmin())
    generator = torch.Generator().manual_seed(0)
    found = {name: np.zeros(2) for name in ("things", "ground", "kinds", "colours")}
    for scenes, clean, whose in unseen.batches():
        said = [describe(scene, dice, whole=True) for scene in scenes]
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.full((len(clean),), time)
        with half_on(clean.device):
            guess, named = learner.say(levels.mix(clean, noise, times), times, said)
        wrong = (guess - levels.velocity(clean, noise, times)).pow(2).mean(1, keepdim=True)
        things = unet_stage.things_of(whose, wrong.shape[-1])
        for name, where in (("things", things), ("ground", 1 - things)):
            found[name] += np.array([float((wrong * where).sum()), float(where.sum())])
        truth = truth_of(scenes, whose, named["kinds"].shape[-1])
        for name, nothing in (("kinds", NOTHING), ("colours", IGNORED)):
            asked = truth[name] != nothing
            right = (named[name][:, :NOTHING].argmax(1) == truth[name])[asked]
            found[name] += np.array([float(right.sum()), float(asked.sum())])
    return {name: float(sums[0] / sums[1]) for name, sums in found.items()}


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--size", type=int, default=192)
    words.add_argument("--count", type=int, default=192, help="how many unseen scenes")
    chosen = words.parse_args()
    unseen = Unseen(chosen.folder, chosen.count, chosen.size)
    learner = Learner(chosen.folder, Words(vocabulary()), chosen.size)
    print("sigma  wrong in things  in the ground  thing known  colour known")
    for sigma in SIGMAS:
        row = look(learner, unseen, sigma)
        print(
            f"{sigma:5}  {row['things']:15.4f}  {row['ground']:13.4f}  {row['kinds']:11.0%}  "
            f"{row['colours']:12.0%}",
            flush=True,
        )
