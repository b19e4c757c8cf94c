"""What every kind of output does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdcli.batch.staging import StagedSample
from sdcli.batch.store import Store

# The shard's name and its pictures, in their order, into the store; gives its files, with hashes.
WriteShard = Callable[[Store, str, Sequence[StagedSample]], Mapping[str, str]]
# The pictures in files of a shard, by their keys; of what is damaged, those that can be read.
ReadShard = Callable[[Store, Sequence[str]], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True)
class OutputKind:
    """One way to write the pictures of a shard."""

    name: str
    about: str
    write: WriteShard
    read: ReadShard
    libraries: tuple[tuple[str, str], ...] = ()  # modules that it needs, each with its extra
