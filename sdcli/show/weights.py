"""What a file of weights is: its kind, its family, its parts, its own words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.show.fact_sheet import HEADING, INLINE, fact_key, fact_lines, in_words
from sdcli.show.upscaler import UpscalerFacts, upscaler_facts
from sdcli.training.story import training_story
from sdcli.weights.checkpoint import Checkpoint, checkpoint_from_header
from sdcli.weights.clip_file import clip_from_header
from sdcli.weights.components import Component, is_taesd, sort_into_components
from sdcli.weights.controlnet import read_controlnet
from sdcli.weights.embedding import read_embedding
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.lora.file import read_lora
from sdcli.weights.model_config import count_children, transformer_depths
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE, VISION


@dataclass(frozen=True)
class ComponentFacts:
    """One module of a checkpoint; a damaged one has nothing but that."""

    damaged: str | None = None
    tensors: int | None = None
    parameters: int | None = None
    channels: int | None = None
    widths: list[int] | None = None
    depths: list[int] | None = None
    context: int | None = None
    averaged: bool | None = None
    architecture: str | None = None
    layers: int | None = None
    width: int | None = None


@dataclass(frozen=True)
class CheckpointFacts:
    """What a model is, and how it is drawn with unless something else is asked."""

    name: str
    family: str
    prediction: str
    zero_snr: bool
    size: int
    steps: int
    cfg: float
    scheduler: str
    clip_skip: int
    components: Mapping[str, ComponentFacts]
    missing: tuple[str, ...] | None
    unused: tuple[str, ...] | None


@dataclass(frozen=True)
class VaeFacts:
    """How a VAE is built."""

    architecture: str | None = None


@dataclass(frozen=True)
class LoraSummary:
    """What a LoRA changes; `sdcli lora show` says more."""

    changes: str
    families: tuple[str, ...] = field(metadata=fact_key("for"))
    modules: int
    ranks: tuple[int, ...]
    triggers: tuple[str, ...]
    strange: tuple[str, ...] | None


@dataclass(frozen=True)
class EmbeddingFacts:
    """The word of a textual inversion."""

    word: str
    vectors: int
    widths: Mapping[str, int]
    family: str = field(metadata=fact_key("for"))
    trained: Mapping[str, str] | None


@dataclass(frozen=True)
class ControlNetFacts:
    """Whom a ControlNet steers."""

    families: tuple[str, ...] = field(metadata=fact_key("for"))
    difference: bool


@dataclass(frozen=True)
class ClipFacts:
    """Which CLIP it is, and what of it is there."""

    clip: str | None
    activation: str
    sees: str | None  # the size to which pictures are brought
    towers: Mapping[str, ComponentFacts]
    meets: int | None  # how wide the space is in which pictures and words meet


def _size_in_words(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.2f} MB"


def _scaled_in_words(count: int) -> str:
    return f"{count:,} tensors are stored in 8 bits with a scale, and multiplied out when read"


Details = (
    CheckpointFacts
    | VaeFacts
    | LoraSummary
    | EmbeddingFacts
    | ControlNetFacts
    | ClipFacts
    | UpscalerFacts
)


@dataclass(frozen=True)
class WeightsFacts:
    """Everything that a file's header tells, in the order in which it is worth reading."""

    file: str = field(metadata=HEADING)
    kind: str = field(metadata=HEADING)
    title: str = field(metadata=HEADING)
    details: Details | None = field(metadata=INLINE)
    form: str
    dtype: str
    scaled: int | None = field(metadata=in_words(_scaled_in_words))
    tensors: int
    parameters: int
    bytes: int = field(metadata=in_words(_size_in_words))
    metadata: Mapping[str, str]


def weights_facts(path: Path) -> WeightsFacts:
    """The facts of a file of weights or of a diffusers folder."""
    header = read_header(path)
    kind = find_file_kind(header)
    title, details = kind.title, _details(kind.name, header)
    if isinstance(details, tuple):
        title, details = details
    return WeightsFacts(
        file=str(path),
        kind=kind.name,
        title=title,
        details=details,
        form=header.form,
        dtype=header.dtype,
        scaled=header.scaled or None,
        tensors=len(header.tensors),
        parameters=sum(tensor.count for tensor in header.tensors.values()),
        bytes=header.size,
        metadata=dict(header.metadata),
    )


