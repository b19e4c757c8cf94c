"""VAEs in files of their own, by their headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file

from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.vae import check_vae
from tests.helpers import tiny

pytestmark = pytest.mark.slow


def saved(path: Path, shapes: tiny.Shapes) -> Path:
    save_file(tiny.filled(shapes), path)
    return path


def test_a_vae_that_fits_and_one_that_does_not(sd1, sdxl, tmp_path):
    model = identify_checkpoint(sd1)
    good = saved(tmp_path / "good.safetensors", tiny.vae())
    assert check_vae(good, model) == good
    assert check_vae(sdxl, model) == sdxl
    wide = dict(tiny.vae())
    wide["decoder.conv_in.weight"] = (16, 16, 3, 3)
    with pytest.raises(BadRequest, match="latents of 16 channels, not 4"):
        check_vae(saved(tmp_path / "flux.safetensors", wide), model)


def test_what_is_no_vae_is_refused_before_a_model_is_loaded(sdcli, sd1, tmp_path):
    lora = saved(
        tmp_path / "ink.safetensors",
        {"lora_unet_mid_block_resnets_0_conv1.lora_down.weight": (4, 32, 3, 3)},
    )
    ran = sdcli("txt2img", "a cat", "-m", sd1, "--vae", lora)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: `ink.safetensors` is a LoRA, not a VAE\nhint: wear it with `--lora FILE`\n"
    )


def test_the_encoder_alone_or_the_decoder_alone_is_refused(sd1, tmp_path):
    for half, other in (("encoder", "decoder"), ("decoder", "encoder")):
        shapes = {name: shape for name, shape in tiny.vae().items() if not name.startswith(other)}
        with pytest.raises(BadRequest, match=f"without its {other}"):
            check_vae(saved(tmp_path / f"{half}.safetensors", shapes), identify_checkpoint(sd1))
