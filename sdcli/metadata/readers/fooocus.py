"""Fooocus in its own scheme (its other one is AUTOMATIC1111's text)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sdcli.metadata.readers.draft import Draft, Found, Size, items, json_object, text


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The JSON of a picture by Fooocus, in PNG text or in EXIF."""
    for place in ("parameters", "UserComment"):
        data = json_object(texts.get(place))
        if data and "base_model" in data and "sampler" in data:
            return _of(data)
    return None


def _of(data: dict[str, Any]) -> Found:
    draft = Draft("Fooocus")
    draft.said["rng"] = "cpu"
    draft.words(data.get("prompt"), data.get("negative_prompt"))
    draft.sampler(data.get("sampler"), data.get("scheduler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "guidance_scale")):
        draft.set(name, data.get(theirs))
    sides = re.findall(r"\d{1,6}", text(data.get("resolution")))
    draft.size(*(sides[:2] if len(sides) >= 2 else (data.get("width"), data.get("height"))))
    draft.model(data.get("base_model"), data.get("base_model_hash"))
    if data.get("vae") not in (None, "", "Default (model)"):
        draft.model(data.get("vae"), kind="vae")
    draft.set("clip_skip", data.get("clip_skip"))
    for lora in items(data.get("loras")):
        name, weight, short = (*items(lora), "", "", "")[:3]
        draft.lora(name, weight, short=short)
    _oddities(draft, data)
    return draft.done()


def _oddities(draft: Draft, data: dict[str, Any]) -> None:
    draft.differs("Fooocus sharpens and weighs its guidance in ways of its own")
    if data.get("prompt_expansion"):
        draft.differs("its prompt was written on by Fooocus (prompt expansion)")
    if styles := text(data.get("styles")):
        draft.differs(f"its prompt was dressed in styles: {styles[:120]}")
    if data.get("refiner_model") not in (None, "", "None"):
        draft.differs("it was finished by a refiner, which is not done here")
