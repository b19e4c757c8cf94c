"""What a file is, from its header alone: its kind, and for a checkpoint all that drawing needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.library.open_file import is_ordinary_file
from sdcli.weights import model_config
from sdcli.weights.components import Component, find_gap, gaps_named, is_taesd, sort_into_components
from sdcli.weights.families import FAMILIES, OTHER_CHANNELS, Family
from sdcli.weights.file_kinds import FOREIGN, LARGER, find_file_kind
from sdcli.weights.own_metadata import read_own_metadata
from sdcli.weights.prediction_type import detect_prediction
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE

DOWNLOAD_AGAIN = "the file is damaged: download or copy it again"
TITLES = {
    UNET: "U-Net",
    VAE: "VAE",
    TEXT: "text encoder",
    TEXT_2: "second text encoder",
}


@dataclass(frozen=True)
class Checkpoint:
    """A model as its header tells it. The defaults are the file's own, else its family's."""

    header: Header
    family: Family
    components: Mapping[str, Component]
    unused: tuple[str, ...]  # tensors that belong to no component
    prediction: str  # eps, v, x0
    zero_snr: bool
    size: int
    steps: int
    cfg: float
    scheduler: str
    clip_skip: int
    vae_scale: float
    own_metadata: Mapping[str, Any]  # the file's own words about itself
    recognised: str = ""  # as what few-step model its defaults are, or those of a LoRA with it

    @property
    def path(self) -> Path:
        """The file, or the folder."""
        return self.header.path

    @property
    def name(self) -> str:
        """What it calls itself, else its file's name without the ending."""
        return str(self.own_metadata.get("name") or self.path.stem)

    @property
    def missing(self) -> tuple[str, ...]:
        """The components that its family needs and this file does not hold."""
        return tuple(kind for kind in self.family.components if kind not in self.components)

    @property
    def is_miniature(self) -> bool:
        """Whether it is smaller than its family, whose adapters then do not fit it."""
        unet = self.components[UNET]
        with gaps_named(self.path, unet):
            width = model_config.text_context_width(unet.shapes)
        return width not in (0, self.family.text_width)

    def hint_other(self, what: str) -> str:
        """What to do where something made for this family does not fit this model."""
        if self.is_miniature:
            return (
                f"this model is a miniature of {self.family.title}: name a whole one with `-m FILE`"
            )
        return f"use {what} for {self.family.title}, or another model"

    def config(self, kind: str) -> dict[str, Any]:
        """The arguments of the class that a component is built with."""
        if kind not in self._configs:
            self._configs[kind] = self._find_config(kind)
        return dict(self._configs[kind])

    @cached_property
    def _configs(self) -> dict[str, dict[str, Any]]:
        """What was found before: a batch asks for every picture."""
        return {}

    def _find_config(self, kind: str) -> dict[str, Any]:
        with gaps_named(self.path, self.components[kind]):
            found = self._config(kind, self.components[kind].shapes)
        theirs = self.header.configs.get(kind, {})
        return found | {key: value for key, value in theirs.items() if not key.startswith("_")}

    def _config(self, kind: str, shapes: model_config.Shapes) -> dict[str, Any]:
        own = self.own_metadata
        if kind == UNET:
            heads = own.get("unet_heads", self.family.unet_heads)
            found = model_config.unet_config(
                shapes, heads=heads, norm_groups=own.get("unet_groups")
            )
            if wide := found.get("projection_class_embeddings_input_dim"):
                found["addition_time_embed_dim"] = self._time_width(wide)
            return found
        if kind == VAE:
            return vae_config(self.components[VAE], self.vae_scale, own.get("vae_groups"))
        act = self.family.act if kind == TEXT else "gelu"
        return model_config.text_config(shapes, act=act, heads=own.get("text_heads"))

    def _time_width(self, added: int) -> int:
        """How wide each of SDXL's sizes is embedded: 256 in the real ones."""
        second = self.components.get(TEXT_2)
        projection = second.shapes.get("text_projection.weight") if second else (1280,)
        pooled = projection[0] if projection else 0
        return (added - pooled) // self.family.size_numbers


def vae_config(vae: Component, scale: float, norm_groups: int | None = None) -> dict[str, Any]:
    """The arguments of a VAE's class, which is another one for a TAESD."""
    if is_taesd(vae):
        return model_config.taesd_config(vae.shapes)
    return model_config.autoencoder_config(vae.shapes, scale=scale, norm_groups=norm_groups)


def kind_name(header: Header) -> str:
    """What a file is, in a word: checkpoint, lora, embedding, controlnet, vae, upscaler, ..."""
    return find_file_kind(header).name


