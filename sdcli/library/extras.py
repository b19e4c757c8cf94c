"""Libraries that an extra of the package brings: imported where they are used, asked for by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdcli.errors import BadRequest


def import_extra(module: str, extra: str, what: str) -> Any:
    """The module; BadRequest with the command that installs it where it is not there."""
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise BadRequest(
            f"{what} needs `{name}`, which is not installed ({error})",
            hint=f'`pip install "sdcli[{extra}]"`',
        ) from None
