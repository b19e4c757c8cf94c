"""SwarmUI: JSON where AUTOMATIC1111 has its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import (
    Draft,
    Found,
    Size,
    items,
    json_object,
    number,
    stem,
    text,
    within,
)


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The parameters of a picture by SwarmUI."""
    for place in ("parameters", "UserComment"):
        data = json_object(texts.get(place))
        said = within(data, "sui_image_params")
        if isinstance(said, dict):
            return _of(said, data)  # pyright: ignore[reportUnknownArgumentType]
    return None


def _of(said: dict[str, Any], data: Any) -> Found:
    draft = Draft("SwarmUI")
    draft.said["rng"] = "cpu"
    draft.words(said.get("prompt"), said.get("negativeprompt"))
    draft.sampler(said.get("sampler"), said.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "cfgscale")):
        draft.set(name, said.get(theirs))
    draft.size(said.get("width"), said.get("height"))
    draft.model(said.get("model"))
    if not said.get("automaticvae"):
        draft.model(said.get("vae"), kind="vae")
    if stop := number(said.get("clipstopatlayer")):
        draft.set("clip_skip", -stop)
    weights = _listed(said.get("loraweights"))
    for n, name in enumerate(_listed(said.get("loras"))):
        draft.lora(name, weights[n] if n < len(weights) else 1)
    _hashes(draft, items(within(data, "sui_models")))
    if "initimagecreativity" in said and within(data, "sui_extra_data", "initimage_filename"):
        draft.started_from(said["initimagecreativity"])
    for name in said:
        if name.startswith(
            ("refinerupscale", "refinermodel", "controlnet", "variationseedstrength")
        ):
            draft.differs(f"it was drawn with `{name}`, for which there is nothing here")
    return draft.done()


def _listed(value: Any) -> list[Any]:
    """Several names: a list, or a text with commas."""
    return text(value).split(",") if isinstance(value, str) and value else items(value)


def _hashes(draft: Draft, models: list[Any]) -> None:
    for model in models:
        kind, name = text(within(model, "param")), stem(within(model, "name"))
        place = {"model": "model", "vae": "vae", "loras": f"lora:{name}"}.get(kind)
        if place:
            draft.hash(place, within(model, "hash"))
