"""Models that are kept elsewhere: fetched by name, once on each machine, held to their hashes.

The place has a `SHA256SUMS` beside the files, as `sha256sum *.safetensors > SHA256SUMS` writes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from sdcli.batch.shards import Sample
from sdcli.batch.store import FolderStore, Store, open_store
from sdcli.environment import add_models_folder
from sdcli.errors import BadRequest, SdcliError
from sdcli.folders import cache_folder
from sdcli.library.hashes import hash_file
from sdcli.library.open_file import is_ordinary_file
from sdcli.options.table import default_of
from sdcli.outputs.file_lock import lock_file
from sdcli.prompts.syntax import SYNTAXES
from sdcli.request import Request

SUMS = "SHA256SUMS"


class ModelSource:
    """A place with models, and the folder of this machine where they are from now on."""

    def __init__(self, address: str) -> None:
        self._store: Store = open_store(address)
        self.sums = read_sums(self._store)
        if isinstance(self._store, FolderStore):
            self.folder = self._store.folder
        else:
            name = hashlib.sha256(repr(sorted(self.sums.items())).encode()).hexdigest()[:16]
            self.folder = cache_folder() / "models-from" / name
        self._checked: set[str] = set()
        add_models_folder(self.folder)

    def fetch_for(self, samples: Iterable[Sample]) -> None:
        """Have every file here that the pictures name, if it is there."""
        wanted = {name for sample in samples for name in _names_in(sample.request)}
        for file, sha256 in self.sums.items():
            path = PurePosixPath(file)
            known = {file, path.name, path.stem, str(path.with_suffix(""))}
            if file not in self._checked and known & wanted:
                self._fetch(file, sha256)
                self._checked.add(file)

    def _fetch(self, file: str, sha256: str) -> None:
        path = self.folder / file
        if not isinstance(self._store, FolderStore):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_name(f".{path.name}.lock").open("ab") as lock:
                lock_file(lock, lambda: None)  # another worker of this machine is fetching it
                if not is_ordinary_file(path):
                    partial = path.with_name(f".{path.name}.part")
                    self._store.fetch(file, partial)
                    partial.replace(path)
        if hash_file(path).sha256 != sha256:
            if not isinstance(self._store, FolderStore):
                path.unlink(missing_ok=True)
            raise SdcliError(
                f"`{self._store.address}/{file}` is not what its {SUMS} says",
                hint="copy the file there again, or write its sums anew",
            )


def read_sums(store: Store) -> Mapping[str, str]:
    """The hash of each file, as `sha256sum` writes them."""
    if not store.has(SUMS):
        raise BadRequest(
            f"`{store.address}` has no {SUMS}",
            hint=f"`sha256sum *.safetensors > {SUMS}` writes it, beside the models",
        )
    found: dict[str, str] = {}
    for line in store.read(SUMS).decode("utf-8", "replace").splitlines():
        if match := re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line.strip()):
            name = PurePosixPath(match[2])
            if not name.is_absolute() and ".." not in name.parts:
                found[str(name)] = match[1].lower()
    return found


def _names_in(request: Request) -> Iterator[str]:
    """Everything that a request names of weights."""
    syntax = SYNTAXES[request.syntax or default_of("prompt-syntax")]
    _, tagged = syntax.extract_tags(request.prompt)
    yield from (name for name in (request.model, request.vae) if name)
    yield from (lora.name for lora in (*request.loras, *tagged))
    yield from request.embeddings
    yield from (control.name for control in request.controls)
