"""Fooocus in its own scheme (its other one is AUTOMATIC1111's text)."""

from __future__ import annotations

import re
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
from sdcli.prompts.comfyui import translate_comfyui
from sdcli.prompts.tags import extract_foreign_tags


def read_fooocus(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The JSON of a picture by Fooocus, in PNG text or in EXIF."""
    for place in ("parameters", "UserComment"):
        data = parse_json_object(texts.get(place))
        if data and "base_model" in data and "sampler" in data:
            return _picture_from_json(data)
    return None


def _picture_from_json(data: dict[str, Any]) -> ForeignPicture:
    draft = ForeignPictureBuilder("Fooocus")
    draft.values["rng"] = "cpu"
    draft.set_prompts(_full_prompt(data, "prompt"), _full_prompt(data, "negative_prompt"))
    draft.set_sampler(data.get("sampler"), data.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "guidance_scale")):
        draft.set_number(name, data.get(theirs))
    sides = re.findall(r"\d{1,6}", as_text(data.get("resolution")))
    draft.set_size(*(sides[:2] if len(sides) >= 2 else (data.get("width"), data.get("height"))))
    draft.set_model(data.get("base_model"), data.get("base_model_hash"))
    if data.get("vae") not in (None, "", "Default (model)"):
        draft.set_model(data.get("vae"), kind="vae")
    draft.set_number("clip_skip", data.get("clip_skip"))
    for lora in as_list(data.get("loras")):
        name, weight, short = (*as_list(lora), "", "", "")[:3]
        draft.add_lora(name, weight, short=short)
    _note_oddities(draft, data)
    return draft.build()


def _full_prompt(data: dict[str, Any], name: str) -> str:
    """The words as they were drawn, each of its texts in chunks of its own; else as they were given."""
    full = [as_text(each).strip() for each in as_list(data.get(f"full_{name}"))]
    texts = [each for each in full if each] or [as_text(data.get(name))]
    # Tags of LoRAs are no words of the prompt, and each of them is in its list of LoRAs.
    return " BREAK ".join(translate_comfyui(extract_foreign_tags(text)[0]) for text in texts)


def _note_oddities(draft: ForeignPictureBuilder, data: dict[str, Any]) -> None:
    draft.note_difference("Fooocus sharpens and weighs its guidance in ways of its own")
    if data.get("prompt_expansion"):
        draft.note_difference("its prompt was written on by Fooocus (prompt expansion)")
    if styles := as_text(data.get("styles")):
        draft.note_difference(f"its prompt was dressed in styles: {styles[:120]}")
    if data.get("refiner_model") not in (None, "", "None"):
        draft.note_difference("it was finished by a refiner, which is not done here")
