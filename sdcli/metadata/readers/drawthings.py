"""Draw Things: JSON in the user comment of an XMP packet."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from sdcli.metadata.readers.draft import Draft, Found, Size, items, json_object, within

_PLACES = ("XML:com.adobe.xmp", "xmp")
_COMMENT = re.compile(r"<exif:UserComment\b[^>]*>(.{0,400000}?)</exif:UserComment>", re.S)
_ITEM = re.compile(r"<rdf:li\b[^>]*>([^<]*)</rdf:li>")


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The comment of a picture by Draw Things."""
    packet = next((texts[place] for place in _PLACES if place in texts), "")
    # An expression, not an XML parser: nothing to expand, nothing to fetch.
    comment = _COMMENT.search(packet)
    if comment is None:
        return None
    item = _ITEM.search(comment[1])
    data = json_object(html.unescape(item[1] if item else comment[1]))
    if data is None or not {"c", "uc"} & set(data):
        return None
    draft = Draft("Draw Things")
    draft.words(data.get("c"), data.get("uc"))
    draft.sampler(data.get("sampler"))
    for name, theirs in (("steps", "steps"), ("seed", "seed"), ("cfg", "scale")):
        draft.set(name, data.get(theirs))
    width, _, height = str(data.get("size") or "").partition("x")
    draft.size(width, height)
    draft.model(data.get("model"))
    for lora in items(data.get("lora")):
        draft.lora(within(lora, "model"), within(lora, "weight"))
    draft.differs("Draw Things makes its noise in a way of its own")
    if isinstance(data.get("strength"), float) and data["strength"] < 1:
        draft.started_from(data["strength"])
    return draft.done()
