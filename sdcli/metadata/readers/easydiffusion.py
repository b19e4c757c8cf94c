"""Easy Diffusion: a PNG text for each setting, or one JSON comment, under names of two kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_list,
    as_text,
    parse_json_object,
)

# Their name for the machine, their name for people, and ours for the number.
_NUMBERS = (
    ("seed", "Seed", "seed"),
    ("num_inference_steps", "Steps", "steps"),
    ("guidance_scale", "Guidance Scale", "cfg"),
)


def read_easydiffusion(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The settings of a picture by Easy Diffusion."""
    data: Mapping[str, Any] = parse_json_object(texts.get("UserComment")) or texts
    if not {"num_inference_steps", "Guidance Scale"} & set(data):
        return None

    def said(machine: str, people: str) -> Any:
        return data.get(machine, data.get(people))

    draft = ForeignPictureBuilder("Easy Diffusion")
    draft.values["rng"] = "nv"
    draft.set_prompts(said("prompt", "Prompt"), said("negative_prompt", "Negative Prompt"))
    draft.set_sampler(said("sampler_name", "Sampler"), said("scheduler_name", "Scheduler"))
    for machine, people, name in _NUMBERS:
        draft.set_number(name, said(machine, people))
    draft.set_size(said("width", "Width"), said("height", "Height"))
    draft.set_model(said("use_stable_diffusion_model", "Stable Diffusion model"))
    draft.set_model(said("use_vae_model", "VAE model"), kind="vae")
    if as_text(said("clip_skip", "Clip Skip")).lower() == "true" or said("clip_skip", "") is True:
        draft.set_number("clip_skip", 2)
    _read_loras(draft, said("use_lora_model", "LoRA model"), said("lora_alpha", "LoRA Strength"))
    for machine, people in (
        ("use_upscale", "Use Upscaling"),
        ("use_face_correction", "Use Face Correction"),
    ):
        if as_text(said(machine, people)) not in ("", "None", "null", "False"):
            draft.note_difference(f"it was worked over afterwards ({people.lower()})")
    if said("prompt_strength", "Prompt Strength") and said("init_image", "Initial Image"):
        draft.set_start_strength(said("prompt_strength", "Prompt Strength"))
    return draft.build()


def _read_loras(draft: ForeignPictureBuilder, names: Any, weights: Any) -> None:
    several = as_list(names) or [names]
    strengths = as_list(weights) or [weights]
    for n, name in enumerate(several):
        if as_text(name) not in ("", "None", "null"):
            draft.add_lora(name, strengths[n] if n < len(strengths) else 1)
