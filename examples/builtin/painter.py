"""The packaged file, drawn with by the program's own loader: what the judge and the companions'
checks hold the brush with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from data import EveryWord, tensor, vocabulary
from diffusers import DPMSolverMultistepScheduler
from embedding import Vectors, spoken
from PIL import Image
from safetensors.torch import load_file
from unet import SCHEDULE

from sdcli.engine.build import build_modules
from sdcli.weights.checkpoint import identify_checkpoint


class Painter:
    """Draws many prompts at once, each from its own seed."""

    def __init__(self, model: Path) -> None:
        checkpoint = identify_checkpoint(model)
        self.size, self.steps, self.cfg = checkpoint.size, checkpoint.steps, checkpoint.cfg
        self.scale = checkpoint.vae_scale
        made = build_modules(checkpoint)
        self.unet, self.vae, self.text = made.unet.eval(), made.vae.eval(), made.text_encoder.eval()
        self.words = EveryWord(vocabulary())

    @torch.no_grad()
    def read(self, prompts: list[str]) -> torch.Tensor:
        """What the text encoder makes of prompts."""
        return self.text(input_ids=self.words.rows(prompts)).last_hidden_state

    @torch.no_grad()
    def read_with(self, prompts: list[str], embedding: Path) -> torch.Tensor:
        """The same, with a learnt word wherever a prompt has `@`."""
        learnt = load_file(embedding)["emb_params"]
        vectors = Vectors(learnt.shape[1])
        vectors.load_state_dict({"vectors": learnt})
        hook = self.text.get_input_embeddings().register_forward_hook(vectors.speak)
        try:
            return self.text(input_ids=spoken(self.words, prompts, vectors)).last_hidden_state
        finally:
            hook.remove()

    @contextmanager
    def wearing(self, lora: Path) -> Iterator[None]:
        """With a LoRA added to the U-Net's weights, until the block ends."""
        learnt, kept = load_file(lora), {}
        with torch.no_grad():
            for name, layer in self.unet.named_modules():
                key = f"lora_unet_{name.replace('.', '_')}"
                if f"{key}.alpha" in learnt:
                    down, up = (
                        learnt[f"{key}.lora_{side}.weight"].float() for side in ("down", "up")
                    )
                    scale = float(learnt[f"{key}.alpha"]) / down.shape[0]
                    kept[name] = layer.weight.clone()
                    layer.weight += scale * (up.flatten(1) @ down.flatten(1)).view(
                        layer.weight.shape
                    )
            yield
            for name, weight in kept.items():
                self.unet.get_submodule(name).weight.copy_(weight)

    @torch.no_grad()
    def draw(
        self,
        prompts: list[str],
        seeds: list[int],
        *,
        steps: int | None = None,
        cfg: float | None = None,
        negative: str = "",
        start: Image.Image | None = None,
        strength: float = 1.0,
        read: torch.Tensor | None = None,
    ) -> list[Image.Image]:
        """A picture for each prompt and seed."""
        drawn: list[Image.Image] = []
        for k in range(0, len(prompts), 16):
            some = slice(k, k + 16)
            asked = self.read(prompts[some]) if read is None else read[some]
            drawn += self._draw(
                asked,
                seeds[some],
                steps or self.steps,
                self.cfg if cfg is None else cfg,
                negative,
                start,
                strength,
            )
        return drawn

    def _draw(
        self,
        asked: torch.Tensor,
        seeds: list[int],
        steps: int,
        cfg: float,
        negative: str,
        start: Image.Image | None,
        strength: float,
    ) -> list[Image.Image]:
        scheduler = DPMSolverMultistepScheduler(**SCHEDULE, use_karras_sigmas=True)
        scheduler.set_timesteps(steps)
        side = self.size // 8
        z = torch.cat(
            [
                torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(s))
                for s in seeds
            ]
        )
        times = scheduler.timesteps
        if start is not None:
            times = times[steps - int(steps * strength) :]
            clean = self.vae.encode(tensor(np.asarray(start)[None])).latent_dist.mode() * self.scale
            z = scheduler.add_noise(clean.expand(len(z), -1, -1, -1), z, times[:1].expand(len(z)))
            scheduler.set_begin_index(steps - int(steps * strength))
        both = torch.cat([self.read([negative] * len(seeds)), asked])
        for t in times:
            if cfg == 1:
                guess = self.unet(z, t, encoder_hidden_states=asked).sample
            else:
                nothing, wanted = self.unet(
                    torch.cat([z, z]), t, encoder_hidden_states=both
                ).sample.chunk(2)
                guess = nothing + cfg * (wanted - nothing)
            z = scheduler.step(guess, t, z).prev_sample
        pixels = (
            self.vae.decode(z / self.scale).sample.add(1).mul(127.5).clamp(0, 255).round().byte()
        )
        return [Image.fromarray(p) for p in pixels.permute(0, 2, 3, 1).numpy()]

    @torch.no_grad()
    def decibels(self, shown: list[Image.Image]) -> float:
        """The mean peak signal-to-noise ratio of pictures through the VAE and back."""
        found = []
        for picture in shown:
            x = tensor(np.asarray(picture)[None])
            back = self.vae.decode(self.vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
            found.append(float(-10 * ((back - x) / 2).pow(2).mean().log10()))
        return float(np.mean(found))
