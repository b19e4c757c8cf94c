"""`sdcli show`: what a file is, without waking torch."""

from __future__ import annotations

import json
import subprocess
import sys

import torch
from safetensors.torch import save_file

from tests.helpers import tiny


def test_a_checkpoint_is_shown_whole(sdcli, checkpoints):
    ran = sdcli("show", checkpoints("sd2-v"))
    assert (ran.code, ran.err) == (0, "")
    assert "sd2-v.safetensors: a Stable Diffusion 2 checkpoint\n" in ran.out
    for said in ("prediction    v", "text_encoder    tensors", "context 48", "dtype         F16"):
        assert said in ran.out


def test_every_layout_is_shown_as_one_json_object(sdcli, checkpoints):
    files = [checkpoints(layout) for layout in sorted(tiny.LAYOUTS)]
    ran = sdcli("show", "--json", *files)
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert [entry["file"] for entry in found] == [str(file) for file in files]
    assert {entry["kind"] for entry in found} == {"checkpoint"}
    assert all("missing" not in entry and "unused" not in entry for entry in found)


def test_what_a_file_says_and_lacks_is_shown(sdcli, tmp_path):
    tensors = {n: t for n, t in tiny.tensors("sd1").items() if not n.startswith("first_stage")}
    save_file(tensors | {"odd.one": torch.zeros(2)}, tmp_path / "x.safetensors", {"title": "[x]"})
    ran = sdcli("show", tmp_path / "x.safetensors")
    for said in ("missing       vae", "unused        odd.one", "title           [x]"):
        assert said in ran.out


def test_other_kinds_are_shown(sdcli, tmp_path):
    for name, tensors, said in (
        ("lora", {"lora_unet_mid_block_resnets_0_conv1.lora_down.weight": (4, 32, 3, 3),
                  "lora_unet_mid_block_resnets_0_conv1.lora_up.weight": (32, 4, 1, 1)}, "a LoRA"),
        ("word", {"emb_params": (3, 768)}, "vectors       3"),
        ("vae", tiny.vae(), "architecture  AutoencoderKL"),
        ("what", {"x": (1,)}, "nothing that sdcli knows"),
    ):  # fmt: skip
        save_file(tiny.filled(tensors), tmp_path / f"{name}.safetensors")
        ran = sdcli("show", tmp_path / f"{name}.safetensors")
        assert (ran.code, ran.err) == (0, "")
        assert said in ran.out


def test_what_cannot_be_read_is_said_and_the_rest_still_shown(sdcli, sd1, tmp_path):
    empty = tmp_path / "empty.safetensors"
    empty.touch()
    ran = sdcli("show", empty)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: `empty.safetensors` is empty\nhint: ")
    ran = sdcli("show", empty, sd1)
    assert (ran.code, "a Stable Diffusion 1 checkpoint" in ran.out) == (3, True)
    assert "is empty" in ran.err
    assert "1 of 2 files" in ran.err


def test_showing_wakes_no_torch(sdxl):
    probe = "import sys; from sdcli.cli.app import main; main(sys.argv[1:]); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", probe, "show", str(sdxl)], capture_output=True, text=True
    )
    assert not {"torch", "diffusers", "transformers"} & set(ran.stdout.split())
