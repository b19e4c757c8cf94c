"""NovelAI, which keeps its model to itself and its settings in a PNG comment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_text,
    parse_json_object,
)

_SAMPLERS = {"nai_smea": "k_euler_ancestral", "nai_smea_dyn": "k_euler_ancestral"}


def read_novelai(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The comment of a picture signed by NovelAI, in the clear or from its watermark."""
    if "stealth" in texts:
        texts = {
            name: as_text(said)
            for name, said in (parse_json_object(texts["stealth"]) or {}).items()
        }
    if texts.get("Software") != "NovelAI":
        return None
    data = parse_json_object(texts.get("Comment")) or {}
    draft = ForeignPictureBuilder("NovelAI")
    draft.values["rng"] = "nv"
    draft.set_prompts(
        _translate_braces(texts.get("Description") or as_text(data.get("prompt"))),
        _translate_braces(as_text(data.get("uc"))),
    )
    sampler = as_text(data.get("sampler"))
    draft.set_sampler(_SAMPLERS.get(sampler, sampler), data.get("noise_schedule"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "scale")):
        draft.set_number(name, data.get(theirs))
    draft.set_size(
        data.get("width") or (size and size[0]), data.get("height") or (size and size[1])
    )
    draft.set_number("clip_skip", 2)
    source = texts.get("Source", "")
    draft.set_model("", source.rpartition(" ")[2])
    draft.note_difference(f"its model ({source[:60] or 'unnamed'}) is NovelAI's own")
    for name, why in _ODDITIES:
        if data.get(name):
            draft.note_difference(why)
    if data.get("request_type") == "Img2ImgRequest" or "strength" in data and "noise" in data:
        draft.set_start_strength(data.get("strength"))
    return draft.build()


_ODDITIES = (
    ("sm", "it was sampled with SMEA, which is not done here"),
    ("cfg_rescale", "its guidance was rescaled, which is not done here"),
    ("dynamic_thresholding", "its guidance was thresholded, which is not done here"),
    ("reference_strength", "it followed a reference picture that it does not carry"),
    ("v4_prompt", "its model is newer than Stable Diffusion"),
)


def _translate_braces(said: str) -> str:
    """Their braces are 1.05 times as strong; one pair is written as that weight."""
    return re.sub(r"(?<![\\{])\{([^{}]*)\}(?!\})", r"(\1:1.05)", said)
