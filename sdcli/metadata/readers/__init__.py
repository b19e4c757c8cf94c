"""Pictures of other programs: one small module each, from the texts they carry to a `Request`."""

from __future__ import annotations

from collections.abc import Mapping

from sdcli.metadata.readers import (
    a1111,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    invokeai,
    novelai,
    swarmui,
)
from sdcli.metadata.readers.draft import ForeignPicture, ForeignReader

# The order matters: SwarmUI and Fooocus use AUTOMATIC1111's place for texts of their own, and
# that program's reader takes whatever text stands there.
READERS: tuple[ForeignReader, ...] = (
    invokeai.read_invokeai,
    novelai.read_novelai,
    swarmui.read_swarmui,
    fooocus.read_fooocus,
    drawthings.read_drawthings,
    easydiffusion.read_easydiffusion,
    a1111.read_a1111,
    comfyui.read_comfyui,
)


def read_foreign_picture(
    texts: Mapping[str, str], size: tuple[int, int] | None = None
) -> ForeignPicture | None:
    """What the texts of a picture of this size say, whoever wrote them; None where nobody did."""
    candidates = (reader(texts, size) for reader in READERS)
    return next((one for one in candidates if one is not None), None)
