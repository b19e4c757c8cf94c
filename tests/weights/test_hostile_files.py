"""Files of weights that are no such files, or say what cannot be: errors of ours, at once."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save_file

from sdcli.errors import BadRequest, SdcliError
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.lora.file import read_alphas, read_lora
from sdcli.weights.read_header import read_header
from tests.helpers import tiny

pytestmark = pytest.mark.slow

GOOD = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}


def written(path: Path, header: object, numbers: bytes = b"1234") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    return path


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": []},
        {"dtype": {}},
        {"dtype": None},
        {"dtype": 7},
        {"shape": [2, [1]]},
        {"shape": "22"},
        {"shape": [True, 2]},
        {"shape": [2.0]},
        {"shape": [int("9" * 4000), int("9" * 4000)]},
        {"shape": [1 << 47] * 16},
        {"shape": [1] * 5000},
        {"shape": [-2]},
        {"data_offsets": [0, int("9" * 4000)]},
        {"data_offsets": [0]},
        {"data_offsets": {"a": 1}},
        {"data_offsets": None},
    ],
    ids=str,
)
def test_a_tensor_that_cannot_be(tmp_path, entry):
    path = written(tmp_path / "x.safetensors", {"a": GOOD | entry})
    with pytest.raises(BadRequest, match="damaged|cut short"):
        read_header(path)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":' * 100_000,
        b'{"a":[' + b"[]," * 700_000 + b"[]]}",
        b'{"a":' + b"9" * 100_000 + b"}",
        b'{"' + b"n" * 100_000 + b'":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}',
        b'{"a":1}',
        b'{"a":"b"}',
        b'{"__metadata__":[1]}',
        b'{"__metadata__":{"a":{"b":1}}}',
    ],
    ids=range(8),
)
def test_a_header_that_is_none(tmp_path, text):
    try:
        assert read_header(written(tmp_path / "x.safetensors", text, b"")).tensors == {}
    except BadRequest as error:
        assert "damaged" in error.fact
        assert len(error.fact) < 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "big"),
        ("size", [512]),
        ("size", 1e9),
        ("steps", None),
        ("steps", True),
        ("cfg", "7"),
        ("cfg", [7]),
        ("scheduler", 7),
        ("clip_skip", 0),
        ("vae_scale", 0),
        ("vae_scale", {}),
        ("unet_heads", "4"),
        ("unet_heads", []),
        ("unet_groups", -1),
        ("text_heads", 0.5),
        ("zero_snr", "yes"),
        ("prediction", ["v"]),
        ("name", {"x": 1}),
    ],
)
def test_what_a_checkpoint_says_of_itself_in_a_wrong_kind(sdcli, tmp_path, name, value):
    path = tiny.write(tmp_path / "x.safetensors", metadata={name: value})
    with pytest.raises(BadRequest, match=f"gives a `{name}` that cannot be"):
        identify_checkpoint(path)
    ran = sdcli("txt2img", "a fox", "-m", path, "--dry-run")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("own", ["[]", "7", "null", "{", '"x"', "[" * 100_000])
def test_what_is_no_table_is_not_said(tmp_path, own):
    layout = replace(tiny.SD1, metadata=(("sdcli", own),))
    path = tiny.write(tmp_path / "x.safetensors", layout)
    assert identify_checkpoint(path).steps == 25


def test_pipes_devices_and_names_that_lead_nowhere(sdcli, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, what in (
        (tmp_path / "pipe", "is a pipe"),
        (Path("/dev/zero"), "is a device"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / ("n" * 300), "cannot be read"),
        (tmp_path / "gone", "there is no file"),
    ):
        with pytest.raises(SdcliError, match=what):
            read_header(path)
        ran = sdcli("show", path)
        assert ran.out == ""
        # A name that no file can have is none to look up, either.
        assert (what if len(path.name) < 300 else "there is no file") in ran.err
        assert ran.code in {1, 2}


def test_files_of_the_system(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    for name in ("status", "mem", "pagemap", "cmdline"):
        with pytest.raises(SdcliError):
            read_header(Path("/proc/self") / name)


@pytest.mark.parametrize("alpha", [1e12, float("inf"), float("nan"), int("9" * 400)])
def test_an_alpha_that_no_number_is(tmp_path, alpha):
    down, up = (
        "unet.mid_block.resnets.0.conv1.lora_A.weight",
        "unet.mid_block.resnets.0.conv1.lora_B.weight",
    )
    path = tmp_path / "adapter_model.safetensors"
    save_file(tiny.filled({down: (4, 32, 3, 3), up: (32, 4, 1, 1)}), path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}))
    with pytest.raises(BadRequest, match="PEFT's alpha"):
        read_alphas(read_lora(read_header(path)))


def test_a_pattern_of_peft_is_a_name_and_no_program(tmp_path):
    down, up = (
        "unet.mid_block.resnets.0.conv1.lora_A.weight",
        "unet.mid_block.resnets.0.conv1.lora_B.weight",
    )
    path = tmp_path / "adapter_model.safetensors"
    save_file(tiny.filled({down: (4, 32, 3, 3), up: (32, 4, 1, 1)}), path)
    patterns = {"(([a-z_0-9])+)+!": 9, "[": 8, "resnets.0.conv1": 2}
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({"lora_alpha": 1, "alpha_pattern": patterns})
    )
    assert list(read_alphas(read_lora(read_header(path))).values()) == [2.0]


def test_more_tensors_and_more_blocks_than_any_model_has(tmp_path):
    entry = {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}
    for names in ([f"a.{n}" for n in range(50_001)], [f"{'a.' * 400}{n}" for n in range(4_000)]):
        path = written(tmp_path / "x.safetensors", dict.fromkeys(names, entry), b"")
        with pytest.raises(BadRequest, match="more than any model has"):
            read_header(path)
    shapes = {f"unet.down_blocks.{n}.resnets.0.conv1.weight": (1, 1, 1, 1) for n in range(9)}
    shapes |= {"unet.conv_in.weight": (1, 4, 3, 3)}
    save_file(tiny.filled(shapes), tmp_path / "deep.safetensors")
    with pytest.raises(BadRequest, match="more than any model"):
        identify_checkpoint(tmp_path / "deep.safetensors").config("unet")


@pytest.mark.parametrize("name", ["conv_in.weight", "input_blocks.0.0.weight"])
def test_first_tensors_of_a_wrong_shape_are_named(sdcli, tmp_path, name):
    tensors = tiny.tensors("sd1")
    first = f"model.diffusion_model.{name}"
    tensors.pop("model.diffusion_model.input_blocks.0.0.weight")
    tensors[first] = tiny.filled({"x": (4,)})["x"]
    save_file(tensors, tmp_path / "x.safetensors")
    ran = sdcli("show", tmp_path / "x.safetensors")
    assert ran.code == 2
    assert "or it is of a wrong shape" in ran.err or "lacks its U-Net's first" in ran.err


def test_a_cross_attention_of_a_wrong_shape_is_named(sdcli, tmp_path):
    tensors = tiny.tensors("sd1")
    name = next(n for n in tensors if n.endswith("attn2.to_k.weight"))
    tensors[name] = tiny.filled({"x": (4,)})["x"]
    save_file(tensors, tmp_path / "x.safetensors")
    ran = sdcli("show", tmp_path / "x.safetensors")
    assert ran.code == 2
    assert f"lacks the tensor `{name}`, or it is of a wrong shape" in ran.err
