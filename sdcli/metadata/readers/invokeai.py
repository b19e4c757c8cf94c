"""InvokeAI's three generations: a command line (`Dream`), `sd-metadata`, `invokeai_metadata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import (
    Draft,
    Found,
    Size,
    items,
    json_object,
    number,
    text,
    within,
)

_NEGATIVE = re.compile(r"\[([^\[\]]*)\]")
_DREAM = re.compile(r'^\s*"((?:\\.|[^"\\])*)"(.*)$', re.S)
_FLAG = re.compile(r"\s-{1,2}(\w+)(?:[ =]([^\s-]\S*))?")
_WEIGHTS = re.compile(r"[\w)]\+|[\w)]-{1,}(?:[\s,)]|$)|\)[0-9.]+")


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The newest of the three that the picture carries."""
    if newest := json_object(texts.get("invokeai_metadata")):
        return _third(newest)
    if older := json_object(texts.get("sd-metadata")):
        return _second(older)
    return _first(texts["Dream"]) if "Dream" in texts else None


def _third(data: dict[str, Any]) -> Found:
    draft = _draft()
    draft.words(data.get("positive_prompt"), data.get("negative_prompt"))
    draft.sampler(data.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("cfg", "cfg_scale"), ("seed", "seed")):
        draft.set(name, data.get(theirs))
    draft.size(data.get("width"), data.get("height"))
    _model(draft, data.get("model"), "model")
    _model(draft, data.get("vae"), "vae")
    if skipped := number(data.get("clip_skip")):
        draft.set("clip_skip", skipped + 1)  # they count the layers left out
    for lora in items(data.get("loras")):
        model = within(lora, "model") or within(lora, "lora")
        name = within(model, "name") or within(model, "model_name")
        draft.lora(name, within(lora, "weight"), short=_hash(within(model, "hash")))
    if data.get("rand_device") not in ("cpu", None):
        draft.said["rng"] = "nv"
    for name, why in _THIRD_ODDITIES:
        if data.get(name) not in (None, "", 0, 0.0, [], False):
            draft.differs(why)
    if "img2img" in text(data.get("generation_mode")) or "init_image" in data:
        draft.started_from(data.get("strength"))
    return _finished(draft)


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


def _second(data: dict[str, Any]) -> Found:
    draft = _draft()
    image = within(data, "image")
    prompts = within(image, "prompt")
    words = prompts if isinstance(prompts, str) else [within(p, "prompt") for p in items(prompts)]
    joined = words if isinstance(words, str) else " ".join(text(word) for word in words)
    draft.words(*_parted(joined))
    draft.sampler(within(image, "sampler"))
    for name, theirs in (("steps", "steps"), ("cfg", "cfg_scale"), ("seed", "seed")):
        draft.set(name, within(image, theirs))
    draft.size(within(image, "width"), within(image, "height"))
    draft.model(data.get("model_weights"), data.get("model_hash"))
    for done in items(within(image, "postprocessing")):
        draft.differs(f"it was worked over afterwards ({text(within(done, 'type'))[:40]})")
    for name in ("threshold", "perlin", "seamless", "hires_fix", "variations"):
        if within(image, name):
            draft.differs(f"it was drawn with `{name}`, for which there is nothing here")
    if within(image, "type") == "img2img":
        draft.started_from(within(image, "strength"))
    return _finished(draft)


def _first(said: str) -> Found | None:
    """`"words [unwanted words]" -s 50 -S 42 -W 512 -H 768 -C 5 -A k_lms`."""
    parts = _DREAM.match(said[:100_000])
    if parts is None:
        return None
    draft = _draft()
    draft.words(*_parted(parts[1].replace('\\"', '"')))
    flags = {name: value or "" for name, value in _FLAG.findall(parts[2][:10_000])}
    draft.sampler(flags.get("A"))
    for name, flag in (("steps", "s"), ("seed", "S"), ("cfg", "C")):
        draft.set(name, flags.get(flag))
    draft.size(flags.get("W"), flags.get("H"))
    if "f" in flags and "I" in flags:
        draft.started_from(flags["f"])
    for flag, why in (("G", "its faces were repaired"), ("U", "it was enlarged")):
        if flag in flags:
            draft.differs(f"{why} afterwards, which is not done here")
    return _finished(draft)


def _draft() -> Draft:
    draft = Draft("InvokeAI")
    draft.said["rng"] = "cpu"
    return draft


def _finished(draft: Draft) -> Found:
    if _WEIGHTS.search(f"{draft.said['prompt']} {draft.said['negative']}"):
        draft.differs("its words are weighted in another language (`word+`, `(words)1.2`)")
        draft.said["syntax"] = "plain"
    return draft.done()


def _parted(said: str) -> tuple[str, str]:
    """Words, and the unwanted ones that stood in square brackets among them."""
    unwanted = [part.strip(" ,") for part in _NEGATIVE.findall(said)]
    return _NEGATIVE.sub("", said).strip(" ,"), ", ".join(part for part in unwanted if part)


def _model(draft: Draft, data: Any, kind: str) -> None:
    name = within(data, "name") or within(data, "model_name")
    draft.model(name, _hash(within(data, "hash")), kind)


def _hash(said: Any) -> str:
    """Only plain SHA-256 is comparable; their usual one is BLAKE3."""
    return text(said) if text(said).startswith("sha256:") else ""
