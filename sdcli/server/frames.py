"""What goes over the socket: a length, a line of JSON, and the bytes that belong to it.

Only data is read: numbers, texts and pixels, each of bounded size. Nothing is executed because the
other side says so.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, cast

from sdcli.errors import SdcliError

MOST_JSON = 64 * 2**20  # bytes: two prompts of a million characters, escaped, and room
MOST_BYTES = 2**30  # of pixels: the largest picture there can be
_LENGTHS = struct.Struct(">II")


class BadFrame(SdcliError):
    """What came over the socket is not what is spoken here."""


@dataclass(frozen=True)
class Frame:
    """One message: its facts, and bytes beside them."""

    facts: dict[str, Any]
    data: bytes = field(default=b"", repr=False)

    @property
    def kind(self) -> str:
        """What the message is: "hello", "draw", "step"..."""
        return str(self.facts.get("is", ""))


def send_frame(connection: socket.socket, kind: str, data: bytes = b"", **facts: Any) -> None:
    """Send one message. OSError where the other side is gone."""
    text = json.dumps({"is": kind, **facts}, allow_nan=False, separators=(",", ":")).encode("ascii")
    connection.sendall(_LENGTHS.pack(len(text), len(data)) + text)
    if data:
        connection.sendall(data)


def receive_frame(connection: socket.socket) -> Frame | None:
    """The next message; None where the other side has closed. BadFrame where it is none."""
    head = _receive(connection, _LENGTHS.size)
    if head is None:
        return None
    text_length, data_length = _LENGTHS.unpack(head)
    if text_length > MOST_JSON or data_length > MOST_BYTES:
        raise BadFrame("a message is longer than any can be")
    text, data = _receive(connection, text_length), _receive(connection, data_length)
    if text is None or data is None:
        raise BadFrame("a message broke off")
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("a message is no JSON") from None
    if not isinstance(facts, dict):
        raise BadFrame("a message is no object")
    return Frame(cast("dict[str, Any]", facts), data)


def _receive(connection: socket.socket, length: int) -> bytes | None:
    """So many bytes; None where there are none left at all."""
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 2**20))
        if not part:
            if parts:
                raise BadFrame("a message broke off")
            return None if length else b""
        parts += part
    return bytes(parts)
