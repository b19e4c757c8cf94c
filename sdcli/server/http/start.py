"""What a server is told at its start, checked: who may reach it, and what it draws with."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.library.find import BUILTIN, find_checkpoint, list_models
from sdcli.library.open_file import open_regular_file
from sdcli.server.http.guard import host_name
from sdcli.server.http.settings import ServeSettings
from sdcli.weights.checkpoint import identify_checkpoint

SHORTEST_KEY, LONGEST_KEY = 16, 1_000  # characters
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Wanted:
    """What the command was told."""

    host: str
    model: str | None = None
    key: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    queue: int = 16
    out: str | None = None


def make_settings(wanted: Wanted) -> ServeSettings:
    """The settings of a server; BadRequest where they would let in who does not belong."""
    if not _is_loopback(wanted.host) and wanted.key is None:
        raise BadRequest(
            f"`--host {wanted.host}` lets other machines in, and there is no key to ask them for",
            hint="write one into a file (`openssl rand -hex 32 > key`): `--api-key-file key`",
        )
    model, more = _model(wanted.model)
    names = {host_name(name) for name in wanted.hosts} - {""}
    any_address = wanted.host in ("0.0.0.0", "::")
    machine = {socket.gethostname().lower()} if any_address else set[str]()
    return ServeSettings(
        model=model,
        more_models=more,
        out=wanted.out,
        queue=wanted.queue,
        key=wanted.key,
        hosts=OWN_NAMES | names | machine | {host_name(_bracketed(wanted.host))},
        any_address=any_address,
        origins=frozenset(map(_origin, wanted.origins)),
    )


def read_key(path: Path | None, variable: str | None) -> str | None:
    """The key: from a file, else from $SDCLI_API_KEY. BadRequest where anybody could guess it."""
    if path is None:
        return None if variable is None else _checked_key(variable, "$SDCLI_API_KEY")
    with open_regular_file(path) as file:
        text = file.read(LONGEST_KEY + 2)
    try:
        return _checked_key(text.decode().strip(), f"`{path}`")
    except UnicodeDecodeError:
        raise BadRequest(f"`{path}` holds no key", hint="it is to be a line of text") from None


def _checked_key(key: str, source: str) -> str:
    if not re.fullmatch(rf"[!-~]{{{SHORTEST_KEY},{LONGEST_KEY}}}", key):
        raise BadRequest(
            f"{source} holds no key",
            hint=f"a line of {SHORTEST_KEY} letters, digits and signs or more: `openssl rand -hex 32`",
        )
    return key


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _origin(text: str) -> str:
    if not re.fullmatch(
        r"https?://[\w.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?", text.lower()
    ):
        raise BadRequest(
            f"`--allow-origin {text}` is no origin",
            hint="write it as browsers do: http://localhost:3000, without a path",
        )
    return text.lower()


def _model(name: str | None) -> tuple[str, dict[str, Path]]:
    """The name of the checkpoint that is drawn with where nobody names one, and where it is if it is
    none of those that are listed anyway."""
    path = find_checkpoint(name or BUILTIN)
    identify_checkpoint(path)
    known = {place.absolute(): listed for listed, place in list_models()}
    if path.absolute() in known:
        return known[path.absolute()], {}
    free = path.stem if path.stem not in known.values() else f"{path.stem} (of the server)"
    return free, {free: path.absolute()}
