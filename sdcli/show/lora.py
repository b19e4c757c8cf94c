"""What `sdcli lora show` says of a file: from its header, and against a model if one is named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.families import FAMILIES
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.lora import file as lora
from sdcli.weights.lora.file import LoraFile
from sdcli.weights.lora.fit import fit_lora
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET

PARTS = {UNET: "U-Net", TEXT: "text encoder", TEXT_2: "second text encoder"}


def lora_facts(header: Header, model: Checkpoint | None = None) -> dict[str, Any]:
    """Everything, as data: what is not known is not there."""
    row = find_file_kind(header)
    if row.name != "lora":
        raise BadRequest(f"`{header.path.name}` is {row.title}, not a LoRA", hint=row.hint)
    told = lora.read_lora(header)
    found: dict[str, Any] = {
        "file": str(header.path),
        "kind": told.kind,
        "family": list(told.bases),
        "trainer": told.network,
        "rank": list(told.ranks),
        "alpha": sorted(set(lora.read_alphas(told).values())),
        "dtype": header.dtype,
        "modules": {kind: count for kind in PARTS if (count := _count(told, kind))},
        "triggers": list(told.triggers),
        "embeddings inside": list(told.bundled),
        "strange tensors": list(told.unknown_tensors),
    }
    if model is not None:
        held = fit_lora(header, model)
        found["model"] = {
            "file": str(model.path),
            "family": model.family.name,
            "fits": len(held.fits),
            "of": len(held.fits) + len(held.misfits),
            "misfits": {misfit.name: misfit.why for misfit in held.misfits},
        }
    return {key: value for key, value in found.items() if value not in ("", [], {})}


def _count(told: LoraFile, component: str) -> int:
    return sum(module.component == component for module in told.modules)


def lora_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for people: a heading and a line each."""
    lines: dict[str, str] = {}
    for key, value in found.items():
        if key == "model":
            lines["fits"] = f"{value['fits']} of {value['of']} modules of {value['file']}"
            lines |= {f"  {name}": why for name, why in value["misfits"].items()}
        else:
            lines[key] = _words(key, value)
    return list(lines.items())


def _words(key: str, value: Any) -> str:
    if key == "family":
        return " or ".join(FAMILIES[name].title if name in FAMILIES else name for name in value)
    if key == "modules":
        return ", ".join(f"{count} in the {PARTS[kind]}" for kind, count in value.items())
    if key in ("rank", "alpha"):
        return _span(value)
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[Any]", value)))
    return str(value)


def _span(values: Iterable[float]) -> str:
    least, most = min(values), max(values)
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"
