"""How a command runs: paths or JSON on stdout, much or nothing on stderr, only the plan, warm or not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from sdcli.environment import read_environment
from sdcli.errors import BadRequest
from sdcli.folders import config_folder
from sdcli.options.parse import Stay
from sdcli.server.wish import WarmWish


@dataclass(frozen=True)
class OutputMode:
    """What a run was told of its output, and of where it is drawn."""

    json: bool = False
    dry_run: bool = False
    quiet: bool = False
    warm: WarmWish = WarmWish()


def warm_wish(flag: float | None) -> WarmWish:
    """What was said of a resident process: by the flag, else by $SDCLI_WARM, else in the user's
    config.toml (`warm = "10m"`)."""
    if flag is not None:
        return WarmWish(flag)
    if text := read_environment().warm:
        return WarmWish(_stay("$SDCLI_WARM", text))
    text = _configured()
    return WarmWish(None if text is None else _stay("`warm` in config.toml", text))


def _stay(source: str, text: str) -> float:
    try:
        return Stay()(text)
    except BadRequest as error:
        raise BadRequest(f"{source}: {error.fact}", hint=error.hint) from None


def _configured() -> str | None:
    path = config_folder() / "config.toml"
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadRequest(
            f"`{path}` cannot be read: {error}", hint='write lines like warm = "10m"'
        ) from None
    value = settings.get("warm")
    return None if value is None else str(value)
