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
from sdcli.metadata.readers.draft import Found, Reader

# The order matters: SwarmUI and Fooocus use AUTOMATIC1111's place for texts of their own, and
# that program's reader takes whatever text stands there.
READERS: tuple[Reader, ...] = (
    invokeai.read,
    novelai.read,
    swarmui.read,
    fooocus.read,
    drawthings.read,
    easydiffusion.read,
    a1111.read,
    comfyui.read,
)


def read(texts: Mapping[str, str], size: tuple[int, int] | None = None) -> Found | None:
    """What the texts of a picture of this size say, whoever wrote them; None where nobody did."""
    found = (reader(texts, size) for reader in READERS)
    return next((one for one in found if one is not None), None)
