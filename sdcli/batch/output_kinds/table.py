"""What a batch can be written as, by the word of `--to`."""

from __future__ import annotations

from collections.abc import Mapping

from sdcli.batch.output_kinds.folder import FOLDER
from sdcli.batch.output_kinds.imagefolder import IMAGEFOLDER
from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.output_kinds.parquet import PARQUET
from sdcli.batch.output_kinds.webdataset import WEBDATASET
from sdcli.errors import BadRequest
from sdcli.library.extras import import_extra
from sdcli.text import suggest

OUTPUT_KINDS: Mapping[str, OutputKind] = {
    row.name: row for row in (FOLDER, IMAGEFOLDER, WEBDATASET, PARQUET)
}


def find_output_kind(name: str) -> OutputKind:
    """The kind of this name, and whether it can be written here."""
    row = OUTPUT_KINDS.get(name.strip().lower())
    if row is None:
        raise BadRequest(
            f"no kind of output is called `{name}`",
            hint=f"{suggest(name, OUTPUT_KINDS)}one of {', '.join(OUTPUT_KINDS)}",
        )
    for module, extra in row.libraries:
        import_extra(module, extra, f"`--to {row.name}`")
    return row
