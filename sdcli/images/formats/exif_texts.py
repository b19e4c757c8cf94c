"""Texts in EXIF and XMP blocks, as JPEG, WebP and most other formats have them."""

from __future__ import annotations

from typing import Any

from sdcli import __version__
from sdcli.images import exif
from sdcli.images.formats.texts import EmbeddedTexts

XMP_OPENING = b"http://ns.adobe.com/xap/1.0/\0"  # of an XMP block in a JPEG
_TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x927C: "MakerNote",
}


def embed_in_exif(ours: str, theirs: str) -> dict[str, Any]:
    """Our JSON as maker note, A1111's text as user comment."""
    return {"exif": exif_block(theirs, {exif.MAKER_NOTE: ours.encode()} if ours else {})}


def exif_block(theirs: str, entries: dict[int, bytes]) -> bytes:
    """An EXIF block with these entries and A1111's text, where there is one, as user comment."""
    comment = {exif.USER_COMMENT: exif.encode_comment(theirs)} if theirs else {}
    return exif.write_exif(f"sdcli {__version__}", {**entries, **comment})


def add_exif_texts(block: bytes, texts: EmbeddedTexts) -> None:
    """The texts of an EXIF block."""
    for tag, value in exif.read_exif(block).items():
        if tag == exif.USER_COMMENT:
            texts.add("UserComment", exif.decode_comment(value))
        elif tag in _TAGS:
            text = exif.decode_plain_text(value)
            name, _, rest = text.partition(":")
            # ComfyUI's WebP: "prompt:{...}" and "workflow:{...}" in tags meant for cameras.
            known = name in ("prompt", "workflow") and rest.lstrip()[:1] == "{"
            texts.add(name if known else _TAGS[tag], rest if known else text)


def add_xmp(block: bytes, texts: EmbeddedTexts) -> None:
    """An XMP packet as it stands."""
    texts.add("xmp", block.decode("utf-8", "replace"))
