"""Every picture through the VAE's encoder, once: the U-Net learns on latents, which are 48 times
smaller.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import vae as vae_stage
from accelerate import Accelerator
from data import pictures, tensor

CHUNK = 1024


def encode(folder: Path, *, count: int, size: int) -> None:
    """Fill `latents.npy`, chunk by chunk; `latents.json` says how many are there, and their scale.

    The U-Net may start on the first chunks while the rest are being encoded. Goes on where it was
    killed.
    """
    store = pictures(folder, count, size)
    device = Accelerator().device
    vae = vae_stage.trained(folder).to(device, memory_format=torch.channels_last)
    path, about = folder / "latents.npy", folder / "latents.json"
    known = json.loads(about.read_text()) if about.exists() else {"done": 0, "scale": 0.0}
    shape = (count, 4, size // 8, size // 8)
    kept = np.lib.format.open_memmap(path, "r+" if known["done"] else "w+", np.float16, shape)
    while known["done"] < count:
        start = known["done"]
        with torch.no_grad():
            for k in range(start, min(start + CHUNK, count), 16):
                shown = tensor(store[k : k + 16]).to(device, memory_format=torch.channels_last)
                kept[k : k + 16] = vae.encode(shown).latent_dist.mode().cpu().numpy()
        kept.flush()
        if not known["scale"]:
            known["scale"] = round(1 / float(kept[:CHUNK].astype(np.float32).std()), 4)
        known["done"] = min(start + CHUNK, count)
        part = about.with_suffix(".part")
        part.write_text(json.dumps(known))
        part.rename(about)
        print(f"latents {known['done']} of {count}, scale {known['scale']}", flush=True)


def wait(folder: Path) -> dict[str, float]:
    """What `latents.json` says, once there is a first chunk."""
    while not (folder / "latents.json").exists():
        time.sleep(2)
    return json.loads((folder / "latents.json").read_text())


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--count", type=int, default=24576)
    words.add_argument("--size", type=int, default=128)
    said = words.parse_args()
    encode(said.folder, count=said.count, size=said.size)
