"""The machine and the server, as that program describes itself."""

from __future__ import annotations

from typing import Any


def describe_memory() -> dict[str, Any]:
    """The memory of this machine. What a GPU has, only the process that draws knows."""
    import psutil  # which accelerate brings

    memory = psutil.virtual_memory()
    ram = {"free": memory.available, "used": memory.total - memory.available}
    return {"ram": {**ram, "total": memory.total}, "cuda": {"error": "unavailable"}}


def describe_flags() -> dict[str, Any]:
    """Its flags, as far as they say anything here."""
    return {"api": True, "nowebui": True, "share": False, "enable_insecure_extension_access": False}
