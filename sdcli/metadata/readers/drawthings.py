"""Draw Things: JSON in the user comment of an XMP packet."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_list,
    nested_value,
    parse_json_object,
)

_PLACES = ("XML:com.adobe.xmp", "xmp")
_COMMENT = re.compile(r"<exif:UserComment\b[^>]*>(.{0,400000}?)</exif:UserComment>", re.S)
_ITEM = re.compile(r"<rdf:li\b[^>]*>([^<]*)</rdf:li>")


def read_drawthings(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The comment of a picture by Draw Things."""
    packet = next((texts[place] for place in _PLACES if place in texts), "")
    # An expression, not an XML parser: nothing to expand, nothing to fetch.
    comment = _COMMENT.search(packet)
    if comment is None:
        return None
    item = _ITEM.search(comment[1])
    data = parse_json_object(html.unescape(item[1] if item else comment[1]))
    if data is None or not {"c", "uc"} & set(data):
        return None
    draft = ForeignPictureBuilder("Draw Things")
    draft.set_prompts(data.get("c"), data.get("uc"))
    draft.set_sampler(data.get("sampler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "scale")):
        draft.set_number(name, data.get(theirs))
    width, _, height = str(data.get("size") or "").partition("x")
    draft.set_size(width, height)
    draft.set_model(data.get("model"))
    for lora in as_list(data.get("lora")):
        draft.add_lora(nested_value(lora, "model"), nested_value(lora, "weight"))
    draft.note_difference("Draw Things makes its noise in a way of its own")
    if isinstance(data.get("strength"), float) and data["strength"] < 1:
        draft.set_start_strength(data["strength"])
    return draft.build()
