"""InvokeAI's three generations: a command line (`Dream`), `sd-metadata`, `invokeai_metadata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_list,
    as_number,
    as_text,
    nested_value,
    parse_json_object,
)
from sdcli.prompts.compel import translate_compel
from sdcli.prompts.escape import escape_a1111, shield_end

_NEGATIVE = re.compile(r"\[([^\[\]]*)\]")
_DREAM = re.compile(r'^\s*"((?:\\.|[^"\\])*)"(.*)$', re.S)
_FLAG = re.compile(r"\s-{1,2}(\w+)(?:[ =]([^\s-]\S*))?")


def read_invokeai(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The newest of the three that the picture carries."""
    if newest := parse_json_object(texts.get("invokeai_metadata")):
        return _read_invokeai_metadata(newest)
    if older := parse_json_object(texts.get("sd-metadata")):
        return _read_sd_metadata(older)
    return _read_dream(texts["Dream"]) if "Dream" in texts else None


def _read_invokeai_metadata(data: dict[str, Any]) -> ForeignPicture:
    draft = _begin()
    draft.set_prompts(data.get("positive_prompt"), data.get("negative_prompt"))
    draft.set_sampler(data.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("cfg", "cfg_scale"), ("seed", "seed")):
        draft.set_number(name, data.get(theirs))
    draft.set_size(data.get("width"), data.get("height"))
    _read_model(draft, data.get("model"), "model")
    _read_model(draft, data.get("vae"), "vae")
    if skipped := as_number(data.get("clip_skip")):
        draft.set_number("clip_skip", skipped + 1)  # they count the layers left out
    for lora in as_list(data.get("loras")):
        model = nested_value(lora, "model") or nested_value(lora, "lora")
        name = nested_value(model, "name") or nested_value(model, "model_name")
        draft.add_lora(
            name, nested_value(lora, "weight"), short=_comparable_hash(nested_value(model, "hash"))
        )
    if data.get("rand_device") not in ("cpu", None):
        draft.values["rng"] = "nv"
    for name, why in _THIRD_ODDITIES:
        if data.get(name) not in (None, "", 0, 0.0, [], False):
            draft.note_difference(why)
    if "img2img" in as_text(data.get("generation_mode")) or "init_image" in data:
        draft.set_start_strength(data.get("strength"))
    return _finish(draft)


_THIRD_ODDITIES = (
    ("ipAdapters", "it followed another picture (IP-Adapter) that it does not carry"),
    ("controlnets", "it followed a ControlNet with a map that it does not carry"),
    ("t2iAdapters", "it followed a T2I adapter with a map that it does not carry"),
    ("cfg_rescale_multiplier", "its guidance was rescaled, which is not done here"),
    ("positive_style_prompt", "the second text encoder was given words of its own"),
    ("negative_style_prompt", "the second text encoder was given unwanted words of its own"),
    ("refiner_model", "it was finished by a refiner, which is not done here"),
    ("hrf_enabled", "it was enlarged and drawn over (high-res fix), which is not done here"),
    ("seamless_x", "it was drawn to repeat without seams, which is not done here"),
    ("seamless_y", "it was drawn to repeat without seams, which is not done here"),
)


def _read_sd_metadata(data: dict[str, Any]) -> ForeignPicture:
    draft = _begin()
    image = nested_value(data, "image")
    prompts = nested_value(image, "prompt")
    words = (
        prompts
        if isinstance(prompts, str)
        else [nested_value(p, "prompt") for p in as_list(prompts)]
    )
    joined = words if isinstance(words, str) else " ".join(as_text(word) for word in words)
    draft.set_prompts(*_split_negative(joined))
    draft.set_sampler(nested_value(image, "sampler"))
    for name, theirs in (("steps", "steps"), ("cfg", "cfg_scale"), ("seed", "seed")):
        draft.set_number(name, nested_value(image, theirs))
    draft.set_size(nested_value(image, "width"), nested_value(image, "height"))
    draft.set_model(data.get("model_weights"), data.get("model_hash"))
    for done in as_list(nested_value(image, "postprocessing")):
        draft.note_difference(
            f"it was worked over afterwards ({as_text(nested_value(done, 'type'))[:40]})"
        )
    for name in ("threshold", "perlin", "seamless", "hires_fix", "variations"):
        if nested_value(image, name):
            draft.note_difference(f"it was drawn with `{name}`, for which there is nothing here")
    if nested_value(image, "type") == "img2img":
        draft.set_start_strength(nested_value(image, "strength"))
    return _finish(draft)


def _read_dream(said: str) -> ForeignPicture | None:
    """`"words [unwanted words]" -s 50 -S 42 -W 512 -H 768 -C 5 -A k_lms`."""
    parts = _DREAM.match(said[:100_000])
    if parts is None:
        return None
    draft = _begin()
    draft.set_prompts(*_split_negative(parts[1].replace('\\"', '"')))
    flags = {name: value or "" for name, value in _FLAG.findall(parts[2][:10_000])}
    draft.set_sampler(flags.get("A"))
    for name, flag in (("steps", "s"), ("seed", "S"), ("cfg", "C")):
        draft.set_number(name, flags.get(flag))
    draft.set_size(flags.get("W"), flags.get("H"))
    if "f" in flags and "I" in flags:
        draft.set_start_strength(flags["f"])
    for flag, why in (("G", "its faces were repaired"), ("U", "it was enlarged")):
        if flag in flags:
            draft.note_difference(f"{why} afterwards, which is not done here")
    return _finish(draft)


def _begin() -> ForeignPictureBuilder:
    draft = ForeignPictureBuilder("InvokeAI")
    draft.values["rng"] = "cpu"
    return draft


def _finish(draft: ForeignPictureBuilder) -> ForeignPicture:
    """The picture with its prompts in our language: plain where neither weighs or joins words."""
    prompts = [translate_compel(draft.values[name]) for name in ("prompt", "negative")]
    plain = all(prompt.syntax == "plain" for prompt in prompts)
    for name, prompt in zip(("prompt", "negative"), prompts, strict=True):
        words = prompt.syntax == "plain" and not plain
        draft.values[name] = shield_end(escape_a1111(prompt.text)) if words else prompt.text
        for lora in prompt.loras:
            draft.add_lora(lora.name, lora.unet, lora.te)
        for remark in prompt.remarks:
            draft.note_difference(remark)
    draft.values["syntax"] = "plain" if plain else "a1111"
    return draft.build()


def _split_negative(said: str) -> tuple[str, str]:
    """Words, and the unwanted ones that stood in square brackets among them."""
    unwanted = [part.strip(" ,") for part in _NEGATIVE.findall(said)]
    return _NEGATIVE.sub("", said).strip(" ,"), ", ".join(part for part in unwanted if part)


def _read_model(draft: ForeignPictureBuilder, data: Any, kind: str) -> None:
    name = nested_value(data, "name") or nested_value(data, "model_name")
    draft.set_model(name, _comparable_hash(nested_value(data, "hash")), kind)


def _comparable_hash(said: Any) -> str:
    """Only plain SHA-256 is comparable; their usual one is BLAKE3."""
    return as_text(said) if as_text(said).startswith("sha256:") else ""
