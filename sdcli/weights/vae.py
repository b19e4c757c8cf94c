"""A VAE in a file of its own: every layout they are shared in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.components import Component, gaps_named, is_taesd, sort_into_components
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.model_config import tensor_side, vae_cell
from sdcli.weights.read_header import read_component_header, read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import UNET, VAE, Part


def find_vae(path: Path) -> tuple[Header, Component]:
    """The VAE in a file: also a whole checkpoint's, or that of a TAESD's half beside its other."""
    header = _header(path)
    components, _ = sort_into_components(header)
    vae = components.get(VAE)
    if vae is None:
        row = find_file_kind(header)
        raise BadRequest(f"`{path.name}` is {row.title}, not a VAE", hint=row.hint)
    if any(name[0].isdigit() for name in vae.parts):
        return _taesd(path)
    halves = [
        half for half in ("encoder", "decoder") if not any(half in name for name in vae.parts)
    ]
    if halves:
        raise BadRequest(
            f"`{path.name}` holds a VAE without its {halves[0]}", hint="use a whole one"
        )
    return header, vae


def _header(path: Path) -> Header:
    """Of a file, a diffusers model, or the folder of a VAE alone."""
    if not is_folder(path) or is_folder(path / "unet"):
        return read_header(path)
    folder = path / VAE if is_folder(path / VAE) else path
    return read_component_header(folder, VAE)


def check_vae(path: Path, model: Checkpoint) -> Path:
    """The same path, once its header has shown a VAE for latents like the model's."""
    _, vae = find_vae(path)
    first = "decoder.layers.0.weight" if is_taesd(vae) else "decoder.conv_in.weight"
    with gaps_named(path, vae):
        channels = tensor_side(vae.shapes, first, 1)
        cell = model.family.cell if is_taesd(vae) else vae_cell(vae.shapes)
    wanted = model.config(UNET)["out_channels"]
    if channels != wanted:
        raise BadRequest(
            f"`{path.name}` is a VAE for latents of {channels} channels, not {wanted}",
            hint=f"use one made for {model.family.title}",
        )
    if cell != model.family.cell:
        raise BadRequest(
            f"`{path.name}` is a VAE for pictures {cell} times as large as their latents, "
            f"not {model.family.cell}",
            hint=f"use one made for {model.family.title}",
        )
    return path


def _taesd(path: Path) -> tuple[Header, Component]:
    """TAESD's two files as one VAE; its decoder's clamp has no place among diffusers' layers."""
    halves: dict[str, Header] = {}
    for half, other in (("encoder", "decoder"), ("decoder", "encoder")):
        file = path if half in path.name else path.with_name(path.name.replace(other, half))
        if half not in file.name or not is_ordinary_file(file):
            raise BadRequest(
                f"`{path.name}` is one half of a TAESD",
                hint=f"put `taesd_{half}` beside `taesd_{other}`",
            )
        halves[half] = read_header(file)
    tensors = {
        f"{half}.{name}": tensor
        for half, header in halves.items()
        for name, tensor in header.tensors.items()
    }
    header = replace(halves["decoder"], path=path, tensors=tensors)
    parts = {_layer(name): Part(name) for name in tensors}
    shapes = {_layer(name): tensor.shape for name, tensor in tensors.items()}
    table = {name.rpartition(".")[0]: _layer(name).rpartition(".")[0] for name in tensors}
    return header, Component(VAE, "", parts, shapes, table)


def _layer(name: str) -> str:
    half, number, rest = name.split(".", 2)
    return f"{half}.layers.{int(number) - (half == 'decoder')}.{rest}"
