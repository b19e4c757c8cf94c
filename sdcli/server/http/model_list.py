"""What clients can name: checkpoints and what goes with them, by names, never by paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdcli.errors import SdcliError
from sdcli.library.find import list_models
from sdcli.library.listed_only import listed_only
from sdcli.server.http.settings import ServeSettings
from sdcli.weights import checkpoint
from sdcli.weights.read_header import read_header


@dataclass(frozen=True)
class ListedModel:
    """A file of weights that has a name."""

    name: str
    path: Path
    kind: str  # checkpoint, LoRA, embedding...; empty where the file cannot be read
    changed: int  # when, in seconds


def list_all(settings: ServeSettings) -> list[ListedModel]:
    """Everything that a request can name."""
    with listed_only(settings.more_models):
        return [
            ListedModel(name, path, _kind(path), int(path.stat().st_mtime))
            for name, path in list_models()
        ]


def list_checkpoints(settings: ServeSettings) -> list[ListedModel]:
    """Those that can draw; the server's own choice first."""
    found = [one for one in list_all(settings) if one.kind == "checkpoint"]
    return sorted(found, key=lambda one: one.name != settings.model)


def _kind(path: Path) -> str:
    try:
        return checkpoint.kind_name(read_header(path))
    except SdcliError:
        return ""
