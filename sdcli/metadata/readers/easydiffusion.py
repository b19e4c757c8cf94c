"""Easy Diffusion: a PNG text for each setting, or one JSON comment, under names of two kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import Draft, Found, Size, items, json_object, text

# Their name for the machine, their name for people, and ours for the number.
_NUMBERS = (
    ("seed", "Seed", "seed"),
    ("num_inference_steps", "Steps", "steps"),
    ("guidance_scale", "Guidance Scale", "cfg"),
)


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The settings of a picture by Easy Diffusion."""
    data: Mapping[str, Any] = json_object(texts.get("UserComment")) or texts
    if not {"num_inference_steps", "Guidance Scale"} & set(data):
        return None

    def said(machine: str, people: str) -> Any:
        return data.get(machine, data.get(people))

    draft = Draft("Easy Diffusion")
    draft.said["rng"] = "nv"
    draft.words(said("prompt", "Prompt"), said("negative_prompt", "Negative Prompt"))
    draft.sampler(said("sampler_name", "Sampler"), said("scheduler_name", "Scheduler"))
    for machine, people, name in _NUMBERS:
        draft.set(name, said(machine, people))
    draft.size(said("width", "Width"), said("height", "Height"))
    draft.model(said("use_stable_diffusion_model", "Stable Diffusion model"))
    draft.model(said("use_vae_model", "VAE model"), kind="vae")
    if text(said("clip_skip", "Clip Skip")).lower() == "true" or said("clip_skip", "") is True:
        draft.set("clip_skip", 2)
    _loras(draft, said("use_lora_model", "LoRA model"), said("lora_alpha", "LoRA Strength"))
    for machine, people in (
        ("use_upscale", "Use Upscaling"),
        ("use_face_correction", "Use Face Correction"),
    ):
        if text(said(machine, people)) not in ("", "None", "null", "False"):
            draft.differs(f"it was worked over afterwards ({people.lower()})")
    if said("prompt_strength", "Prompt Strength") and said("init_image", "Initial Image"):
        draft.started_from(said("prompt_strength", "Prompt Strength"))
    return draft.done()


def _loras(draft: Draft, names: Any, weights: Any) -> None:
    several = items(names) or [names]
    strengths = items(weights) or [weights]
    for n, name in enumerate(several):
        if text(name) not in ("", "None", "null"):
            draft.lora(name, strengths[n] if n < len(strengths) else 1)
