"""What `--json` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdcli.metadata import codec
from sdcli.picture import Picture


def picture_record(picture: Picture, path: Path) -> dict[str, Any]:
    """A finished picture: where it is, how it was drawn, and its whole plan."""
    return {
        "path": str(path),
        "seed": picture.plan.seed,
        "index": picture.index,
        "seconds": picture.provenance.seconds,
        "device": picture.provenance.device,
        "dtype": picture.provenance.dtype,
        "events": list(picture.provenance.events),
        "plan": codec.to_data(picture.plan),
    }
