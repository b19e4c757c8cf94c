"""The LoRAs and ControlNets of a request, found and held against the model by their headers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sdcli import plan, request
from sdcli.images.load import load_picture
from sdcli.library.find import LORA, find_adapter
from sdcli.library.hashes import hash_file
from sdcli.options.adapter_values import ControlSpec
from sdcli.plan import File
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.controlnet import check_controlnet, controlnet_file
from sdcli.weights.embedding import BUNDLED
from sdcli.weights.lora import fit
from sdcli.weights.read_header import read_header


def find_loras(
    asked: Iterable[request.Lora], model: Checkpoint, *, partial: bool
) -> tuple[plan.Lora, ...]:
    """Each LoRA with the share of it that fits, its file not hashed yet; or the first refusal."""
    found: list[plan.Lora] = []
    for wanted in asked:
        path = find_adapter(wanted.name, LORA)
        held = fit.check_fit(read_header(path), model, partial=partial)
        found.append(plan.Lora(File(path, ""), wanted.unet, wanted.te, held.share))
    return tuple(found)


def loras_with_embeddings(found: Iterable[plan.Lora]) -> list[Path]:
    """The LoRAs that carry embeddings along, whose words are known wherever they are worn."""
    paths = [lora.file.path for lora in found]
    return [
        path for path in paths if any(key.startswith(BUNDLED) for key in read_header(path).tensors)
    ]


def find_controls(asked: Iterable[request.Control], model: Checkpoint) -> tuple[plan.Control, ...]:
    """Each ControlNet and its picture, neither hashed yet; or the first refusal."""
    found: list[plan.Control] = []
    for wanted in map(ControlSpec().check, asked):
        path = controlnet_file(find_adapter(wanted.name, "ControlNet"))
        check_controlnet(path, model)
        load_picture(wanted.image, "control picture")
        found.append(
            plan.Control(
                File(path, ""),
                File(wanted.image, ""),
                wanted.weight,
                wanted.start,
                wanted.end,
                wanted.preprocessor,
            )
        )
    return tuple(found)


def hash_loras(found: Iterable[plan.Lora]) -> tuple[plan.Lora, ...]:
    """The same with their files hashed."""
    return tuple(replace(lora, file=hash_file(lora.file.path)) for lora in found)


def hash_controls(found: Iterable[plan.Control]) -> tuple[plan.Control, ...]:
    """The same with their files and pictures hashed."""
    return tuple(
        replace(each, file=hash_file(each.file.path), image=hash_file(each.image.path))
        for each in found
    )
