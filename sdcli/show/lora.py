"""What `sdcli lora show` says of a file: from its header, and against a model if one is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdcli.errors import BadRequest
from sdcli.show.fact_sheet import fact_key, in_words, with_rows
from sdcli.training.story import training_story
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.families import FAMILIES
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.lora.file import LoraFile, read_alphas, read_lora
from sdcli.weights.lora.fit import fit_lora
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET

COMPONENTS = {UNET: "U-Net", TEXT: "text encoder", TEXT_2: "second text encoder"}


@dataclass(frozen=True)
class ModelFit:
    """How much of a LoRA fits a model."""

    file: str
    family: str
    fits: int
    of: int
    misfits: Mapping[str, str]  # a module: why it does not


def _families_in_words(names: Iterable[str]) -> str:
    return " or ".join(FAMILIES[name].title if name in FAMILIES else name for name in names)


def _modules_in_words(modules: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in the {COMPONENTS[kind]}" for kind, count in modules.items())


def _span_in_words(values: Iterable[float]) -> str:
    least, most = min(values), max(values)
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _fit_in_words(fit: ModelFit) -> str:
    return f"{fit.fits} of {fit.of} modules of {fit.file}"


def _misfits(fit: ModelFit) -> Mapping[str, str]:
    return fit.misfits


@dataclass(frozen=True)
class LoraFacts:
    """Everything that a LoRA's header tells: what is not known is None."""

    file: str
    kind: str | None
    family: tuple[str, ...] | None = field(metadata=in_words(_families_in_words))
    trainer: str | None
    rank: tuple[int, ...] | None = field(metadata=in_words(_span_in_words))
    alpha: tuple[float, ...] | None = field(metadata=in_words(_span_in_words))
    dtype: str
    modules: Mapping[str, int] | None = field(metadata=in_words(_modules_in_words))
    triggers: tuple[str, ...] | None
    trained: Mapping[str, str] | None
    embeddings: tuple[str, ...] | None = field(metadata=fact_key("embeddings inside"))
    strange: tuple[str, ...] | None = field(metadata=fact_key("strange tensors"))
    model: ModelFit | None = field(metadata=with_rows("fits", _fit_in_words, _misfits))


def lora_facts(header: Header, model: Checkpoint | None = None) -> LoraFacts:
    """The facts of a LoRA, held against a model if one is given; any other file is refused."""
    row = find_file_kind(header)
    if row.name != "lora":
        raise BadRequest(f"`{header.path.name}` is {row.title}, not a LoRA", hint=row.hint)
    lora = read_lora(header)
    return LoraFacts(
        file=str(header.path),
        kind=lora.kind or None,
        family=lora.bases or None,
        trainer=lora.network or None,
        rank=lora.ranks or None,
        alpha=tuple(sorted(set(read_alphas(lora).values()))) or None,
        dtype=header.dtype,
        modules={kind: n for kind in COMPONENTS if (n := _count(lora, kind))} or None,
        triggers=lora.triggers or None,
        trained=training_story(header),
        embeddings=lora.bundled or None,
        strange=lora.unknown_tensors or None,
        model=None if model is None else _fit(header, model),
    )


def _count(lora: LoraFile, component: str) -> int:
    return sum(module.component == component for module in lora.modules)


def _fit(header: Header, model: Checkpoint) -> ModelFit:
    fit = fit_lora(header, model)
    return ModelFit(
        file=str(model.path),
        family=model.family.name,
        fits=len(fit.fits),
        of=len(fit.fits) + len(fit.misfits),
        misfits={misfit.name: misfit.why for misfit in fit.misfits},
    )
