"""New files out of old ones: LoRAs baked into a checkpoint, and the LoRA between two checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdcli import plan, request
from sdcli.errors import BadRequest
from sdcli.library.find import find_checkpoint
from sdcli.library.hashes import hash_file
from sdcli.library.open_file import is_folder, is_there
from sdcli.outputs.atomic import check_free
from sdcli.plan import File
from sdcli.planning import adapters
from sdcli.weights import checkpoint
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.lora.module_names import weight_places

ENDING = ".safetensors"


@dataclass(frozen=True)
class Merge:
    """A checkpoint to be written anew with LoRAs in its weights."""

    model: Checkpoint
    source: File
    loras: tuple[plan.Lora, ...]
    out: Path
    force: bool


@dataclass(frozen=True)
class Extraction:
    """What one checkpoint has learnt since another, to be written as a LoRA of a rank."""

    tuned: Checkpoint
    base: Checkpoint
    sources: tuple[File, File]  # in that order
    rank: int
    out: Path
    force: bool


def plan_merge(
    model: str | None, loras: Sequence[request.Lora], out: Path, *, partial: bool, force: bool
) -> Merge:
    """The merge that was asked for; what cannot be merged is refused."""
    if not loras:
        raise BadRequest("there is nothing to merge", hint="name a LoRA: `--lora FILE[:WEIGHT]`")
    found = checkpoint.identify_checkpoint(find_checkpoint(model))
    if is_folder(found.path):
        raise BadRequest(
            f"`{found.path}` is a folder, and a merge writes one file of the same layout",
            hint="name a checkpoint in a single file",
        )
    held = adapters.find_loras(loras, found, partial=partial)
    _place(out, force, found)
    hashed = adapters.hash_loras(held)
    return Merge(found, hash_file(found.path), hashed, out, force)


def plan_extraction(
    tuned: str | None, base: str | None, rank: int, out: Path, *, force: bool
) -> Extraction:
    """The LoRA that was asked for; two checkpoints that cannot have one between them are refused."""
    ours, theirs = (checkpoint.identify_checkpoint(find_checkpoint(name)) for name in (tuned, base))
    _alike(ours, theirs)
    _place(out, force, ours, theirs)
    sources = hash_file(ours.path), hash_file(theirs.path)
    return Extraction(ours, theirs, sources, rank, out, force)


def _place(out: Path, force: bool, *sources: Checkpoint) -> None:
    """Refuse a name that is taken, is not a safetensors file's, or is that of a source."""
    if out.suffix.lower() != ENDING:
        raise BadRequest(f"`{out}` does not end with `{ENDING}`", hint="that is what is written")
    if any(is_there(out) and out.samefile(source.path) for source in sources):
        raise BadRequest(f"`{out}` is what would be read", hint="name another file")
    check_free(out, force=force)


def _alike(tuned: Checkpoint, base: Checkpoint) -> None:
    if tuned.family.base != base.family.base:
        raise BadRequest(
            f"`{tuned.path.name}` is {tuned.family.title}, `{base.path.name}` {base.family.title}",
            hint="a LoRA lies between two checkpoints of one family",
        )
    ours, theirs = weight_places(tuned.components), weight_places(base.components)
    for name, place in ours.items():
        other = theirs.get(name)
        if other is None or other.shape != place.shape:
            there = "not there" if other is None else f"{list(other.shape)}"
            raise BadRequest(
                f"`{place.source.name}` is {list(place.shape)} in `{tuned.path.name}`, "
                f"{there} in `{base.path.name}`",
                hint="a LoRA lies between two checkpoints of the same shape",
            )
