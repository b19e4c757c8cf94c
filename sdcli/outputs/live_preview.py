"""The one file that shows a picture while it is drawn: refreshed at every step, never half-written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from PIL.PngImagePlugin import PngInfo

from sdcli.errors import BadRequest, SdcliError
from sdcli.events import SilentListener, Step
from sdcli.images.open_picture import DAMAGED, open_picture
from sdcli.library.find import find_adapter
from sdcli.library.open_file import is_folder
from sdcli.outputs.atomic import check_name, write_file
from sdcli.request import Output
from sdcli.weights.vae import find_vae

MARK = "Software", "sdcli preview"  # by which an older preview is known, and may be replaced


def check_preview(output: Output) -> None:
    """Refuse a preview that cannot be kept: before a model is loaded."""
    if output.preview_vae is not None:
        if output.preview is None:
            raise BadRequest(
                "`--preview-vae` shows nothing without `--preview FILE`",
                hint="add it, or leave both away",
            )
        find_vae(find_adapter(output.preview_vae, "TAESD"))
    path = output.preview
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise BadRequest(f"the preview `{path}` does not end with `.png`", hint="call it view.png")
    if not is_folder(path.parent) or is_folder(path):
        raise BadRequest(f"`{path}` cannot be written: no such folder", hint="make it first")
    check_name(path)
    if os.path.lexists(path) and not output.force and not _is_preview(path):
        raise BadRequest(
            f"`{path}` exists and is no preview", hint="`--force` replaces it; or name another"
        )


def _is_preview(path: Path) -> bool:
    try:
        with open_picture(path) as image:
            return image.info.get(MARK[0]) == MARK[1]
    except (SdcliError, *DAMAGED):
        return False


class PreviewFile(SilentListener):
    """Writes the picture that is being drawn into one file, anew at every step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = PngInfo()
        self._text.add_text(*MARK)

    def on_step(self, step: Step) -> None:
        """Put the picture that this step is on the way to in the place of the last."""
        image = step.preview()

        def fill(file: BinaryIO) -> None:
            image.save(file, "PNG", pnginfo=self._text, compress_level=1)

        with suppress(SdcliError):  # a picture is worth more than the sight of it: go on drawing
            write_file(self._path, fill, durable=False)
