"""What a file of weights is, as facts to read: its kind, its family, its parts, its own words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.weights import controlnet as control
from sdcli.weights import embedding
from sdcli.weights import model_config as anatomy
from sdcli.weights.checkpoint import Checkpoint, checkpoint_from_header, read_header
from sdcli.weights.components import Component, is_taesd, sort_into_components
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.lora import file as lora
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE

Facts = dict[str, Any]


def weights_facts(path: Path) -> Facts:
    """Everything that a file's header tells, in the order in which it is worth reading."""
    header = read_header(path)
    kind = find_file_kind(header)
    found: Facts = {"file": str(path), "kind": kind.name, "title": kind.title}
    found |= TELLERS.get(kind.name, _nothing)(header)
    found |= {
        "form": header.form,
        "dtype": header.dtype,
        "tensors": len(header.tensors),
        "parameters": sum(tensor.count for tensor in header.tensors.values()),
        "bytes": header.size,
        "metadata": dict(header.metadata),
    }
    return found


def _nothing(_header: Header) -> Facts:
    return {}


def _checkpoint(header: Header) -> Facts:
    found = checkpoint_from_header(header)
    told: Facts = {
        "name": found.name,
        "family": found.family.name,
        "title": f"a {found.family.title} checkpoint",
        "prediction": found.prediction,
        "zero_snr": found.zero_snr,
        "size": found.size,
        "steps": found.steps,
        "cfg": found.cfg,
        "scheduler": found.scheduler,
        "clip_skip": found.clip_skip,
        "components": {
            kind: _component(found, part) for kind, part in sorted(found.components.items())
        },
    }
    told |= {"missing": list(found.missing)} if found.missing else {}
    told |= {"unused": list(found.unused)} if found.unused else {}
    return told


def _component(checkpoint: Checkpoint, part: Component) -> Facts:
    try:
        config = checkpoint.config(part.kind)
    except BadRequest as error:
        return {"damaged": error.fact}
    told = _numbers(part)
    if part.kind == UNET:
        widths = config["block_out_channels"]
        depths = [
            max(anatomy.transformer_depths(part.shapes, f"down_blocks.{level}"))
            for level in range(len(widths))
        ]
        told |= {"channels": config["in_channels"], "widths": widths, "depths": depths}
        told |= {"context": config["cross_attention_dim"]} | (
            {"averaged": True} if part.ema else {}
        )
    elif part.kind == VAE:
        told |= _vae_numbers(part)
    elif part.kind in (TEXT, TEXT_2):
        told |= {"layers": config["num_hidden_layers"], "width": config["hidden_size"]}
    return told


def _numbers(part: Component) -> Facts:
    return {
        "tensors": len({piece.name for piece in part.parts.values()}),
        "parameters": sum(math.prod(shape) for shape in part.shapes.values()),
    }


def _vae_numbers(part: Component) -> Facts:
    return {"architecture": "TAESD" if is_taesd(part) else "AutoencoderKL"}


def _vae(header: Header) -> Facts:
    part = sort_into_components(header)[0].get(VAE)
    return _vae_numbers(part) if part else {}


def _lora(header: Header) -> Facts:
    found = lora.read_lora(header)
    return {
        "changes": found.kind,
        "for": list(found.bases),
        "modules": len(found.modules),
        "ranks": list(found.ranks),
        "triggers": list(found.triggers),
    } | ({"strange": list(found.unknown_tensors)} if found.unknown_tensors else {})


def _embedding(header: Header) -> Facts:
    found = embedding.read_embedding(header.path)
    return {
        "word": found.word,
        "vectors": found.vectors,
        "widths": dict(found.widths),
        "for": found.made_for,
    }


def _control(header: Header) -> Facts:
    found = control.read_controlnet(header.path)
    return {"for": [found.base], "difference": found.difference}


TELLERS: Mapping[str, Callable[[Header], Facts]] = {
    "checkpoint": _checkpoint,
    "vae": _vae,
    "lora": _lora,
    "embedding": _embedding,
    "controlnet": _control,
}


def weights_lines(found: Facts) -> list[str]:
    """The facts for people: what it is on the first line, the rest under it."""
    text = [f"{found['file']}: {found['title']}"]
    for name, value in found.items():
        if name in ("file", "title", "kind") or value in ([], {}):
            continue
        if isinstance(value, dict):
            text += [f"  {name}", *_inner(cast("Facts", value))]
        else:
            text.append(f"  {name.replace('_', ' '):<14}{_plain(name, value)}")
    return text


def _inner(held: Facts) -> list[str]:
    """A table's rows: a component with its numbers, a metadata key with its text."""
    rows: list[str] = []
    for name, value in held.items():
        if isinstance(value, dict):
            numbers = cast("Facts", value).items()
            value = ", ".join(f"{key} {_plain(key, number, ' ')}" for key, number in numbers)
        rows.append(f"    {name:<16}{_short(str(value))}")
    return rows


def _plain(name: str, value: Any, between: str = ", ") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "bytes":
        return f"{value / 1e9:.2f} GB" if value >= 1e8 else f"{value / 1e6:.2f} MB"
    if isinstance(value, list | tuple):
        return _short(between.join(map(str, cast("list[Any]", value))))
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)


def _short(text: str) -> str:
    """One line of it; a file's metadata can hold a whole dataset's tags."""
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:159]}…"
