"""What the shell offers when Tab is pressed: the schedulers, the models and adapters at hand."""

from __future__ import annotations

from sdcli.library.find import BUILTIN, list_models
from sdcli.schedulers.names import SCHEDULERS


def complete_schedulers(incomplete: str) -> list[str]:
    """The schedulers that begin so."""
    return [name for name in SCHEDULERS if name.startswith(incomplete)]


def complete_models(incomplete: str) -> list[str]:
    """The files in the folders of models that begin so; the shell itself knows paths."""
    return [name for name, _ in list_models() if name.startswith(incomplete)]


def complete_adapters(incomplete: str) -> list[str]:
    """The same, without the model in the box, which is none."""
    return [name for name in complete_models(incomplete) if name != BUILTIN]
