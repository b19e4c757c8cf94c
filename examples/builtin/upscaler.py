"""The upscaler: a small picture of the built-in model becomes four times larger, and sharp.

A scene is a drawing of smooth shapes, so that its truth at four times the size need not be
guessed: it is drawn. The small picture is the same drawing, four times reduced and sent through the
packaged VAE, none, one or two times, which softens it as the model's own pictures are soft. Between
the two a network of Real-ESRGAN's compact shape learns what a VAE takes away.

A pixel of pixel art is four times as large in a picture four times as large, so there the small
picture's pixels are the truth; hatched styles, whose strokes are told in pixels, are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, tensor
from diffusers import AutoencoderKL
from export import ASSETS
from loop import Course, Loop
from painter import Painter
from PIL import Image
from safetensors.torch import save_file
from scenes import draw, imagine, sheet
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, l1_loss, pixel_unshuffle
from vae import sharpness

from sdcli.engine.build import build_vae
from sdcli.engine.upscaler_networks import Srvgg
from sdcli.weights.checkpoint import identify_checkpoint

SCALE, WIDTH, LAYERS = 4, 64, 6
SLOPE = 0.25  # of its rectifiers, as torch begins them
HATCHED, PIXELLED = ("pencil", "woodcut"), "pixel art"
TRIPS = (0.15, 0.7, 0.15)
"""How often the small picture goes through the VAE: not at all, once, twice."""
UNSEEN = 24
HERE = Path(__file__).parent
PROMPTS = [
    "a red house by the sea at night",
    "a yellow mushroom in a meadow by day",
    "a blue car on the beach at sunset",
    "a green cup on an orange background",
]
PLACES = 4  # that are looked at for a crop
FITTED = 150  # lessons that the last layer is fitted to


def truth_of(seed: int, size: int) -> Image.Image | None:
    """A scene, as it is at four times the side; None where its style has no such thing."""
    scene = imagine(seed)
    if scene.style in HATCHED:
        return None
    if scene.style == PIXELLED:
        small = draw(scene, size)
        return small.resize((SCALE * size, SCALE * size), Image.Resampling.NEAREST)
    return draw(scene, SCALE * size)


@torch.no_grad()
def softened(vae: AutoencoderKL, shown: torch.Tensor, trips: int) -> torch.Tensor:
    """Pictures that went through the VAE so many times."""
    for _ in range(trips):
        shown = vae.decode(vae.encode(shown).latent_dist.mode()).sample.clamp(-1, 1)
    return shown


class Pairs:
    """Small pictures and their truths, drawn once and kept in the folder."""

    def __init__(self, folder: Path, name: str, count: int, size: int) -> None:
        self.size, self.about = size, folder / f"upscaler-{name}.json"
        shapes = {"truth": SCALE * size, "small": size}
        fresh = not self.about.exists()
        self.truth, self.small = (
            np.lib.format.open_memmap(
                folder / f"upscaler-{name}-{part}.npy",
                "w+" if fresh else "r+", np.uint8, (count, side, side, 3),
            )
            for part, side in shapes.items()
        )  # fmt: skip
        self.done, self.seed = (0, 0) if fresh else json.loads(self.about.read_text())

    def draw(self, vae: AutoencoderKL, start: int, trips: tuple[float, ...]) -> None:
        """Draw what is missing; goes on where it was killed."""
        while self.done < len(self.truth):
            seed, self.seed = start + self.seed, self.seed + 1
            truth = truth_of(seed, self.size)
            if truth is None:
                continue
            small = tensor(np.asarray(truth.reduce(SCALE))[None])
            times = int(np.random.default_rng(seed).choice(len(trips), p=trips))
            self.truth[self.done] = np.asarray(truth)
            self.small[self.done] = as_bytes(softened(vae, small, times))[0]
            self.done += 1
            self.about.write_text(json.dumps([self.done, self.seed]))
            if self.done % 32 == 0:
                print(f"{self.about.stem}: {self.done} of {len(self.truth)}", flush=True)

    def lesson(self, dice: np.random.Generator, batch: int, side: int) -> list[torch.Tensor]:
        """Crops of small pictures and of their truths, turned and mirrored alike, in 0 to 1."""
        small, truth = [], []
        for row in dice.integers(0, self.done, batch):
            y, x = self._place(row, dice, side)
            turn, mirror = int(dice.integers(4)), 1 - 2 * int(dice.integers(2))
            for found, store, by in ((small, self.small, 1), (truth, self.truth, SCALE)):
                crop = store[row, y * by : (y + side) * by, x * by : (x + side) * by]
                found.append(np.rot90(crop, turn)[:, ::mirror])
        return [tensor(np.stack(crops)).add(1).div(2) for crops in (small, truth)]

    def _place(self, row: int, dice: np.random.Generator, side: int) -> tuple[int, int]:
        """Of some places the one with most to see: of a plain sky there is nothing to learn."""
        places = [tuple(map(int, dice.integers(0, self.size - side + 1, 2))) for _ in range(PLACES)]
        picture = self.small[row].mean(2)
        return max(places, key=lambda at: picture[at[0] : at[0] + side, at[1] : at[1] + side].std())


def untrained() -> Srvgg:
    """The network at its start: a pixel's nine neighbours in three colours, each as it is and turned
    over, so that together they pass the rectifiers unchanged; a few channels that see at random; and
    layers that hand on what they get.
    """
    network = Srvgg(WIDTH, LAYERS, SCALE)
    first, *middle, last = (part for part in network.body if isinstance(part, nn.Conv2d))
    with torch.no_grad():
        for layer in (first, *middle, last):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)
        taps = torch.eye(27).view(27, 3, 3, 3)
        first.weight[:54] = torch.stack((taps, -taps), 1).view(54, 3, 3, 3)
        for layer in middle:
            layer.weight.mul_(0.1).add_(nn.init.dirac_(torch.empty_like(layer.weight)))
        last.weight.zero_()
    return network


@torch.no_grad()
def fit_last(network: Srvgg, pairs: Pairs, dice: np.random.Generator) -> None:
    """Give the last layer its best weights for what the others hand it: a problem in least squares,
    whose answer needs no steps. What is left to learn is what no weighted sum of neighbours can do.
    """
    last = network.body[-1]
    size = 9 * WIDTH + 1
    square, right = torch.zeros(size, size).double(), torch.zeros(size, 3 * SCALE**2).double()
    for _ in range(FITTED):
        small, truth = pairs.lesson(dice, 8, 32)
        seen = nn.functional.unfold(network.body[:-1](small), 3, padding=1)
        rows = seen.transpose(1, 2).reshape(-1, size - 1)
        rows = torch.cat((rows, torch.ones(len(rows), 1)), 1).double()
        lacking = pixel_unshuffle(truth - interpolate(small, scale_factor=SCALE), SCALE)
        square += rows.T @ rows
        right += rows.T @ lacking.flatten(2).transpose(1, 2).reshape(len(rows), -1).double()
    damped = square + 1e-6 * square.diagonal().mean() * torch.eye(size)
    found = torch.linalg.solve(damped, right).float()
    last.weight.copy_(found[:-1].T.view_as(last.weight))
    last.bias.copy_(found[-1])


def details(picture: torch.Tensor) -> torch.Tensor:
    """What a picture has beyond its own small version."""
    return picture - interpolate(avg_pool2d(picture, SCALE), scale_factor=SCALE, mode="bilinear")


def loss_of(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """How far off a picture is, most of all in its details: a VAE's wrong colours nobody can know.
    By L1, since of where an edge is nobody can be sure, and the median of sharp guesses is sharp.
    """
    return l1_loss(found, truth) + 4 * l1_loss(details(found), details(truth))


def as_bytes(pictures: torch.Tensor) -> np.ndarray:
    """Pictures in -1 to 1 as bytes [n, h, w, 3]."""
    return pictures.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def resized(pictures: np.ndarray, side: int) -> np.ndarray:
    """Pictures by Lanczos, to another side."""
    shown = (Image.fromarray(p).resize((side, side), Image.Resampling.LANCZOS) for p in pictures)
    return np.stack([np.asarray(p) for p in shown])


def decibels(found: np.ndarray, truth: np.ndarray) -> float:
    """The mean peak signal-to-noise ratio."""
    errors = ((found.astype(np.float64) - truth) / 255) ** 2
    return float((-10 * np.log10(errors.mean((1, 2, 3)))).mean())


@torch.no_grad()
def exam(network: Srvgg, pairs: Pairs) -> dict[str, float]:
    """Against the truth at four times the side and at two: the network's pictures, and Lanczos'."""
    small, truth = np.array(pairs.small), np.array(pairs.truth)
    shown = tensor(small).add(1).div(2)
    large = as_bytes(torch.cat([network(p) for p in shown.split(1)]).mul(2).sub(1))
    half = np.stack([np.asarray(Image.fromarray(p).reduce(2)) for p in truth])
    plain = resized(small, SCALE * pairs.size)
    found = {
        "x4": decibels(large, truth),
        "lanczos-x4": decibels(plain, truth),
        "x2": decibels(resized(large, 2 * pairs.size), half),
        "lanczos-x2": decibels(resized(small, 2 * pairs.size), half),
        "edges": sharpness(tensor(large), tensor(truth)),
        "lanczos-edges": sharpness(tensor(plain), tensor(truth)),
    }
    return {name: round(value, 3) for name, value in found.items()}


def train(folder: Path, out: Path, how: argparse.Namespace) -> None:
    """The stage, and the file in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    vae = build_vae(identify_checkpoint(how.model))
    pairs = Pairs(folder, "pairs", how.count, how.size)
    unseen = Pairs(folder, "unseen", UNSEEN, how.size)
    unseen.draw(vae, HELD_OUT, (0, 1))
    pairs.draw(vae, 0, TRIPS)
    network, dice = untrained(), np.random.default_rng(0)
    if not (folder / "upscaler.pt").exists():
        fit_last(network, pairs, dice)
        print(exam(network, unseen), flush=True)
    course = Course(how.minutes, how.lr, 100, hold=0.3, decay=0.998, weight_decay=0.0)
    loop = Loop(folder, "upscaler", {"network": network}, course)
    dice = np.random.default_rng(loop.step)
    for step in loop.steps():
        small, truth = (p.to(loop.device) for p in pairs.lesson(dice, how.batch, how.side))
        with loop.half():
            found = network(small)
        loop.learn(loss_of(found.float(), truth))
        if step % 500 == 499:
            average = Srvgg(WIDTH, LAYERS, SCALE)
            average.load_state_dict(loop.averaged("network"))
            loop.note(exam(average, unseen))
            write(average, folder / "upscaler.safetensors", {})
    network.load_state_dict(loop.averaged("network"))
    finish(network.cpu(), unseen, out, how.model)


