"""What the U-Net makes of latents that were hidden from it: what the decoder is to learn from.

A small U-Net knows where a window is and bends its frame. The decoder sees more of a picture at
once and draws only once, so it can straighten what it is given; but it has to see such latents, and
noise is not like them. Here every scene's latent is hidden a little, some less and some more, and
found again by the U-Net in a few steps under guidance, as when it draws. `decoder.py` learns to see
the scene in that.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import latents
import numpy as np
import torch
import unet as unet_stage
from accelerate import Accelerator
from captions import describe
from data import Words, vocabulary
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from growing import Growing
from loop import half_on
from scenes import imagine

NAME = "guesses"
HIDDEN = (0.3, 1.6)
"""The sigmas at which latents are given, from the least to the most."""
WAY = (1.0, 0.6, 0.33, 0.15, 0.0)
"""The steps back, in shares of that."""
GUIDED = (1.0, 7.0)
"""The guidance scales, from the least to the most."""
BATCH, CHUNK = 32, 512


@torch.no_grad()
def guessed(
    unet: UNet2DConditionModel,
    levels: unet_stage.Noise,
    clean: torch.Tensor,
    nothing: torch.Tensor,
    asked: torch.Tensor,
) -> torch.Tensor:
    """Those latents, hidden and found again by steps of Euler's, each from its own sigma."""
    device, many = clean.device, (len(clean), 1, 1, 1)
    low, high = np.log(HIDDEN)
    most = torch.exp(low + (high - low) * torch.rand(many, device=device))
    scale = GUIDED[0] + (GUIDED[1] - GUIDED[0]) * torch.rand(many, device=device)
    known = levels.noise / levels.signal
    found = clean + most * torch.randn_like(clean)
    for now, after in zip(WAY[:-1], WAY[1:], strict=True):
        sigma = now * most
        signal = (1 + sigma.pow(2)).rsqrt()
        times = torch.searchsorted(known, sigma.flatten()).clamp(max=len(known) - 1)
        with half_on(device):
            velocity = unet(
                (signal * found).repeat(2, 1, 1, 1),
                times.repeat(2),
                encoder_hidden_states=torch.cat([nothing, asked]),
            ).sample.float()
        unasked, wanted = velocity.chunk(2)
        velocity = unasked + scale * (wanted - unasked)
        whole = signal * (signal * found - sigma * velocity)
        found = whole + (found - whole) * after / now
    return found


def guess(folder: Path, *, size: int, count: int) -> None:
    """Fill the file chunk by chunk; goes on where it was killed, and begins anew when the U-Net has
    learnt since.
    """
    device = Accelerator().device
    store, words = latents.Latents(folder, size), Words(vocabulary())
    unet, text = (m.to(device) for m in unet_stage.trained(folder, words, size=size))
    if device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())
    levels, dice = unet_stage.Noise(device), random.Random()
    count = min(count, store.done)
    growing = Growing(folder, NAME, size)
    step = torch.load(folder / "unet.pt", map_location="cpu", weights_only=True)["step"]
    before = growing.read()
    done = before["done"] if (before.get("step"), before.get("count")) == (step, count) else 0
    kept = np.lib.format.open_memmap(
        folder / f"{NAME}-{size}.npy", "r+" if done else "w+", np.float16,
        (count, *store.store.shape[1:]),
    )  # fmt: skip
    while done < count:
        stop = min(done + CHUNK, count)
        for start in range(done, stop, BATCH):
            seeds = list(range(start, min(start + BATCH, stop)))
            said = [describe(imagine(seed), dice) for seed in seeds]
            with torch.no_grad(), half_on(device):
                nothing, asked = (
                    text(input_ids=words.rows(rows).to(device)).last_hidden_state
                    for rows in ([""] * len(seeds), said)
                )
            found = guessed(unet, levels, store.take(seeds).to(device), nothing, asked)
            kept[seeds[0] : seeds[-1] + 1] = (found / store.scale).cpu().numpy()
        kept.flush()
        done = stop
        growing.tell(done, count, step=step)


if __name__ == "__main__":
    chosen = argparse.ArgumentParser(description=__doc__)
    chosen.add_argument("--folder", type=Path, default=Path("run"))
    chosen.add_argument("--size", type=int, default=192)
    chosen.add_argument("--count", type=int, default=12288)
    said = chosen.parse_args()
    guess(said.folder, size=said.size, count=said.count)
