"""Pictures from words with any Stable Diffusion checkpoint, offline, and every one can be drawn again.

Everything named in `__all__` is imported when it is first used: `import sdcli` costs nothing, and torch
is loaded by what draws.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdcli.api import (
        draw_again,
        edit,
        img2img,
        inpaint,
        make_plan,
        make_request,
        outpaint,
        train_embedding,
        train_lora,
        txt2img,
    )
    from sdcli.engine.session import Session
    from sdcli.errors import BadRequest, SdcliError
    from sdcli.events import Listener, SilentListener
    from sdcli.picture import Picture
    from sdcli.plan import Plan
    from sdcli.request import Draw, Edit, Enlarge, Outpaint, Redraw, Repaint, Request

__version__ = "0.2.0"

_ROOMS = {
    "sdcli.api": (
        "draw_again",
        "edit",
        "img2img",
        "inpaint",
        "make_plan",
        "make_request",
        "outpaint",
        "train_embedding",
        "train_lora",
        "txt2img",
    ),
    "sdcli.engine.session": ("Session",),
    "sdcli.errors": ("BadRequest", "SdcliError"),
    "sdcli.events": ("Listener", "SilentListener"),
    "sdcli.picture": ("Picture",),
    "sdcli.plan": ("Plan",),
    "sdcli.request": ("Draw", "Edit", "Enlarge", "Outpaint", "Redraw", "Repaint", "Request"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "BadRequest",
    "Draw",
    "Edit",
    "Enlarge",
    "Listener",
    "Outpaint",
    "Picture",
    "Plan",
    "Redraw",
    "Repaint",
    "Request",
    "SdcliError",
    "Session",
    "SilentListener",
    "draw_again",
    "edit",
    "img2img",
    "inpaint",
    "make_plan",
    "make_request",
    "outpaint",
    "train_embedding",
    "train_lora",
    "txt2img",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module `sdcli` has no attribute `{name}`")
    return getattr(import_module(_ROOM_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
