"""A reader of pictures, who names what is where. It has only ever seen scenes drawn by code.

For each of 24x24 places it says which kind of thing is there, and which colour; for the whole, the
style, the place, the time, the weather, or the one colour behind. The judge reads pictures with it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from data import Pictures, tensor
from loop import Course, Loop, averaged
from PIL import Image
from scenes import imagine
from stage import PLACES, TIMES, WEATHERS, Plain
from styles import STYLES
from things import KINDS
from torch import nn
from torch.nn.functional import cross_entropy, interpolate
from world import COLOURS, Scene

GRID, SIDE = 24, 96
NOTHING = len(KINDS)
HEADS: dict[str, tuple[str, ...]] = {
    "style": STYLES,
    "place": (*PLACES, "plain"),
    "time": TIMES,
    "weather": WEATHERS,
    "behind": tuple(COLOURS),
}
IGNORED = -100


def _block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1), nn.GroupNorm(8, after), nn.SiLU())


class Namer(nn.Module):
    """A small convolutional network that looks closely and from afar."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(_block(3, 32, 2), _block(32, 64, 2), _block(64, 96))
        self.middle = nn.Sequential(_block(96, 128, 2), _block(128, 128))
        self.far = nn.Sequential(_block(128, 192, 2), _block(192, 192))
        self.down = _block(192, 128)
        self.join = _block(128, 96)
        self.last = _block(96, 96)
        self.kinds = nn.Conv2d(96, len(KINDS) + 1, 1)
        self.colours = nn.Conv2d(96, len(COLOURS), 1)
        self.whole = nn.ModuleDict(
            {name: nn.Linear(96 + 192, len(of)) for name, of in HEADS.items()}
        )

    def forward(self, shown: torch.Tensor) -> dict[str, torch.Tensor]:
        """Scores: `kinds` and `colours` for each place, and one row for each question about the
        whole.
        """
        near = self.near(interpolate(shown, (SIDE, SIDE), mode="area"))
        middle = self.middle(near)
        far = self.far(middle)
        middle = middle + interpolate(self.down(far), scale_factor=2.0)
        seen = self.last(near + interpolate(self.join(middle), scale_factor=2.0))
        pooled = torch.cat([near.mean((2, 3)), far.mean((2, 3))], 1)
        whole = {name: head(pooled) for name, head in self.whole.items()}
        return {"kinds": self.kinds(seen), "colours": self.colours(seen), **whole}


def truth_of(scenes: list[Scene], whose: np.ndarray, grid: int = GRID) -> dict[str, torch.Tensor]:
    """What a namer should say of scenes, given the maps of whose each place is, at the middles of
    `grid` times `grid` places.
    """
    middles = ((np.arange(grid) + 0.5) * whose.shape[1] / grid).astype(int)
    whose = whose[:, middles][:, :, middles]
    kinds = np.full(whose.shape, NOTHING)
    colours = np.full(whose.shape, IGNORED)
    names, tones = list(KINDS), list(COLOURS)
    for row, scene in enumerate(scenes):
        for k, thing in enumerate(scene.things):
            kinds[row][(whose[row] & 15) == k + 1] = names.index(thing.kind)
            colours[row][whose[row] == k + 17] = tones.index(thing.colour)
    truth = {"kinds": torch.from_numpy(kinds), "colours": torch.from_numpy(colours)}
    for name, of in HEADS.items():
        said = [said_of(scene).get(name) for scene in scenes]
        truth[name] = torch.tensor(
            [of.index(word) if word is not None else IGNORED for word in said]
        )
    return truth


def said_of(scene: Scene) -> dict[str, str]:
    """What a scene says of its whole, by the names of the heads that it answers."""
    said = {"style": scene.style}
    behind = scene.backdrop
    if isinstance(behind, Plain):
        return said | {"place": "plain", "behind": behind.colour}
    if behind.place in ("space", "underwater"):
        return said | {"place": behind.place}
    return said | {"place": behind.place, "time": behind.time, "weather": behind.weather}


