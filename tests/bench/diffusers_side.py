"""Trained files worn by diffusers: its own pipeline, `load_lora_weights` (which is peft) and
`load_textual_inversion`, on the modules of our loader, so that what is compared is the wearing.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from PIL import Image
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from sdcli.engine.packed_module import restore_modules
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.plan import Plan
from sdcli.prompts.tokenizer import VOCABULARY_FILE


def build_diffusers_pipeline(pipe: Pipeline, tokenizer: Any = None) -> Any:
    """diffusers' own pipeline of SD 1.x around our modules, with Euler as A1111 has it."""
    theirs: Any = StableDiffusionPipeline(
        vae=pipe.vae, text_encoder=pipe.text_encoder, tokenizer=tokenizer, unet=pipe.unet,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
            timestep_spacing="linspace", steps_offset=1,
        ),
    )  # fmt: skip
    theirs.set_progress_bar_config(disable=True)
    return theirs


def draw_by_diffusers(plan: Plan, lora: Path | None, word: Path | None) -> Image.Image:
    """The plan's picture of SD 1.x, with a file worn as diffusers wears it."""
    pipe = Session().load(plan, SilentListener()).pipe
    restore_modules(pipe.unet), restore_modules(pipe.vae)
    theirs = build_diffusers_pipeline(pipe, _tokenizer())
    if lora:
        theirs.load_lora_weights(str(lora.parent), weight_name=lora.name)
    if word:
        theirs.load_textual_inversion(str(word), token=word.stem)
    return theirs(
        plan.prompt, negative_prompt=plan.negative, guidance_scale=plan.cfg, width=plan.width,
        height=plan.height, num_inference_steps=plan.steps,
        generator=torch.Generator().manual_seed(plan.seed),
    ).images[0]  # fmt: skip


def _tokenizer() -> Any:
    """transformers' own, from the vocabulary file alone."""
    letters = list(bytes_to_unicode().values())
    lines = gzip.decompress(VOCABULARY_FILE.read_bytes()).decode().split("\n")[1:48895]
    merges = [(first, second) for first, _, second in (line.partition(" ") for line in lines)]
    names = letters + [f"{one}</w>" for one in letters] + ["".join(pair) for pair in merges]
    names += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {name: number for number, name in enumerate(names)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