def identify_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file or folder; an error that says what it is instead."""
    if not is_ordinary_file(path):
        return checkpoint_from_header(read_header(path))
    status = path.stat()
    sign = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _identified(path, path.absolute(), sign)


@lru_cache(maxsize=4)  # a sweep asks for every cell
def _identified(path: Path, _place: Path, _sign: tuple[int, ...]) -> Checkpoint:
    return checkpoint_from_header(read_header(path))


def checkpoint_from_header(header: Header) -> Checkpoint:
    """The checkpoint that a header describes."""
    components, left = sort_into_components(header)
    row = find_file_kind(header)
    whole = UNET in components and "conv_in.weight" in components[UNET].shapes
    if row.name in FOREIGN or (row.name != "checkpoint" and not whole):
        raise BadRequest(f"`{header.path.name}` is {row.title}, not a checkpoint", hint=row.hint)
    if not whole:
        raise BadRequest(
            f"`{header.path.name}` lacks its U-Net's first tensors", hint=DOWNLOAD_AGAIN
        )
    if missing := next(filter(None, map(find_gap, components.values())), None):
        raise BadRequest(
            f"`{header.path.name}` lacks every tensor of `{missing}`", hint=DOWNLOAD_AGAIN
        )
    _check_numbers(header, components)
    own = read_own_metadata(header)
    family = _family(header, components)
    components = {
        kind: part for kind, part in components.items() if kind in (UNET, VAE, TEXT, TEXT_2)
    }
    model = Checkpoint(
        header=header,
        family=family,
        components=components,
        unused=left,
        prediction="eps",
        zero_snr=False,
        size=own.get("size", family.size),
        steps=own.get("steps", family.steps),
        cfg=float(own.get("cfg", family.cfg)),
        scheduler=own.get("scheduler", family.scheduler),
        clip_skip=own.get("clip_skip", _clip_skip(family, components)),
        vae_scale=float(own.get("vae_scale", family.vae_scale)),
        own_metadata=own,
    )
    predicts, zero_snr = detect_prediction(header, components[UNET], family, own)
    size = model.size
    if predicts == "v" and family.size_of_velocity and "size" not in own:
        size = family.size_of_velocity
    return replace(model, prediction=predicts, zero_snr=zero_snr, size=size)


def _check_widths(checkpoint: Checkpoint, *, other_vae: bool) -> None:
    """Refuse components that were not made for each other."""
    unet, parts = checkpoint.config(UNET), checkpoint.components
    texts = [checkpoint.config(kind)["hidden_size"] for kind in (TEXT, TEXT_2) if kind in parts]
    meetings = [("reads text", unet["cross_attention_dim"], "its text encoders write", sum(texts))]
    if not other_vae and not is_taesd(parts[VAE]):
        latents = checkpoint.config(VAE)["latent_channels"]
        meetings.append(("draws latents", unet["out_channels"], "its VAE decodes", latents))
        cell = model_config.vae_cell(parts[VAE].shapes)
        meetings.append(("is for cells", checkpoint.family.cell, "its VAE's cells are", cell))
    for ours, wide, theirs, other in meetings:
        if wide and wide != other:
            raise BadRequest(
                f"the parts of `{checkpoint.path.name}` are not of one model: its U-Net {ours} "
                f"{wide} wide, {theirs} {other}",
                hint="use the file as its maker published it",
            )


def _check_numbers(header: Header, components: Mapping[str, Component]) -> None:
    """Refuse weights in 8-bit integers: whatever they stand for, it is not said how."""
    for component in components.values():
        for part in component.parts.values():
            tensor = header.tensors[part.name]
            if tensor.dtype in ("I8", "U8") and len(tensor.shape) > 1:
                raise BadRequest(
                    f"`{header.path.name}` stores `{part.name}` as {tensor.dtype}: "
                    "it is quantised in a way that sdcli does not know",
                    hint=LARGER,
                )


def require_components(checkpoint: Checkpoint, *, other_vae: bool) -> None:
    """Nothing, or an error that says which components are missing and what to pass."""
    missing = [kind for kind in checkpoint.missing if kind != VAE or not other_vae]
    if not missing:
        _check_widths(checkpoint, other_vae=other_vae)
        return
    names = " and no ".join(TITLES[kind] for kind in missing)
    hint = (
        "name one with `--vae FILE`"
        if missing == [VAE] and checkpoint.family.task != "enlarge"
        else "use a checkpoint that holds all of it"
    )
    raise BadRequest(f"`{checkpoint.path.name}` holds no {names}", hint=hint)


def _family(header: Header, components: Mapping[str, Component]) -> Family:
    unet = components[UNET]
    with gaps_named(header.path, unet):
        channels = model_config.tensor_side(unet.shapes, "conv_in.weight", 1)
        base = _base(components)
    for family in FAMILIES.values():
        if (family.base, family.channels) == (base, channels):
            return family
    what = OTHER_CHANNELS.get(channels, f"a checkpoint whose U-Net takes {channels} channels")
    raise BadRequest(
        f"`{header.path.name}` is {what}, which sdcli cannot draw with",
        hint="it draws with 4 channels, inpaints with 9, edits with 8 and enlarges with SD 2's 7",
    )


def _base(components: Mapping[str, Component]) -> str:
    """Told by what holds at any size: the added embedding, the attention's first layer."""
    shapes = components[UNET].shapes
    if model_config.added_embedding_width(shapes):
        last = model_config.count_children(shapes, "down_blocks") - 1
        alone = TEXT_2 in components and TEXT not in components
        deepest = model_config.transformer_depths(shapes, f"down_blocks.{last}")
        return "sdxl-refiner" if alone or not any(deepest) else "sdxl"
    if model_config.text_context_width(shapes) == 768:  # however its attention is stored
        return "sd1"
    second = TEXT in components and "positional_embedding" in components[TEXT].table
    return "sd2" if second or model_config.has_linear_attention(shapes) else "sd1"


def _clip_skip(family: Family, components: Mapping[str, Component]) -> int:
    """SD 2 stops before the last of 24 layers; some files have cut that one off already."""
    if family.base == "sd2" and TEXT in components:
        return (
            1 if model_config.count_children(components[TEXT].shapes, "encoder.layers") == 23 else 2
        )
    return family.clip_skip
