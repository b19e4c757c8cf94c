"""What an upscaler is, told by its header."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdcli.errors import BadRequest
from sdcli.weights.safetensors import Header, Tensor
from sdcli.weights.upscaler import OTHER, RRDB, SRVGG, Upscaler, upscaler_from_header

Shapes = dict[str, tuple[int, ...]]


def conv(before: int, after: int) -> tuple[int, ...]:
    return (after, before, 3, 3)


def with_biases(weights: Shapes) -> Shapes:
    biases = {
        name.replace("weight", "bias"): shape[:1]
        for name, shape in weights.items()
        if len(shape) == 4
    }
    return weights | biases


def rrdb(doublings: int = 2, first: int = 3, width: int = 64, growth: int = 32) -> Shapes:
    shapes = {"conv_first.weight": conv(first, width), "conv_body.weight": conv(width, width)}
    for r in (1, 2, 3):
        for k in range(5):
            after = width if k == 4 else growth
            shapes[f"body.0.rdb{r}.conv{k + 1}.weight"] = conv(width + k * growth, after)
    shapes |= {f"conv_up{k + 1}.weight": conv(width, width) for k in range(doublings)}
    shapes |= {"conv_hr.weight": conv(width, width), "conv_last.weight": conv(width, 3)}
    return with_biases(shapes)


def srvgg(scale: int = 4, layers: int = 16, width: int = 64) -> Shapes:
    shapes: Shapes = {"body.0.weight": conv(3, width), "body.1.weight": (width,)}
    for k in range(1, layers + 1):
        shapes |= {f"body.{2 * k}.weight": conv(width, width), f"body.{2 * k + 1}.weight": (width,)}
    return with_biases(shapes | {f"body.{2 * layers + 2}.weight": conv(width, 3 * scale**2)})


def read(shapes: Shapes, form: str = "safetensors") -> Upscaler:
    tensors = {name: Tensor("F16", shape, Path(os.devnull)) for name, shape in shapes.items()}
    return upscaler_from_header(Header(Path("some.pth"), form, tensors))


@pytest.mark.parametrize(
    ("doublings", "first", "scale"), [(2, 3, 4), (1, 3, 2), (0, 3, 1), (2, 12, 2), (2, 48, 1)]
)
def test_an_rrdb_is_told_by_its_shapes(doublings: int, first: int, scale: int) -> None:
    found = read(rrdb(doublings, first))
    assert (found.architecture, found.scale) == (RRDB, scale)
    assert found.config["width"] == 64 and found.config["growth"] == 32
    assert found.config["blocks"] == 1


@pytest.mark.parametrize("prefix", ["", "params_ema.", "module."])
def test_a_compact_one_is_told_by_its_shapes(prefix: str) -> None:
    found = read({prefix + name: shape for name, shape in srvgg(2, 32).items()})
    assert (found.architecture, found.scale) == (SRVGG, 2)
    assert (found.config["layers"], found.config["width"]) == (32, 64)


def test_a_missing_tensor_is_named_as_the_file_would() -> None:
    shapes = {name: shape for name, shape in rrdb().items() if name != "conv_last.weight"}
    with pytest.raises(BadRequest, match="`some.pth` lacks the tensor `conv_last.weight`"):
        read(shapes)


def test_more_in_a_block_than_is_built_is_another_architecture() -> None:
    found = read(rrdb() | {"body.0.rdb1.conv1x1.weight": (32, 64, 1, 1)})
    assert (found.architecture, found.scale) == (OTHER, None)
    assert read({"conv_first.weight": conv(3, 60), "layers.0.x": (3,)}).architecture == OTHER


@pytest.mark.parametrize(
    "shapes", [rrdb(first=4), rrdb(doublings=0, first=12), srvgg() | {"body.0.weight": conv(1, 64)}]
)
def test_what_draws_no_colours_is_refused(shapes: Shapes) -> None:
    with pytest.raises(BadRequest, match="no picture in colour"):
        read(shapes)


def test_no_program_is_run_and_no_other_file_taken() -> None:
    with pytest.raises(BadRequest, match="no code of a file is run here"):
        read(rrdb(), "torchscript")
    with pytest.raises(BadRequest, match="Stable Diffusion's x4 upscaler") as caught:
        read({"model.diffusion_model.input_blocks.0.0.weight": conv(7, 256)})
    assert "`sdcli upscale PICTURE --with FILE` takes it" in caught.value.hint
    with pytest.raises(BadRequest, match="`some.pth` is a LoRA, not an upscaler"):
        read({"lora_unet_x.lora_down.weight": (4, 320)})
