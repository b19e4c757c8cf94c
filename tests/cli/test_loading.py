"""Model files through the front door: every form draws the same, and what is wrong is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import save_file

from tests.helpers import tiny

DRAW = ("txt2img", "a cat", "--steps", 2, "--seed", 1, "-W", 64, "-H", 64)


def drawn(sdcli: Callable, *words: object) -> Image.Image:
    """The picture that one more run draws."""
    ran = sdcli(*DRAW, *words)
    assert ran.code == 0, ran.err
    return Image.open(ran.out.strip()).convert("RGB")


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is None


def as_pickle(path: Path) -> Path:
    torch.save({"state_dict": tiny.tensors("sd1"), "global_step": 7}, path)
    return path


def as_junk(path: Path) -> Path:
    junk = {"model_ema.num_updates": torch.zeros(()), "loss.logvar": torch.zeros(3)}
    save_file(tiny.tensors("sd1") | junk, path)
    return path


def under_aliases(path: Path) -> Path:
    aliases = (
        ("model.diffusion_model.", "unet."),
        ("first_stage_model.", "vae."),
        ("cond_stage_model.transformer.", "te1."),
    )
    tensors = {}
    for name, tensor in tiny.tensors("sd1").items():
        prefix, alias = next((row for row in aliases if name.startswith(row[0])), ("", ""))
        tensors[alias + name.removeprefix(prefix)] = tensor
    save_file(tensors, path)
    return path


def in_parts(path: Path) -> Path:
    from sdcli.engine.build import build_modules
    from sdcli.weights.checkpoint import identify_checkpoint

    whole = tiny.write(path.with_name("whole.safetensors"))
    modules = build_modules(identify_checkpoint(whole))
    for name in ("unet", "vae", "text_encoder"):
        getattr(modules, name).save_pretrained(path / name)
    return path


@pytest.mark.parametrize("form", [as_pickle, as_junk, under_aliases, in_parts])
def test_every_form_of_a_model_draws_the_same_picture(sdcli, sd1, tmp_path, form):
    expected = drawn(sdcli, "-m", sd1)
    assert same(drawn(sdcli, "-m", form(tmp_path / "model")), expected)


@pytest.mark.parametrize("layout", ["sd1-nai", "sd1-ema-only", "sd1-ema-beside", "sd2-v", "ssd-1b"])
def test_every_layout_draws(sdcli, checkpoints, layout):
    picture = drawn(sdcli, "-m", checkpoints(layout))
    assert picture.size == (64, 64)
    assert len(set(picture.getdata())) > 50


def test_models_and_vaes_are_named_without_their_folder(sdcli, tmp_path, own_folders):
    folder = own_folders / "models"
    tiny.write(folder / "Fox.safetensors")
    save_file(tiny.filled(tiny.vae(), seed=9), folder / "glow.safetensors")
    plain, other = drawn(sdcli, "-m", "fox"), drawn(sdcli, "-m", "fox", "--vae", "glow")
    assert not same(plain, other)


def refused(ran, *said: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert "\nhint: " in ran.err
    assert "Traceback" not in ran.err
    for words in said:
        assert words in ran.err
    assert not list(Path().glob("outputs/*"))


class Runs:
    """A pickle of this runs `os.system`."""

    def __reduce__(self) -> object:
        return os.system, ("touch ran-after-all",)


def test_a_malicious_pickle_is_refused_and_not_run(sdcli, tmp_path):
    for flag in ("-m", "--vae", "--lora", "--embedding"):
        torch.save({"state_dict": tiny.tensors("sd1"), "x": Runs()}, tmp_path / "model.safetensors")
        ran = sdcli(*DRAW, flag, tmp_path / "model.safetensors")
        refused(ran, "`model.safetensors` wants to run", "nothing in it was run")
        assert not Path("ran-after-all").exists()


def test_a_missing_tensor_is_named(sdcli, tmp_path):
    tensors = tiny.tensors("sd1")
    name = "model.diffusion_model.input_blocks.1.0.in_layers.2.weight"
    del tensors[name]
    save_file(tensors, tmp_path / "model.safetensors")
    refused(sdcli(*DRAW, "-m", tmp_path / "model.safetensors"), f"lacks the tensor `{name}`")


def test_a_u_net_alone_says_what_it_lacks_and_what_to_pass(sdcli, sd1, tmp_path):
    tensors = tiny.tensors("sd1")
    alone = {n: t for n, t in tensors.items() if n.startswith("model.diffusion_model.")}
    save_file(alone, tmp_path / "unet.safetensors")
    ran = sdcli(*DRAW, "-m", tmp_path / "unet.safetensors")
    refused(ran, "`unet.safetensors` holds no VAE and no text encoder")
    no_vae = {n: t for n, t in tensors.items() if not n.startswith("first_stage_model.")}
    save_file(no_vae, tmp_path / "half.safetensors")
    refused(sdcli(*DRAW, "-m", tmp_path / "half.safetensors"), "holds no VAE", "`--vae FILE`")
    assert same(
        drawn(sdcli, "-m", tmp_path / "half.safetensors", "--vae", sd1), drawn(sdcli, "-m", sd1)
    )


def test_a_tensor_that_nothing_uses_is_told(sdcli, tmp_path):
    save_file(tiny.tensors("sd1") | {"odd.one": torch.zeros(2)}, tmp_path / "model.safetensors")
    ran = sdcli(*DRAW, "-m", tmp_path / "model.safetensors")
    assert ran.code == 0
    assert "model.safetensors: nothing here uses `odd.one`\n" in ran.err


def test_a_hub_name_without_a_network_is_an_error(sdcli):
    ran = sdcli(*DRAW, "-m", "nobody/nothing")
    assert (ran.code, ran.out) == (1, "")
    assert "the hub cannot be asked" in ran.err
