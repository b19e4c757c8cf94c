"""How much of a LoRA a model can wear, told from two headers; what cannot be worn is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.families import FAMILIES
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.lora.file import LoraFile, read_lora
from sdcli.weights.lora.key_names import read_key
from sdcli.weights.lora.kinds import NOT_WORN, LoraModule, find_wrong_length
from sdcli.weights.lora.module_names import (
    WeightName,
    WeightPlace,
    count_resnets,
    matrix_shape,
    weight_places,
)
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import UNET

SHOWN = 4  # how many misfits an error names


@dataclass(frozen=True)
class Misfit:
    """A module of a LoRA, or a tensor of it, that this model has no use for, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class LoraFit:
    """A LoRA against one model: the modules that fit, and what does not."""

    lora: LoraFile
    fits: tuple[LoraModule, ...]
    misfits: tuple[Misfit, ...]

    @property
    def share(self) -> float:
        """The share of the file's modules that fit: 1.0 is all."""
        return len(self.fits) / max(1, len(self.fits) + len(self.misfits))


def fit_lora(file: Header, model: Checkpoint) -> LoraFit:
    """Every module of a LoRA held against the model's own: its name, then its size."""
    places = weight_places(model.components)
    contents = read_lora(file, count_resnets(model.components[UNET].shapes))
    fits: list[LoraModule] = []
    misfits = [Misfit(key, _strange(key)) for key in contents.unknown_tensors]
    for module in contents.modules:
        why = _misfit(module, places)
        if why:
            misfits.append(Misfit(f"{module.component}.{module.name}", why))
        else:
            fits.append(module)
    return LoraFit(contents, tuple(fits), tuple(misfits))


def _misfit(module: LoraModule, places: Mapping[WeightName, WeightPlace]) -> str:
    """Why a module does not fit, or nothing."""
    bias = places.get(WeightName(module.component, module.name, "bias"))
    if "diff_b" in module.keys and (bias is None or bias.shape != module.shapes["diff_b"]):
        return (
            "the model has no such bias" if bias is None else _sizes(module.shapes["diff_b"], bias)
        )
    if "weight" not in module.parts:
        return ""
    weight = places.get(WeightName(module.component, module.name, "weight"))
    if weight is None:
        return "the model has no such module"
    if module.size is not None and module.size != matrix_shape(weight.shape):
        return _sizes(module.size, weight)
    return find_wrong_length(module, weight.shape)


def _strange(key: str) -> str:
    kind = _unworn_kind(key)
    return f"{kind}, which sdcli cannot wear" if kind else "of no kind that is known"


def _unworn_kind(key: str) -> str:
    """The kind of change that a tensor belongs to, where it is known and cannot be worn."""
    factor = read_key(key)
    return NOT_WORN.get(factor.factor, "") if factor else ""


def _sizes(size: tuple[int, ...], place: WeightPlace) -> str:
    there = place.shape if len(size) == 1 else matrix_shape(place.shape)
    return f"it is {'x'.join(map(str, size))}, the model's {'x'.join(map(str, there))}"


def check_fit(file: Header, model: Checkpoint, *, partial: bool = False) -> LoraFit:
    """How a model can wear a LoRA; one that it cannot, or only in part, is refused."""
    row = find_file_kind(file)
    if row.name != "lora":
        raise BadRequest(f"`{file.path.name}` is {row.title}, not a LoRA", hint=row.hint)
    fitted = fit_lora(file, model)
    _accept(fitted, model, partial=partial)
    return fitted


def _accept(fitted: LoraFit, model: Checkpoint, *, partial: bool) -> None:
    family = model.family
    file = fitted.lora.header.path.name
    if not fitted.lora.modules:
        raise BadRequest(
            f"`{file}` is no LoRA: {_instead(fitted.lora)}", hint="see what it is with `sdcli show`"
        )
    if fitted.lora.bases and family.base not in fitted.lora.bases:
        raise BadRequest(
            f"`{file}` is a LoRA for {_titles(fitted)}, the model is {family.title}",
            hint="choose a LoRA that was trained on this family, or another model",
        )
    if not fitted.fits:
        whose = _titles(fitted) or "a family it does not name"
        raise BadRequest(
            f"none of the {len(fitted.lora.modules)} modules of `{file}`, for {whose}, fits this "
            f"model, {family.title}: {_listed(fitted)}",
            hint=model.hint_other("a LoRA")
            if model.is_miniature
            else f"see `sdcli lora show {file}`",
        )
    if fitted.misfits and not partial:
        raise BadRequest(
            f"`{file}` fits this model only in part, {len(fitted.fits)} modules of "
            f"{len(fitted.fits) + len(fitted.misfits)}: {_listed(fitted)}",
            hint="wear the part that fits with --lora-partial",
        )


def _titles(fitted: LoraFit) -> str:
    return " or ".join(
        FAMILIES[base].title if base in FAMILIES else base for base in fitted.lora.bases
    )


def _listed(fitted: LoraFit) -> str:
    named = [f"{misfit.name}: {misfit.why}" for misfit in fitted.misfits[:SHOWN]]
    more = len(fitted.misfits) - len(named)
    return "; ".join([*named, f"and {more} more"] if more else named)


def _instead(contents: LoraFile) -> str:
    if contents.bundled:
        return "it holds only embeddings, which `--embedding` takes"
    kinds = [kind for key in contents.unknown_tensors if (kind := _unworn_kind(key))]
    if kinds:
        return f"it is an {kinds[0]}, a kind of change that sdcli cannot wear"
    return f"none of its {len(contents.header.tensors)} tensors is part of one"
