"""Every picture through the VAE's coder, once: the U-Net learns on latents, which are 48 times
smaller.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import vae as vae_stage
from accelerate import Accelerator
from data import Pictures, tensor
from growing import Growing
from loop import half_on

CHUNK = 1024


class Latents:
    """The latents of seeds 0 to `done`, as they come, brought to a spread of 1 by `scale`: the
    scenes' own, or what the U-Net made of them (`guesses.py`).
    """

    def __init__(self, folder: Path, size: int, name: str = "latents") -> None:
        self.growing = Growing(folder, name, size)
        self.growing.wait()
        self.store = np.load(folder / f"{name}-{size}.npy", mmap_mode="r")
        self.scale = scale_of(folder)

    @property
    def done(self) -> int:
        """How many there are by now."""
        return self.growing.done(len(self.store))

    def take(self, seeds: list[int]) -> torch.Tensor:
        """The scaled latents of seeds."""
        return torch.from_numpy(np.stack([self.store[s] for s in seeds])).float() * self.scale


def scale_of(folder: Path) -> float:
    """What brings this VAE's latents to a spread of 1."""
    return float((folder / "latents.scale").read_text())


def encode(folder: Path, *, size: int) -> None:
    """Fill the file chunk by chunk, as far as pictures are drawn; goes on where it was killed."""
    kept = Pictures(folder, size)
    device = Accelerator().device
    vae = vae_stage.trained(folder).to(device, memory_format=torch.channels_last)
    count, growing = len(kept.store), Growing(folder, "latents", size)
    done = growing.read()["done"]
    shape = (count, 4, size // 8, size // 8)
    path = folder / f"latents-{size}.npy"
    store = np.lib.format.open_memmap(path, "r+" if done else "w+", np.float16, shape)
    while done < count:
        stop = min(done + CHUNK, count)
        while kept.done < stop:
            time.sleep(5)
        with torch.no_grad(), half_on(device):
            for k in range(done, stop, 16):
                shown = tensor(kept.store[k : k + 16]).to(device, memory_format=torch.channels_last)
                store[k : k + 16] = vae.encode(shown).latent_dist.mode().float().cpu().numpy()
        store.flush()
        if not (folder / "latents.scale").exists():
            spread = float(store[:CHUNK].astype(np.float32).std())
            (folder / "latents.scale").write_text(str(round(1 / spread, 4)))
        done = stop
        growing.tell(done, count)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--size", type=int, default=192)
    said = words.parse_args()
    encode(said.folder, size=said.size)
