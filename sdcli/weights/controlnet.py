"""What a ControlNet's header tells: its family, how it is built, and whether it fits a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.weights import model_config
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.components import Component, gaps_named
from sdcli.weights.families import FAMILIES
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import UNET, Part, rename_tensor, unet_table

# What may stand before a ControlNet's names; the first that does wins, so that one mixed
# with a whole checkpoint is found inside it.
PREFIXES = ("control_model.", "module.control_model.", "controlnet.", "module.", "")
DIFFERENCE = "difference"  # a mark: the tensors are what was added to the model's own
OWN = ("controlnet_cond_embedding.", "controlnet_down_blocks.", "controlnet_mid_block.")
HINT = "controlnet_cond_embedding"
# Other adapters under the same name, by a piece of a tensor's name.
OTHERS = (
    ("lllite_", "a ControlNet-LLLite"),
    ("lora_controlnet", "a Control-LoRA"),
    ("control_add_embedding", "a union ControlNet"),
    ("task_embedding", "a union ControlNet"),
)
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors")


@dataclass(frozen=True)
class ControlFile:
    """A ControlNet as its header describes it, its tensors under diffusers' names."""

    header: Header
    component: Component
    difference: bool

    @property
    def base(self) -> str:
        """The family whose models it steers."""
        shapes = self.component.shapes
        if model_config.added_embedding_width(shapes):
            return "sdxl"
        return "sd2" if model_config.has_linear_attention(shapes) else "sd1"


def controlnet_file(path: Path) -> Path:
    """The file of a ControlNet: itself, or the weights in a diffusers folder."""
    if not is_folder(path):
        return path
    found = [path / name for name in WEIGHTS if is_ordinary_file(path / name)]
    found += sorted(path.glob("*.safetensors")) or sorted(path.glob("*.bin"))
    if not found:
        raise BadRequest(f"no ControlNet lies in the folder `{path}`", hint="name its file")
    return found[0]


def read_controlnet(path: Path) -> ControlFile:
    """The ControlNet in a file; anything else is refused by what it is."""
    header = read_header(path)
    if other := next((what for mark, what in OTHERS if _marked(mark, header.tensors)), None):
        raise BadRequest(
            f"`{path.name}` is {other}, which sdcli cannot follow",
            hint="use a ControlNet of the usual kind",
        )
    row = find_file_kind(header)
    if row.name != "controlnet":
        raise BadRequest(f"`{path.name}` is {row.title}, not a ControlNet", hint=row.hint)
    prefix = next(p for p in PREFIXES if any(name.startswith(p) for name in header.tensors))
    named = {
        name.removeprefix(prefix): name
        for name in header.tensors
        if name.startswith(prefix) and not name.endswith(DIFFERENCE)
    }
    table = unet_table(named)
    parts = {rename_tensor(inner, table): Part(name) for inner, name in named.items()}
    shapes = {target: header.tensors[part.name].shape for target, part in parts.items()}
    component = Component(UNET, prefix, parts, shapes, table)
    return ControlFile(header, component, _marked(DIFFERENCE, header.tensors))


def _marked(mark: str, names: Collection[str]) -> bool:
    return any(mark in name for name in names)


def check_controlnet(path: Path, model: Checkpoint) -> ControlFile:
    """The ControlNet in a file, if this model can follow it: of its family, of its widths."""
    control = read_controlnet(path)
    if control.base != model.family.base:
        raise BadRequest(
            f"`{path.name}` is a ControlNet for {FAMILIES[control.base].title}, "
            f"the model is {model.family.title}",
            hint="choose a ControlNet of this family, or another model",
        )
    with gaps_named(path, control.component):
        theirs = _common_shape(control.component.shapes)
    with gaps_named(model.path, model.components[UNET]):
        ours = _common_shape(model.components[UNET].shapes)
    for what, side in theirs.items():
        if side != ours[what]:
            raise BadRequest(
                f"`{path.name}` does not fit this model: its {what} is {side}, not {ours[what]}",
                hint=model.hint_other("a ControlNet"),
            )
    controlnet_config(control, model)  # or an error that names what is missing
    return control


def _common_shape(shapes: model_config.Shapes) -> dict[str, Any]:
    """What a ControlNet and a U-Net must have alike."""
    levels = range(model_config.count_children(shapes, "down_blocks", model_config.MOST_LEVELS))
    inner = "down_blocks.{}.resnets.0.conv1.weight"
    return {
        "widths": [model_config.tensor_side(shapes, inner.format(level)) for level in levels],
        "depth": [
            model_config.count_children(shapes, f"down_blocks.{level}.resnets") for level in levels
        ],
        "text": model_config.text_context_width(shapes),
        "sizes": model_config.added_embedding_width(shapes),
    }


def controlnet_config(control: ControlFile, model: Checkpoint) -> dict[str, Any]:
    """The arguments of diffusers' `ControlNetModel`: shapes from the file, heads from the model."""
    with gaps_named(control.header.path, control.component):
        return _config(control.component.shapes, model.config(UNET))


def _config(shapes: model_config.Shapes, unet: Mapping[str, Any]) -> dict[str, Any]:
    levels = range(model_config.count_children(shapes, "down_blocks", model_config.MOST_LEVELS))
    down = [model_config.transformer_depths(shapes, f"down_blocks.{level}") for level in levels]
    middle = model_config.count_children(shapes, "mid_block.attentions.0.transformer_blocks")
    if not down or not all(down):
        raise KeyError("down_blocks.0.resnets.0.conv1.weight")
    deep = [row[0] or 1 for row in down]
    deep[-1] = middle or deep[-1]  # the middle block takes the depth that stands last
    alike = ("attention_head_dim", "norm_num_groups", "addition_embed_type")
    alike += ("addition_time_embed_dim", "projection_class_embeddings_input_dim")
    return {
        "in_channels": model_config.tensor_side(shapes, "conv_in.weight", 1),
        "conditioning_channels": model_config.tensor_side(shapes, f"{HINT}.conv_in.weight", 1),
        "conditioning_embedding_out_channels": _hint_widths(shapes),
        "block_out_channels": _common_shape(shapes)["widths"],
        "layers_per_block": len(down[0]),
        "down_block_types": ["CrossAttnDownBlock2D" if any(row) else "DownBlock2D" for row in down],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "cross_attention_dim": model_config.text_context_width(shapes)
        or unet["cross_attention_dim"],
        "transformer_layers_per_block": deep,
        "use_linear_projection": model_config.has_linear_attention(shapes),
        **{name: unet[name] for name in alike if name in unet},
    }


def _hint_widths(shapes: model_config.Shapes) -> list[int]:
    """The widths that a map grows through on its way into the network."""
    blocks = range(1, model_config.count_children(shapes, f"{HINT}.blocks"), 2)
    wider = [model_config.tensor_side(shapes, f"{HINT}.blocks.{block}.weight") for block in blocks]
    return [model_config.tensor_side(shapes, f"{HINT}.conv_in.weight"), *wider]