def rough(shown: torch.Tensor, dice: np.random.Generator) -> torch.Tensor:
    """Pictures a little blurred, faded and noisy: sharpness must not be what is gone by."""
    size = shown.shape[-1]
    if dice.random() < 0.6:
        small = int(dice.integers(size // 3, size))
        shown = interpolate(
            interpolate(shown, (small, small), mode="area"), (size, size), mode="bilinear"
        )
    noise = torch.randn_like(shown) * float(dice.uniform(0, 0.06))
    return shown * float(dice.uniform(0.9, 1.05)) + noise


def reduced(kept: Pictures) -> np.ndarray:
    """All pictures as small as the namer looks at them, in memory."""
    small = np.empty((kept.done, SIDE, SIDE, 3), np.uint8)
    for k in range(0, len(small), 64):
        part = torch.from_numpy(np.array(kept.store[k : k + 64])).permute(0, 3, 1, 2).float()
        seen = interpolate(part, (SIDE, SIDE), mode="area").round().byte()
        small[k : k + 64] = seen.permute(0, 2, 3, 1).numpy()[: len(small) - k]
    return small


def train_namer(folder: Path, *, size: int, batch: int, lr: float, minutes: float) -> None:
    """Teach the namer."""
    kept, namer = Pictures(folder, size), Namer()
    loop = Loop(folder, "namer", {"namer": namer}, Course(minutes, lr, 50, hold=0.3, decay=0.99))
    dice = np.random.default_rng(loop.step)
    small: np.ndarray | None = None
    rare = torch.ones(NOTHING + 1, device=loop.device)
    rare[NOTHING] = 0.15  # most places show nothing, and that is learnt at once
    for _ in loop.steps():
        small = reduced(kept) if small is None else small  # not where nothing is left to learn
        seeds = dice.choice(len(small), batch, replace=False)
        shown, whose = tensor(small[seeds]), kept.whose[seeds]
        truth = truth_of([imagine(int(s)) for s in seeds], whose)
        if dice.random() < 0.5:
            shown, truth = (
                shown.flip(3),
                {n: t.flip(2) if t.ndim == 3 else t for n, t in truth.items()},
            )
        with loop.half():
            said = namer(rough(shown, dice).to(loop.device))
        loss = sum(
            (3.0 if name in ("kinds", "colours") else 0.5)
            * cross_entropy(
                said[name].float(),
                truth[name].to(loop.device),
                weight=rare if name == "kinds" else None,
                ignore_index=IGNORED,
            )
            for name in said
            if bool((truth[name] != IGNORED).any())
        )
        loop.learn(loss)  # type: ignore[arg-type]


def namer_of(folder: Path) -> Namer:
    """The trained namer."""
    namer = Namer()
    namer.load_state_dict(averaged(folder, "namer", "namer"))
    return namer.eval()


@dataclass(frozen=True)
class Reading:
    """What the namer sees in a picture: the kind of each place (`NOTHING` where there is none),
    how much each place looks like each colour, and a word for each question about the whole.
    """

    kinds: np.ndarray
    colours: np.ndarray
    whole: dict[str, str]

    def areas(self) -> dict[str, int]:
        """The kinds seen and in how many places, the largest first."""
        counts = np.bincount(self.kinds.ravel(), minlength=NOTHING + 1)[:NOTHING]
        names = list(KINDS)
        return {names[k]: int(counts[k]) for k in counts.argsort()[::-1] if counts[k] >= 4}

    def mask(self, kind: str) -> np.ndarray:
        """Where a kind is."""
        return self.kinds == list(KINDS).index(kind)

    def colour(self, kind: str) -> str:
        """The colour that a kind has where it is."""
        there = self.mask(kind)
        if not there.any():
            return "nothing"
        return list(COLOURS)[int(self.colours[:, there].mean(1).argmax())]


@torch.no_grad()
def read(namer: Namer, pictures: list[Image.Image]) -> list[Reading]:
    """What the namer sees in pictures of one size."""
    readings = []
    for k in range(0, len(pictures), 32):
        shown = tensor(np.stack([np.asarray(p.convert("RGB")) for p in pictures[k : k + 32]]))
        said = namer(shown)
        kinds = said["kinds"].argmax(1).numpy()
        colours = said["colours"].softmax(1).numpy()
        for row in range(len(shown)):
            whole = {name: of[int(said[name][row].argmax())] for name, of in HEADS.items()}
            readings.append(Reading(kinds[row], colours[row], whole))
    return readings


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--size", type=int, default=192)
    words.add_argument("--batch", type=int, default=48)
    words.add_argument("--lr", type=float, default=2e-3)
    words.add_argument("--minutes", type=float, default=20)
    chosen = words.parse_args()
    torch.manual_seed(0)
    train_namer(
        chosen.folder, size=chosen.size, batch=chosen.batch, lr=chosen.lr, minutes=chosen.minutes
    )
