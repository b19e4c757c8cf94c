"""One line, once: what the built-in model is, what it can draw, and how to use another."""

from __future__ import annotations

from contextlib import suppress

from sdcli import folders
from sdcli.library.find import BUILTIN
from sdcli.library.open_file import is_there
from sdcli.plan import Plan
from sdcli.weights import checkpoint

GREETED = "greeted"


def first_greeting(plan: Plan) -> str:
    """The line, if this plan draws with the built-in model for the first time; else nothing."""
    mark = folders.cache_folder() / GREETED
    if plan.model.path != folders.assets_folder() / f"{BUILTIN}.safetensors" or is_there(mark):
        return ""
    with suppress(OSError):  # a cache that cannot be written costs a repetition
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    about = checkpoint.identify_checkpoint(plan.model.path).own_metadata.get(
        "about", "a small model of its own"
    )
    return f"drawing with the built-in model: {about}. Another one: `-m FILE.safetensors`"