def weights_lines(facts: WeightsFacts) -> list[str]:
    """The facts for people: what it is on the first line, the rest under it."""
    return fact_lines(facts, f"{facts.file}: {facts.title}")


def _details(kind: str, header: Header) -> Details | tuple[str, Details] | None:
    return DETAILS[kind](header) if kind in DETAILS else None


def _checkpoint(header: Header) -> tuple[str, Details]:
    model = checkpoint_from_header(header)
    facts = CheckpointFacts(
        name=model.name,
        family=model.family.name,
        prediction=model.prediction,
        zero_snr=model.zero_snr,
        size=model.size,
        steps=model.steps,
        cfg=model.cfg,
        scheduler=model.scheduler,
        clip_skip=model.clip_skip,
        components={
            kind: _component(model, part) for kind, part in sorted(model.components.items())
        },
        missing=model.missing or None,
        unused=model.unused or None,
    )
    return f"a {model.family.title} checkpoint", facts


def _component(checkpoint: Checkpoint, part: Component) -> ComponentFacts:
    try:
        config = checkpoint.config(part.kind)
    except BadRequest as error:
        return ComponentFacts(damaged=error.fact)
    tensors = len({piece.name for piece in part.parts.values()})
    parameters = sum(math.prod(shape) for shape in part.shapes.values())
    if part.kind == UNET:
        widths = config["block_out_channels"]
        levels = range(len(widths))
        depths = [max(transformer_depths(part.shapes, f"down_blocks.{level}")) for level in levels]
        return ComponentFacts(
            tensors=tensors,
            parameters=parameters,
            channels=config["in_channels"],
            widths=widths,
            depths=depths,
            context=config["cross_attention_dim"],
            averaged=part.ema or None,
        )
    if part.kind in (TEXT, TEXT_2):
        layers, width = config["num_hidden_layers"], config["hidden_size"]
        return ComponentFacts(tensors=tensors, parameters=parameters, layers=layers, width=width)
    return ComponentFacts(tensors=tensors, parameters=parameters, architecture=_architecture(part))


def _architecture(vae: Component) -> str:
    return "TAESD" if is_taesd(vae) else "AutoencoderKL"


def _vae(header: Header) -> Details:
    part = sort_into_components(header)[0].get(VAE)
    return VaeFacts(_architecture(part) if part else None)


def _lora(header: Header) -> Details:
    lora = read_lora(header)
    return LoraSummary(
        changes=lora.kind,
        families=lora.bases,
        modules=len(lora.modules),
        ranks=lora.ranks,
        triggers=lora.triggers,
        strange=lora.unknown_tensors or None,
    )


def _embedding(header: Header) -> Details:
    embedding = read_embedding(header.path)
    return EmbeddingFacts(
        word=embedding.word,
        vectors=embedding.vectors,
        widths=dict(embedding.widths),
        family=embedding.made_for,
        trained=training_story(header),
    )


def _control(header: Header) -> Details:
    control = read_controlnet(header.path)
    return ControlNetFacts((control.base,), control.difference)


def _clip(header: Header) -> tuple[str, Details]:
    clip = clip_from_header(header)
    towers: dict[str, ComponentFacts] = {}
    for kind, part in clip.towers.items():
        layers = count_children(part.shapes, "encoder.layers")
        tensors = len({piece.name for piece in part.parts.values()})
        parameters = sum(math.prod(shape) for shape in part.shapes.values())
        towers[kind] = ComponentFacts(tensors=tensors, parameters=parameters, layers=layers or None)
    image = clip.shape.image if clip.shape else None
    facts = ClipFacts(
        clip=clip.title or None,
        activation=clip.activation or "nothing tells: `FILE:quick_gelu` or `FILE:gelu` says it",
        sees=f"{image}x{image}" if image else None,
        towers=towers,
        meets=clip.meets,
    )
    half = "" if clip.is_whole else "'s image tower" if VISION in towers else "'s text tower"
    return f"a CLIP{half}", facts


DETAILS: Mapping[str, Callable[[Header], Details | tuple[str, Details]]] = {
    "checkpoint": _checkpoint,
    "vae": _vae,
    "lora": _lora,
    "embedding": _embedding,
    "controlnet": _control,
    "clip": _clip,
    "upscaler": upscaler_facts,
}
