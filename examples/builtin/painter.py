"""The packaged file, drawn with by the program's own loader: what the judge and the companions'
checks hold the brush with. The only file of this folder that knows how the program is arranged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from data import EveryWord, Words, tensor, vocabulary
from diffusers import DPMSolverMultistepScheduler
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from unet import SCHEDULE

from sdcli.engine.build import build_modules
from sdcli.weights.checkpoint import identify_checkpoint


class Vectors(nn.Module):
    """A learnt word's vectors, spoken by the token embedding wherever `places` says. Row 0 stands
    in for the word.
    """

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = vectors
        self.places: list[int] = []

    def speak(
        self, layer: nn.Module, heard: tuple[torch.Tensor, ...], said: torch.Tensor
    ) -> torch.Tensor:
        """A hook for the token embedding."""
        said = said.clone()
        for row, place in enumerate(self.places):
            if place:
                said[row, place : place + len(self.vectors)] = self.vectors.to(said.dtype)
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
        rows = [*head, *([0] * len(vectors.vectors) if at else []), *tail]
        vectors.places.append(len(head) if at else 0)
        table[k, : len(rows)] = torch.tensor(rows)
    return table


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
        vectors = Vectors(load_file(embedding)["emb_params"])
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
        starts: list[Image.Image] | None = None,
        strength: float = 1.0,
        read: torch.Tensor | None = None,
    ) -> list[Image.Image]:
        """A picture for each prompt and seed; of `starts`, each begins with its own."""
        drawn: list[Image.Image] = []
        for k in range(0, len(prompts), 8):
            some = slice(k, k + 8)
            drawn += self._draw(
                self.read(prompts[some]) if read is None else read[some],
                self.read([negative] * len(prompts[some])),
                seeds[some],
                steps=steps or self.steps,
                cfg=self.cfg if cfg is None else cfg,
                starts=starts[some] if starts else None,
                strength=strength,
            )
        return drawn

    def _draw(
        self,
        asked: torch.Tensor,
        unasked: torch.Tensor,
        seeds: list[int],
        *,
        steps: int,
        cfg: float,
        starts: list[Image.Image] | None,
        strength: float,
    ) -> list[Image.Image]:
        scheduler = DPMSolverMultistepScheduler(**SCHEDULE, use_karras_sigmas=True)
        scheduler.set_timesteps(steps)
        side = self.size // 8
        dice = [torch.Generator().manual_seed(s) for s in seeds]
        z = torch.cat([torch.randn(1, 4, side, side, generator=g) for g in dice])
        times = scheduler.timesteps
        if starts:
            first = steps - int(steps * strength)
            shown = tensor(np.stack([np.asarray(p) for p in starts]))
            clean = self.vae.encode(shown).latent_dist.mode() * self.scale
            times = times[first:]
            z = scheduler.add_noise(clean, z, times[:1].expand(len(z)))
            scheduler.set_begin_index(first)
        both = torch.cat([unasked, asked])
        for t in times:
            if cfg == 1:
                guess = self.unet(z, t, encoder_hidden_states=asked).sample
            else:
                pair = self.unet(torch.cat([z, z]), t, encoder_hidden_states=both).sample
                nothing, wanted = pair.chunk(2)
                guess = nothing + cfg * (wanted - nothing)
            z = scheduler.step(guess, t, z).prev_sample
        pixels = self.vae.decode(z / self.scale).sample.add(1).mul(127.5).clamp(0, 255).round()
        return [Image.fromarray(p) for p in pixels.byte().permute(0, 2, 3, 1).numpy()]

    @torch.no_grad()
    def redrawn(self, shown: list[Image.Image]) -> list[Image.Image]:
        """Pictures through the VAE and back."""
        back = []
        for picture in shown:
            z = self.vae.encode(tensor(np.asarray(picture)[None])).latent_dist.mode()
            pixels = self.vae.decode(z).sample.add(1).mul(127.5).clamp(0, 255).round().byte()
            back.append(Image.fromarray(pixels[0].permute(1, 2, 0).numpy()))
        return back
