"""What an assistant can do: each tool's name, its words, what it takes, and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdcli.events import Listener
from sdcli.options.table import BORDERS
from sdcli.server.http.option_schema import option_schema
from sdcli.server.http.read_request import client_options
from sdcli.server.http.worker import Stopper
from sdcli.server.mcp_door import uses
from sdcli.server.mcp_door.drawer import Drawer, Fields, Shown
from sdcli.server.mcp_door.upscale import SETTINGS

Use = Callable[[Drawer, Fields, Listener, Stopper], Shown]


@dataclass(frozen=True)
class Tool:
    """One thing that an assistant can do."""

    name: str
    description: str
    use: Use
    takes: Mapping[str, Any]  # JSON Schema of what the tool alone takes
    required: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # rows of the table
    draws: bool = True

    def schema(self) -> dict[str, Any]:
        """What it takes, as JSON Schema."""
        rows = client_options()
        properties = {**self.takes, **{name: option_schema(rows[name]) for name in self.options}}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.required),
            "additionalProperties": self.draws,  # the table has more than is listed
        }


_PICTURE = {"type": "string", "description": "The name of a picture, as `show` lists it."}
_BOX = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 4,
    "maxItems": 4,
    "description": "What is repainted, in pixels of the picture: left, top, right, bottom.",
}
_UPSCALER = {
    "type": "string",
    "description": "The name of an upscaler, or of an SD x4 upscaler, which alone is told a prompt and"
    " how to draw. Default: the one in the box.",
}
_SCALE = {
    "type": "number",
    "minimum": 0.25,
    "maximum": 16,
    "description": "How many times as large. Default: as the upscaler makes it.",
}
_USUAL = ("negative", "model", "lora", "seed", "count", "steps", "cfg", "scheduler")
_SIZE = ("width", "height")

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "draw",
            "Draw a picture from words.",
            uses.draw,
            {},
            ("prompt",),
            ("prompt", *_USUAL, *_SIZE),
        ),
        Tool(
            "redraw",
            "Redraw a picture from words: strength 0 keeps it, 1 ignores it.",
            uses.redraw,
            {"image": _PICTURE},
            ("image", "prompt"),
            ("prompt", "strength", *_USUAL),
        ),
        Tool(
            "inpaint",
            "Repaint a part of a picture; outside it every pixel stays.",
            uses.inpaint,
            {"image": _PICTURE, "box": _BOX, "mask": _PICTURE},
            ("image", "prompt"),
            ("prompt", "strength", "feather", *_USUAL),
        ),
        Tool(
            "outpaint",
            "Draw on beyond the edges of a picture, so many pixels on each side, or to a shape.",
            uses.outpaint,
            {"image": _PICTURE},
            ("image", "prompt"),
            ("prompt", *BORDERS, "fill", "only-masked", *_USUAL),
        ),
        Tool(
            "upscale",
            "Make a picture larger: by the upscaler in the box, or by one that is named.",
            uses.upscale,
            {"image": _PICTURE, "with": _UPSCALER, "scale": _SCALE},
            ("image",),
            ("prompt", *SETTINGS),
        ),
        Tool(
            "vary",
            "Draw a picture again from what it carries, with another seed or with what is changed.",
            uses.vary,
            {"picture": _PICTURE},
            ("picture",),
            ("prompt", *_USUAL, *_SIZE),
        ),
        Tool(
            "show",
            "Show a picture and how it was drawn; without a name, list the newest.",
            uses.show,
            {"picture": _PICTURE},
            draws=False,
        ),
        Tool(
            "list_models",
            "List the checkpoints, LoRAs, embeddings, upscalers and schedulers that tools can name.",
            uses.list_models,
            {},
            draws=False,
        ),
    )
}
