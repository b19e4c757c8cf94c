"""What a trainer wrote about its training into a LoRA's metadata: its base, its trigger words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from sdcli.weights.families import FAMILIES
from sdcli.weights.json_table import parse_json_table

MOST_TRIGGERS = 20
# Where the base model stands in the metadata.
SAID = ("ss_base_model_version", "modelspec.architecture", "base_model")
FOREIGN = {
    "flux": "Flux",
    "sd3": "Stable Diffusion 3",
    "stable-diffusion-3": "Stable Diffusion 3",
}
BASES = FOREIGN | {name: row.base for row in FAMILIES.values() for name in row.names_in_loras}


def named_base(metadata: Mapping[str, str]) -> str | None:
    """The family of the base model that the metadata names."""
    for key in SAID:
        name = metadata.get(key, "").lower()
        if beginnings := [each for each in BASES if name.startswith(each)]:
            return BASES[max(beginnings, key=len)]
    return "sd2" if metadata.get("ss_v2") == "True" else None


def trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The words it was trained on, the most frequent first, behind any trigger it names itself."""
    counts: Counter[str] = Counter()
    for tags in parse_json_table(metadata.get("ss_tag_frequency", "")).values():
        if isinstance(tags, dict):
            for tag, count in cast("dict[str, Any]", tags).items():
                counts[tag.strip()] += count if isinstance(count, int) else 0
    named = [metadata.get("modelspec.trigger_phrase", "").strip()]
    words = named + [tag for tag, _ in counts.most_common(MOST_TRIGGERS)]
    return tuple(dict.fromkeys(word for word in words if word))
