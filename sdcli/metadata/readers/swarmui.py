"""SwarmUI: JSON where AUTOMATIC1111 has its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_list,
    as_number,
    as_text,
    bare_name,
    nested_value,
    parse_json_object,
)


def read_swarmui(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The parameters of a picture by SwarmUI."""
    for place in ("parameters", "UserComment"):
        data = parse_json_object(texts.get(place))
        said = nested_value(data, "sui_image_params")
        if isinstance(said, dict):
            return _picture_from_parameters(said, data)  # pyright: ignore[reportUnknownArgumentType]
    return None


def _picture_from_parameters(said: dict[str, Any], data: Any) -> ForeignPicture:
    draft = ForeignPictureBuilder("SwarmUI")
    draft.values["rng"] = "cpu"
    draft.set_prompts(said.get("prompt"), said.get("negativeprompt"))
    draft.set_sampler(said.get("sampler"), said.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "cfgscale")):
        draft.set_number(name, said.get(theirs))
    draft.set_size(said.get("width"), said.get("height"))
    draft.set_model(said.get("model"))
    if not said.get("automaticvae"):
        draft.set_model(said.get("vae"), kind="vae")
    if stop := as_number(said.get("clipstopatlayer")):
        draft.set_number("clip_skip", -stop)
    weights = _split_names(said.get("loraweights"))
    for n, name in enumerate(_split_names(said.get("loras"))):
        draft.add_lora(name, weights[n] if n < len(weights) else 1)
    _read_hashes(draft, as_list(nested_value(data, "sui_models")))
    if "initimagecreativity" in said and nested_value(data, "sui_extra_data", "initimage_filename"):
        draft.set_start_strength(said["initimagecreativity"])
    _read_oddities(draft, said)
    return draft.build()


def _read_oddities(draft: ForeignPictureBuilder, said: Mapping[str, Any]) -> None:
    if said.get("zeronegative") is True:
        draft.values["empty_negative"] = "always-zeros"
    for name in said:
        if name.startswith(
            ("refinerupscale", "refinermodel", "controlnet", "variationseedstrength")
        ):
            draft.note_difference(f"it was drawn with `{name}`, for which there is nothing here")


def _split_names(value: Any) -> list[Any]:
    """Several names: a list, or a text with commas."""
    return as_text(value).split(",") if isinstance(value, str) and value else as_list(value)


def _read_hashes(draft: ForeignPictureBuilder, models: list[Any]) -> None:
    for model in models:
        kind, name = as_text(nested_value(model, "param")), bare_name(nested_value(model, "name"))
        place = {"model": "model", "vae": "vae", "loras": f"lora:{name}"}.get(kind)
        if place:
            draft.set_hash(place, nested_value(model, "hash"))
