"""What a picture format is: how it is saved, and how texts get into its files and out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from sdcli.images.formats.texts import EmbeddedTexts

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class PictureFormat:
    """One row: everything that is known of a format.

    `embed` is given what a picture carries, our JSON and A1111's text, and says what `Image.save`
    must be told besides `options`. `read` is given the open file and finds its texts without
    decoding a pixel. `strip` gives the bytes of a file again, but for its texts.
    """

    name: str  # as `--format` has it
    title: str
    pillow: str
    endings: tuple[str, ...]
    options: Mapping[str, Any]  # of `Image.save`
    lossless: bool
    begins: Callable[[bytes], bool]  # whether a file that begins with these 16 bytes is one
    embed: Callable[[str, str], dict[str, Any]]
    read: Callable[[BinaryIO, EmbeddedTexts], None] | None = None  # none: Pillow finds EXIF and XMP
    strip: Callable[[bytes], Iterator[bytes]] | None = None  # none: it cannot be done
    transparent: bool = True  # whether its pictures can be

    def holding(self, image: Image.Image) -> Image.Image:
        """The image as a file of this format holds it: over white where it knows no transparency."""
        from sdcli.images.transparency import over_white  # the table of options knows formats, too

        return image if self.transparent else over_white(image)
