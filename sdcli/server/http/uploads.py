"""Pictures that come with a request: decoded from text, kept as files of the server's own naming."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import tempfile
from pathlib import Path

from sdcli.images.load import picture_size
from sdcli.server.http.failures import bad_field

_DATA_URL = re.compile(r"data:[\w/+.-]{0,60}(;[\w=-]{0,40}){0,4};base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(https?|ftp|file|blob)\s*:", re.IGNORECASE)


class Uploads:
    """The pictures of one request, in a folder that is removed with its job."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._names: set[str] = set()

    @property
    def folder(self) -> Path:
        """Where they are; only this user can look into it."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="sdcli-upload-"))
        return self._folder

    def add(self, field: str, data: bytes) -> Path:
        """A file of these bytes, which are a picture by their header; the server names it."""
        name = f"{re.sub(r'[^a-z0-9]+', '-', field.lower())[:40].strip('-') or 'picture'}.png"
        while name in self._names:
            name = f"more-{name}"
        self._names.add(name)
        path = self.folder / name
        path.write_bytes(data)
        picture_size(path, field)
        return path

    def add_text(self, field: str, text: object) -> Path:
        """The same of base64, with or without a data URL's head. No address is ever opened."""
        return self.add(field, decode_base64(field, text))

    def holds(self, path: Path) -> bool:
        """Whether a file is one of them."""
        return self._folder is not None and path.parent == self._folder

    def close(self) -> None:
        """Remove them."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def decode_base64(field: str, text: object) -> bytes:
    """The bytes of a picture that a client sends as text."""
    if not isinstance(text, str):
        raise bad_field(field, "a picture is sent as text, in base64", hint="encode the file")
    if _ADDRESS.match(text[:40]):
        raise bad_field(
            field, "addresses are not opened", hint="send the picture itself, in base64"
        )
    head = _DATA_URL.match(text[:400])
    try:
        data = base64.b64decode("".join(text[head.end() if head else 0 :].split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_field(
            field,
            "it is not base64",
            hint="send the bytes of a picture file, no path and no address",
        ) from None
    if not data:
        raise bad_field(field, "there is nothing in it", hint="send the bytes of a picture file")
    return data
