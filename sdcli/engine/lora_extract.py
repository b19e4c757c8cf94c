"""The LoRA between two checkpoints: what one has learnt since the other, at a rank."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from sdcli import __version__
from sdcli.engine.lora_merge import write_tensors
from sdcli.engine.read_tensors import STORED_DTYPES, TensorReader
from sdcli.errors import BadRequest
from sdcli.events import Listener
from sdcli.outputs.atomic import new_file
from sdcli.planning.lora_jobs import Extraction
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.lora.module_names import WeightName, WeightPlace, underscored, weight_places
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, Part, file_spelling

EXACT = 4  # up to this share of a matrix's side the whole decomposition is cheaper or no dearer
MORE, TURNS = 8, 4  # further directions, and rounds, for finding the largest ones
MADE = "sdcli_extract"


def extract_lora(job: Extraction, listener: Listener) -> None:
    """Write the LoRA that makes `base` into `tuned`, as near as its rank allows."""
    tuned, base = job.tuned, job.base
    ours, theirs = weight_places(tuned.components), weight_places(base.components)
    found: dict[str, Tensor] = {}
    with TensorReader() as reader:
        for done, (name, place) in enumerate(ours.items(), 1):
            new, old = _read(tuned, place, reader), _read(base, theirs[name], reader)
            if not torch.equal(new, old):
                found |= _module_tensors(tuned, name, place, new - old, job.rank)
            listener.on_progress(done, len(ours))
    if not found:
        raise BadRequest(
            f"`{tuned.path.name}` and `{base.path.name}` do not differ in U-Net or text encoder",
            hint="there is nothing between them to extract",
        )
    dtype = STORED_DTYPES[tuned.header.dtype]
    stored = {key: tensor.to(dtype).contiguous() for key, tensor in found.items()}
    with new_file(job.out, force=job.force) as file:
        write_tensors(stored, _metadata(job), file)


def _metadata(job: Extraction) -> dict[str, str]:
    tuned, base = job.sources
    made = {"sdcli": __version__, "tuned": tuned.sha256, "base": base.sha256, "rank": job.rank}
    return {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(job.rank),
        "ss_network_alpha": str(job.rank),
        "ss_base_model_version": job.tuned.family.kohya_base,
        MADE: json.dumps(made),
    }


def _read(model: Checkpoint, place: WeightPlace, reader: TensorReader) -> Tensor:
    source: Part = place.source
    found = reader.read(model.header.tensors[source.name], source.third).to(torch.float32)
    return (found.mT if source.transposed else found).reshape(place.shape)


def _module_tensors(
    model: Checkpoint, name: WeightName, place: WeightPlace, change: Tensor, rank: int
) -> Mapping[str, Tensor]:
    """A module's change under kohya's names: two factors, or the whole where it is a vector."""
    stem = kohya_module_name(model, name, place)
    if name.part == "bias":
        return {f"{stem}.diff_b": change}
    if change.ndim < 2:
        return {f"{stem}.w_norm": change}
    up, down = factorize(change.flatten(1), rank)
    kernel = [1] * (change.ndim - 2)
    return {
        f"{stem}.lora_up.weight": up.reshape(len(up), -1, *kernel),
        f"{stem}.lora_down.weight": down.reshape(-1, *change.shape[1:]),
        f"{stem}.alpha": torch.tensor(float(down.shape[0])),
    }


def kohya_module_name(model: Checkpoint, name: WeightName, place: WeightPlace) -> str:
    """What kohya's trainer calls a module: SDXL's U-Net by its checkpoint's names."""
    if name.component == UNET:
        if not model.family.unet_by_blocks:
            return f"lora_unet_{name.module}"
        inner = file_spelling(place.target, model.components[UNET].table).rpartition(".")[0]
        return f"lora_unet_{underscored(inner)}"
    if name.module == "text_projection":
        return "lora_te2_text_projection"
    lead = {TEXT: "lora_te1" if TEXT_2 in model.components else "lora_te", TEXT_2: "lora_te2"}
    return f"{lead[name.component]}_text_model_{name.module}"


def factorize(change: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Two matrices of this rank whose product is the nearest to `change` there is."""
    rank = min(rank, *change.shape)
    if rank * EXACT >= min(change.shape):
        left, sizes, right = torch.linalg.svd(change, full_matrices=False)
    else:
        left, sizes, right = _largest(change, rank + MORE)
    root = sizes[:rank].sqrt()
    return left[:, :rank] * root, root[:, None] * right[:rank]


def _largest(change: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The largest singular values and vectors alone (Halko and others, 0909.4061)."""
    dice = torch.Generator().manual_seed(0)  # the same LoRA every time
    seen = change @ torch.randn(change.shape[1], count, generator=dice)
    for _ in range(TURNS):
        seen = change @ (change.mT @ torch.linalg.qr(seen).Q)
    basis = torch.linalg.qr(seen).Q
    left, sizes, right = torch.linalg.svd(basis.mT @ change, full_matrices=False)
    return basis @ left, sizes, right