def finish(network: Srvgg, unseen: Pairs, out: Path, model: Path) -> None:
    """The file, how good it is, and a sheet of the model's own pictures."""
    measured = exam(network, unseen)
    print(measured)
    write(network, out, measured)
    look(network, model, HERE / "upscaler.png")


@torch.no_grad()
def look(network: Srvgg, model: Path, path: Path) -> None:
    """A sheet: the middles of pictures that the model draws, by Lanczos and, below, by the network."""
    small = np.stack([np.asarray(p) for p in Painter(model).draw(PROMPTS, [*range(len(PROMPTS))])])
    large = as_bytes(network(tensor(small).add(1).div(2)).mul(2).sub(1))
    size = small.shape[1]
    rows = (*resized(small, SCALE * size), *large)
    part = slice(size, 3 * size)
    shown = [Image.fromarray(np.ascontiguousarray(picture[part, part])) for picture in rows]
    sheet(shown, len(PROMPTS)).save(path, optimize=True)


def write(network: Srvgg, out: Path, measured: dict[str, float]) -> None:
    """The file, under the names that Real-ESRGAN's compact networks have."""
    halves = {name: p.detach().half().contiguous() for name, p in network.state_dict().items()}
    about = {"name": "builtin:upscaler", "scale": SCALE, "decibels": measured}
    header = {"format": "pt", "sdcli": json.dumps(about), "modelspec.license": "Apache-2.0"}
    save_file(halves, out, header)
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / "builtin-upscaler.safetensors")
    said.add_argument("--model", type=Path, default=ASSETS / "builtin.safetensors")
    said.add_argument("--size", type=int, default=192, help="of the pictures that the model draws")
    said.add_argument("--count", type=int, default=512)
    said.add_argument("--batch", type=int, default=8)
    said.add_argument("--side", type=int, default=32, help="of the small crops")
    said.add_argument("--lr", type=float, default=1e-3)
    said.add_argument("--minutes", type=float, default=50)
    torch.manual_seed(0)
    chosen = said.parse_args()
    train(chosen.folder, chosen.out, chosen)
