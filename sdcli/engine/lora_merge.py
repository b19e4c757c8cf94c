"""LoRAs baked into a checkpoint: the same layout, the same types, one tensor in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from sdcli import __version__
from sdcli.engine.lora import CPU, WeightChange, apply_changes, list_changes
from sdcli.engine.read_tensors import STORED_DTYPES, TensorReader
from sdcli.events import Listener
from sdcli.outputs.atomic import new_file
from sdcli.plan import Lora
from sdcli.planning.lora_jobs import Merge
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.safetensors import Tensor as Place
from sdcli.weights.safetensors import safetensors_head
from sdcli.weights.scaled import FORMATS_KEY

ChangesByTensor = Mapping[
    str, list[tuple[str, str, list[WeightChange]]]
]  # tensor: component, target, changes
MADE = "sdcli_merge"  # the metadata key that tells where the file comes from
NAMES = {dtype: name for name, dtype in STORED_DTYPES.items()}
UNTRUE = ("modelspec.hash_sha256", "sshs_model_hash", "sshs_legacy_hash", FORMATS_KEY)


def merge_loras(job: Merge, listener: Listener) -> None:
    """Write the checkpoint that wears the LoRAs for good."""
    tensors = job.model.header.tensors
    changes = _by_tensor(job.model, job.loras)
    with new_file(job.out, force=job.force) as file, TensorReader() as reader:
        file.write(safetensors_head(tensors, _metadata(job)))
        for done, tensor in enumerate(_merged(job.model, changes, reader), 1):
            _put(tensor, file)
            listener.on_progress(done, len(tensors))


def _merged(model: Checkpoint, changes: ChangesByTensor, reader: TensorReader) -> Iterator[Tensor]:
    """Every tensor of the file, in the order of its header."""
    for name, place in model.header.tensors.items():
        tensor = reader.read(place)
        for kind, target, of in changes.get(name, ()):
            _change(tensor, model, kind, target, of, reader)
        yield tensor


def _change(
    tensor: Tensor,
    model: Checkpoint,
    kind: str,
    target: str,
    of: list[WeightChange],
    reader: TensorReader,
) -> None:
    """Change a tensor, or the third of it that is meant, in place."""
    part = model.components[kind].parts[target]
    mine = tensor if part.third is None else tensor.chunk(3)[part.third]
    mine = mine.mT if part.transposed else mine
    apply_changes(mine, of, reader, CPU)


def _by_tensor(model: Checkpoint, loras: tuple[Lora, ...]) -> ChangesByTensor:
    changes: dict[str, list[tuple[str, str, list[WeightChange]]]] = {}
    for (kind, target), of in list_changes(model, loras).items():
        name = model.components[kind].parts[target].name
        changes.setdefault(name, []).append((kind, target, of))
    return changes


def _metadata(job: Merge) -> dict[str, str]:
    """What the file said of itself and is still true, and what was done to it."""
    kept = {key: text for key, text in job.model.header.metadata.items() if key not in UNTRUE}
    made = {
        "sdcli": __version__,
        "model": {"file": job.source.path.name, "sha256": job.source.sha256},
        "loras": [
            {
                "file": lora.file.path.name,
                "sha256": lora.file.sha256,
                "unet": lora.unet,
                "te": lora.te,
                "share": lora.share,
            }
            for lora in job.loras
        ],
    }
    return kept | {MADE: json.dumps(made)}


def _put(tensor: Tensor, file: BinaryIO) -> None:
    file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)


def write_tensors(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], file: BinaryIO
) -> None:
    """Tensors and metadata as a safetensors file."""
    places = {
        name: Place(NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()
    }
    file.write(safetensors_head(places, metadata))
    for tensor in tensors.values():
        _put(tensor, file)
