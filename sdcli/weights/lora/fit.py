"""How much of a LoRA a model can wear, told from two headers; what cannot be worn is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.families import FAMILIES, Family
from sdcli.weights.file_kinds import kind_of
from sdcli.weights.lora import file as lora
from sdcli.weights.lora.file import LoraFile
from sdcli.weights.lora.kinds import Module
from sdcli.weights.lora.module_names import Name, Place, flat, layers, places
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import UNET

UNWORN = (".oft_blocks", ".oft_diag")
SHOWN = 4  # how many misfits an error names


@dataclass(frozen=True)
class Misfit:
    """A module of a LoRA, or a tensor of it, that this model has no use for, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Fit:
    """A LoRA against one model: the modules that fit, and what does not."""

    lora: LoraFile
    fits: tuple[Module, ...]
    misfits: tuple[Misfit, ...]

    @property
    def share(self) -> float:
        """The share of the file's modules that fit: 1.0 is all."""
        return len(self.fits) / max(1, len(self.fits) + len(self.misfits))


def fit(file: Header, model: Checkpoint) -> Fit:
    """Every module of a LoRA held against the model's own: its name, then its size."""
    found = places(model.components)
    told = lora.read(file, layers(model.components[UNET].shapes))
    fits: list[Module] = []
    misfits = [Misfit(key, _strange(key)) for key in told.strange]
    for module in told.modules:
        why = _misfit(module, found)
        if why:
            misfits.append(Misfit(f"{module.component}.{module.name}", why))
        else:
            fits.append(module)
    return Fit(told, tuple(fits), tuple(misfits))


def _misfit(module: Module, found: Mapping[Name, Place]) -> str:
    """Why a module does not fit, or nothing."""
    bias = found.get(Name(module.component, module.name, "bias"))
    if "diff_b" in module.keys and (bias is None or bias.shape != module.shapes["diff_b"]):
        return (
            "the model has no such bias" if bias is None else _sizes(module.shapes["diff_b"], bias)
        )
    if "weight" not in module.parts:
        return ""
    weight = found.get(Name(module.component, module.name, "weight"))
    if weight is None:
        return "the model has no such module"
    if module.size is not None and module.size != flat(weight.shape):
        return _sizes(module.size, weight)
    return ""


def _strange(key: str) -> str:
    return "OFT, which sdcli cannot wear" if key.endswith(UNWORN) else "of no kind that is known"


def _sizes(size: tuple[int, ...], place: Place) -> str:
    there = place.shape if len(size) == 1 else flat(place.shape)
    return f"it is {'x'.join(map(str, size))}, the model's {'x'.join(map(str, there))}"


def worn(file: Header, model: Checkpoint, *, partial: bool = False) -> Fit:
    """How a model can wear a LoRA; one that it cannot, or only in part, is refused."""
    row = kind_of(file)
    if row.name != "lora":
        raise BadRequest(f"`{file.path.name}` is {row.title}, not a LoRA", hint=row.hint)
    held = fit(file, model)
    _accept(held, model.family, partial=partial)
    return held


def _accept(held: Fit, family: Family, *, partial: bool) -> None:
    file = held.lora.header.path.name
    if not held.lora.modules:
        raise BadRequest(f"`{file}` is no LoRA: {_instead(held.lora)}")
    if held.lora.bases and family.base not in held.lora.bases:
        raise BadRequest(
            f"`{file}` is a LoRA for {_titles(held)}, the model is {family.title}",
            hint="choose a LoRA that was trained on this family, or another model",
        )
    if not held.fits:
        whose = _titles(held) or "a family it does not name"
        raise BadRequest(
            f"none of the {len(held.lora.modules)} modules of `{file}`, for {whose}, fits this "
            f"model, {family.title}: {_listed(held)}",
            hint=f"see `sdcli lora show {file}`",
        )
    if held.misfits and not partial:
        raise BadRequest(
            f"`{file}` fits this model only in part, {len(held.fits)} modules of "
            f"{len(held.fits) + len(held.misfits)}: {_listed(held)}",
            hint="wear the part that fits with --lora-partial",
        )


def _titles(held: Fit) -> str:
    return " or ".join(
        FAMILIES[base].title if base in FAMILIES else base for base in held.lora.bases
    )


def _listed(held: Fit) -> str:
    named = [f"{misfit.name}: {misfit.why}" for misfit in held.misfits[:SHOWN]]
    more = len(held.misfits) - len(named)
    return "; ".join([*named, f"and {more} more"] if more else named)


def _instead(told: LoraFile) -> str:
    if told.bundled:
        return "it holds only embeddings, which `--embedding` takes"
    if any(key.endswith(UNWORN) for key in told.strange):
        return "it is an OFT, a kind of change that sdcli cannot wear"
    return f"none of its {len(told.header.tensors)} tensors is part of one"
