"""The one file that shows a picture while it is drawn: refreshed at every step, never half-written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from sdcli.errors import BadRequest
from sdcli.library import find as store
from sdcli.request import Output
from sdcli.weights.vae import find_vae

Show = Callable[[Image.Image], None]
MARK = "Software", "sdcli preview"  # by which an older preview is known, and may be replaced


def checked(output: Output) -> None:
    """Refuse a preview that cannot be kept: before a model is loaded."""
    if output.preview_vae is not None:
        if output.preview is None:
            raise BadRequest("`--preview-vae` shows nothing without `--preview FILE`")
        find_vae(store.find_adapter(output.preview_vae))
    path = output.preview
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise BadRequest(f"the preview `{path}` does not end with `.png`", hint="call it view.png")
    if not path.parent.is_dir() or path.is_dir():
        raise BadRequest(f"`{path}` cannot be written: no such folder", hint="make it first")
    if os.path.lexists(path) and not output.force and not _ours(path):
        raise BadRequest(
            f"`{path}` exists and is no preview", hint="`--force` replaces it; or name another"
        )


def _ours(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.info.get(MARK[0]) == MARK[1]
    except (UnidentifiedImageError, OSError, ValueError):
        return False


def shown(path: Path) -> Show:
    """What puts an image in the place of the last."""
    text = PngInfo()
    text.add_text(*MARK)
    beside = path.with_name(f".{path.name}.{os.getpid()}")

    def show(image: Image.Image) -> None:
        try:
            image.save(beside, "PNG", pnginfo=text, compress_level=1)
            beside.replace(path)
        except OSError:  # a picture is worth more than the sight of it: go on drawing
            beside.unlink(missing_ok=True)

    return show
