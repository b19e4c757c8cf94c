"""The files that requests can name, by that program's names for them: only what is listed is found."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sdcli.errors import SdcliError
from sdcli.library.find import BUILTIN, list_models
from sdcli.library.hashes import file_state, hash_file, known_hash
from sdcli.library.listed_only import listed_only
from sdcli.server.http.failures import HttpFailure
from sdcli.server.http.settings import ServeSettings
from sdcli.weights.checkpoint import kind_name
from sdcli.weights.embedding import EmbeddingFile, read_embedding
from sdcli.weights.read_header import read_header

CHECKPOINT, VAE, LORA, EMBEDDING = "checkpoint", "vae", "lora", "embedding"
UPSCALER = "upscaler"
SHORT = 10  # digits of a hash that stand behind a name
_TITLE = re.compile(r"(?P<name>.+?) \[(?P<hash>[0-9a-f]{8,64})\]", re.I)


@dataclass(frozen=True)
class Item:
    """A file with a name."""

    name: str  # as `sdcli models` lists it
    path: Path

    @property
    def file_name(self) -> str:
        """Its name with the ending; of where it lies on this machine nobody is told."""
        return f"{self.name}{self.path.suffix}"

    @property
    def model_name(self) -> str:
        """Its name, folders in it spelled as that program spells them."""
        return self.name.replace("\\", "_").replace("/", "_")

    @property
    def word(self) -> str:
        """What a prompt calls it: the last part of its name."""
        return self.path.stem.removeprefix(f"{BUILTIN}-")

    @property
    def sha256(self) -> str | None:
        """Its hash, where that is known without reading all of it."""
        return known_hash(self.path)

    @property
    def title(self) -> str:
        """What models are shown and chosen by: the name and, where it is known, the hash."""
        return f"{self.file_name} [{self.sha256[:SHORT]}]" if self.sha256 else self.file_name

    def is_called(self, wanted: str) -> bool:
        """Whether a client means this one: by its title, by one of its names, or by its hash."""
        if titled := _TITLE.fullmatch(wanted):
            # Which is to be drawn with, so that its hash is wanted anyway.
            return titled["name"].lower() in self._names and hash_file(self.path).sha256.startswith(
                titled["hash"].lower()
            )
        by_hash = len(wanted) >= SHORT and (self.sha256 or "").startswith(wanted.lower())
        return by_hash or wanted.lower() in self._names

    @property
    def _names(self) -> set[str]:
        names = (self.name, self.file_name, self.model_name, self.path.name, self.path.stem)
        return {each.lower() for each in (*names, self.word)}


class Shelf:
    """What is listed on this machine, as it is now."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings

    def items(self, kind: str) -> list[Item]:
        """All files of a kind."""
        return [item for item in self._all() if _is(kind, item)]

    def embeddings(self, words: Container[str] | None = None) -> Iterator[EmbeddingFile]:
        """The embeddings that can be read: all of them, or those that these words mean."""
        for item in self._all():
            if (words is None or item.word.lower() in words) and _is(EMBEDDING, item):
                with suppress(SdcliError):
                    yield read_embedding(item.path)

    def model(self, wanted: str | None) -> Item:
        """The checkpoint that a client means; with none named, the server's own."""
        return self.find(
            CHECKPOINT, wanted or self._settings.model, "sd_model_checkpoint", status=404
        )

    def find(self, kind: str, wanted: str, field: str, status: int = 422) -> Item:
        """The one file of a kind that is called so. No path is opened because it is named."""
        found = [item for item in self._all() if item.is_called(wanted) and _is(kind, item)]
        exact = [item for item in found if wanted in (item.name, item.file_name, item.title)]
        if len(exact or found) == 1:
            return (exact or found)[0]
        some = f"{len(found)} files of the kind {kind} are" if found else f"no {kind} is"
        raise HttpFailure(
            status,
            f"`{field}`: {some} called `{wanted[:100]}`",
            hint="name one as it is listed",
            field=field,
        )

    def _all(self) -> Iterator[Item]:
        with listed_only(self._settings.more_models):
            listed = list(list_models())
        yield from (Item(name, path) for name, path in listed)


def _is(kind: str, item: Item) -> bool:
    return _kind(item.path, file_state(item.path)) == kind


@lru_cache(maxsize=4_096)
def _kind(path: Path, state: tuple[str, ...]) -> str:
    """What a file is, for as long as it is the same; nothing where it cannot be read."""
    try:
        return kind_name(read_header(path))
    except SdcliError:
        return ""
