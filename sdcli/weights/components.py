"""A file's tensors sorted into the components of a model, each under the name its module uses."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.weights.safetensors import Header, Tensor
from sdcli.weights.tensor_names import (
    BARE,
    EMA_PREFIX,
    JUNK,
    PREFIXES,
    TABLES,
    TEXT,
    TEXT_2,
    UNET,
    VAE,
    Part,
    file_spelling,
    numbers_after,
    rename_tensor,
    with_dots,
)

Shape = tuple[int, ...]
NUMBERED = ("input_blocks", "output_blocks", "transformer.resblocks", "encoder.down", "decoder.up")
_CLIP = re.compile(r"(transformer\.)?(text_model\.)?(?=embeddings\.|encoder\.|final_layer_norm\.)")
_FUSED = re.compile(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)")
_TURNED = ("text_projection", "proj")  # OpenCLIP computes x @ it, a linear layer x @ weight.T
_TAESD = re.compile(r"(?:(encoder|decoder)\.layers\.)?\d+\.(weight|bias|conv\.)")


@dataclass(frozen=True)
class Component:
    """One module's tensors: where each comes from, and its shape."""

    kind: str
    prefix: str  # what stands before its names in the file
    parts: Mapping[str, Part]
    shapes: Mapping[str, Shape]
    table: Mapping[str, str]
    ema: bool = False

    def file_name(self, target: str) -> str:
        """The name that the file itself would have for a tensor of the module."""
        name = file_spelling(target, self.table)
        return EMA_PREFIX + name.replace(".", "") if self.ema else self.prefix + name


def sort_into_components(header: Header) -> tuple[dict[str, Component], tuple[str, ...]]:
    """The components a file holds, and the names that belong to none."""
    own: dict[str, dict[str, str]] = {}  # component -> its own name -> the file's name
    left: list[str] = []
    for name, kind, inner in _placed(header.tensors):
        if kind and own.setdefault(kind, {}).setdefault(inner, name) == name:
            continue
        left.append(name)
    ema = UNET not in own and any(name.startswith(EMA_PREFIX) for name in header.tensors)
    if ema:
        copies = [name for name in left if name.startswith(EMA_PREFIX)]
        own[UNET] = {with_dots(name.removeprefix(EMA_PREFIX)): name for name in copies}
        left = [name for name in left if not name.startswith(EMA_PREFIX)]
    if _is_refiner(own):
        own[TEXT_2] = own.pop(TEXT)  # its only encoder is SDXL's second
    components = {kind: make_component(kind, names, header.tensors) for kind, names in own.items()}
    if ema:
        unet = components[UNET]
        components[UNET] = Component(UNET, "", unet.parts, unet.shapes, unet.table, ema=True)
    return components, tuple(name for name in left if not JUNK.match(name))


def _is_refiner(own: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether this is SDXL with one text encoder, the one in OpenCLIP's names."""
    added = any("label_emb.0" in name or "add_embedding" in name for name in own.get(UNET, ()))
    return added and TEXT_2 not in own and "positional_embedding" in own.get(TEXT, ())


def _placed(names: Mapping[str, Tensor]) -> Iterator[tuple[str, str, str]]:
    """Each name with its component, or none, and its name inside it."""
    bare = not any(name.startswith(prefix) for prefix, _ in PREFIXES[:5] for name in names)
    for name in names:
        for prefix, kind in PREFIXES:
            if name.startswith(prefix):
                inner = name[len(prefix) :]
                yield name, kind, _CLIP.sub("", inner, count=1) if kind in (TEXT, TEXT_2) else inner
                break
        else:
            kind = next((kind for start, kind in BARE if bare and re.match(start, name)), "")
            yield name, kind, _CLIP.sub("", name, count=1) if kind == TEXT else name


def make_component(kind: str, names: Mapping[str, str], tensors: Mapping[str, Tensor]) -> Component:
    """A module's component: `names` are the module's own names, and what the file calls them."""
    table = TABLES[kind](names)
    parts: dict[str, Part] = {}
    for inner, name in names.items():
        if fused := _FUSED.fullmatch(inner):
            for third, letter in enumerate("qkv"):
                target = f"encoder.layers.{fused[1]}.self_attn.{letter}_proj.{fused[2]}"
                parts[target] = Part(name, third=third)
        else:
            target = rename_tensor(inner, table)
            parts.setdefault(target, Part(name, transposed=inner in _TURNED))
    shapes = {target: _shape(part, tensors[part.name].shape) for target, part in parts.items()}
    first_inner, first = next(iter(names.items()))
    return Component(kind, first.removesuffix(first_inner), parts, shapes, table)


def _shape(part: Part, shape: Shape) -> Shape:
    if part.third is not None:
        return (shape[0] // 3, *shape[1:]) if shape else shape
    return shape[::-1] if part.transposed else shape


def find_gap(component: Component) -> str | None:
    """The first numbered block that is missing while a later one is there, as the file names it."""
    inner = {part.name.removeprefix(component.prefix) for part in component.parts.values()}
    for blocks in NUMBERED:
        found = numbers_after(inner, blocks)
        if missing := sorted(set(range(len(found))) - set(found)):
            return f"{component.prefix}{blocks}.{missing[0]}"
    return None


@contextmanager
def gaps_named(path: Path, component: Component) -> Generator[None]:
    """A tensor that is not there, or not of the shape it must have, is named as the file would."""
    try:
        yield
    except KeyError as error:
        name = component.file_name(str(error.args[0]))
        raise BadRequest(
            f"`{path.name}` lacks the tensor `{name}`, or it is of a wrong shape",
            hint="the file is damaged: download or copy it again",
        ) from None
    except BadRequest as error:
        raise BadRequest(f"`{path.name}`: {error.fact}", hint=error.hint) from None


def is_taesd(component: Component) -> bool:
    """Whether this is one of the tiny autoencoders, which are another kind of module."""
    return component.kind == VAE and all(_TAESD.match(name) for name in component.parts)
