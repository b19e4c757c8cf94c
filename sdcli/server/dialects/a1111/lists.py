"""What there is, as that program lists it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.errors import SdcliError
from sdcli.images.upscalers import UPSCALERS
from sdcli.schedulers.table import SOLVERS, SPACINGS, Solver
from sdcli.server.dialects.a1111.extras import RESIZERS
from sdcli.server.dialects.a1111.shelf import CHECKPOINT, LORA, UPSCALER, VAE, Item, Shelf
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.embedding import embedding_fits, encoder_widths
from sdcli.weights.read_header import read_header
from sdcli.weights.upscaler import read_upscaler

AUTOMATIC = {"name": "automatic", "label": "Automatic", "aliases": None, "default_rho": -1.0}
_RHOS = {"karras": 7.0}
_OF_MODEL = ("uniform", "karras", "exponential", "kl-optimal")  # need no model to be reckoned


def samplers() -> list[dict[str, Any]]:
    """Those of that program's samplers that are drawn here, by its names."""
    return [
        {
            "name": row.a1111,
            "aliases": [name for name in row.other_names if name.startswith("k_")],
            "options": _sampler_options(row),
        }
        for row in SOLVERS.values()
        if row.a1111
    ]


def _sampler_options(row: Solver) -> dict[str, Any]:
    told = {
        "scheduler": row.a1111_automatic,
        "uses_ensd": not row.deterministic,
        "second_order": row.evaluations == 2,
        "discard_next_to_last_sigma": "a1111" in row.discards_penultimate,
    }
    return {name: value for name, value in told.items() if value}


def schedulers() -> list[dict[str, Any]]:
    """Its schedule types, for all samplers that take one."""
    rows = [row for row in SPACINGS.values() if row.a1111]
    return [
        {**AUTOMATIC, "need_inner_model": False},
        *(
            {
                "name": row.a1111.lower().replace(" ", "_"),
                "label": row.a1111,
                "aliases": [row.a1111.replace(" ", "")] if " " in row.a1111 else None,
                "default_rho": _RHOS.get(row.name, -1.0),
                "need_inner_model": row.name not in _OF_MODEL,
            }
            for row in rows
        ),
    ]


def upscalers(shelf: Shelf) -> list[dict[str, Any]]:
    """What makes a picture larger: by plain arithmetic, or by an upscaler's file before a second pass."""
    empty = dict.fromkeys(("model_name", "model_path", "model_url"))
    files = [
        {**empty, "name": item.name, "model_name": item.model_name, "scale": _scale(item)}
        for item in shelf.items(UPSCALER)
    ]
    return [*({"name": name, **empty, "scale": 4.0} for name in RESIZERS), *files]


def _scale(item: Item) -> float:
    try:
        return float(read_upscaler(item.path).scale or 4)
    except SdcliError:
        return 4.0


def latent_upscale_modes() -> list[dict[str, Any]]:
    """What makes latents larger before a second pass."""
    return [{"name": row.a1111} for row in UPSCALERS.values() if row.of_latents]


def models(shelf: Shelf) -> list[dict[str, Any]]:
    """The checkpoints."""
    return [
        {
            "title": item.title,
            "model_name": item.model_name,
            "hash": item.sha256[:10] if item.sha256 else None,
            "sha256": item.sha256,
            "filename": item.file_name,
            "config": None,
        }
        for item in shelf.items(CHECKPOINT)
    ]


def vaes(shelf: Shelf) -> list[dict[str, Any]]:
    """The VAEs beside those of the checkpoints."""
    return [{"model_name": item.file_name, "filename": item.file_name} for item in shelf.items(VAE)]


def loras(shelf: Shelf) -> list[dict[str, Any]]:
    """The LoRAs, each by the two names by which a tag in a prompt may call it."""
    return [
        {
            "name": item.name,
            "alias": item.path.stem,
            "path": item.file_name,
            "metadata": dict(_metadata(item)),
        }
        for item in shelf.items(LORA)
    ]


def _metadata(item: Item) -> Mapping[str, str]:
    try:
        return read_header(item.path).metadata
    except SdcliError:
        return {}


def embeddings(shelf: Shelf, model: Item) -> dict[str, Any]:
    """The embeddings: those that fit the model, and the others."""
    found: dict[str, dict[str, Any]] = {"loaded": {}, "skipped": {}}
    widths = encoder_widths(identify_checkpoint(model.path))
    for file in shelf.embeddings():
        place = "loaded" if embedding_fits(file, widths) else "skipped"
        found[place][file.word] = {
            "step": None,
            "sd_checkpoint": None,
            "sd_checkpoint_name": None,
            "shape": max(file.widths.values()),
            "vectors": file.vectors,
        }
    return found
