"""What a file is, told by its header."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import (
    checkpoint_from_header,
    identify_checkpoint,
    kind_name,
    require_components,
)
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header, Tensor
from tests.helpers import tiny

pytestmark = pytest.mark.slow

KEYS = Path(__file__).parents[2] / "../shared/facts/keys"


def header_of(shapes: dict[str, tuple[int, ...]], path: Path = Path("model.safetensors")) -> Header:
    tensors = {name: Tensor("F16", shape, Path(os.devnull)) for name, shape in shapes.items()}
    return Header(path, "safetensors", tensors)


@pytest.mark.parametrize(
    ("layout", "family", "prediction", "clip_skip", "size"),
    [
        ("sd1", "sd1", "eps", 1, 512),
        ("sd1-inpaint", "sd1-inpaint", "eps", 1, 512),
        ("sd1-edit", "sd1-edit", "eps", 1, 512),
        ("sd1-nai", "sd1", "eps", 1, 512),
        ("sd1-ema-beside", "sd1", "eps", 1, 512),
        ("sd1-ema-only", "sd1", "eps", 1, 512),
        ("sd2", "sd2", "eps", 2, 512),
        ("sd2-v", "sd2", "v", 2, 768),
        ("sd2-inpaint", "sd2-inpaint", "eps", 2, 512),
        ("sdxl", "sdxl", "eps", 2, 1024),
        ("sdxl-inpaint", "sdxl-inpaint", "eps", 2, 1024),
        ("sdxl-edit", "sdxl-edit", "eps", 2, 1024),
        ("sdxl-refiner", "sdxl-refiner", "eps", 2, 1024),
        ("ssd-1b", "sdxl", "eps", 2, 1024),
    ],
)
def test_every_layout_is_recognised(checkpoints, layout, family, prediction, clip_skip, size):
    found = identify_checkpoint(checkpoints(layout))
    assert (found.family.name, found.prediction) == (family, prediction)
    assert (found.clip_skip, found.size) == (clip_skip, size)
    assert (found.missing, found.unused) == ((), ())
    assert kind_name(found.header) == "checkpoint"


@pytest.mark.parametrize(
    "name, family, missing",
    [
        ("sd15", "sd1", ()),
        ("sd15_inpainting", "sd1-inpaint", ()),
        ("sd15_nai_clip", "sd1", ()),
        ("instruct_pix2pix", "sd1-edit", ()),
        ("ema_v1", "sd1", ("vae", "text_encoder")),
        ("sd21", "sd2", ()),
        ("sd2_inpainting", "sd2-inpaint", ()),
        ("sdxl_base", "sdxl", ()),
        ("sdxl_refiner", "sdxl-refiner", ()),
    ],
)
def test_every_full_size_list_is_recognised(name, family, missing):
    if not KEYS.is_dir():
        pytest.skip("the lists are not at hand")
    found = checkpoint_from_header(header_of(json.loads((KEYS / f"{name}.json").read_text())))
    assert (found.family.name, found.missing, found.unused) == (family, missing, ())


@pytest.mark.parametrize(
    ("prefix", "alias"),
    [
        ("model.diffusion_model.", "diffusion_model."),
        ("model.diffusion_model.", "unet."),
        ("first_stage_model.", "vae."),
        ("cond_stage_model.transformer.", "text_encoder."),
        ("cond_stage_model.transformer.", "te1."),
        ("cond_stage_model.transformer.", "te."),
        ("cond_stage_model.transformer.", "clip_l.transformer."),
        ("cond_stage_model.transformer.", "text_encoders.clip_l.transformer."),
        ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer."),
    ],
)
def test_prefixes_have_aliases(prefix, alias):
    plain = tiny.shapes(tiny.SD1)
    renamed = {
        alias + name.removeprefix(prefix) if name.startswith(prefix) else name: shape
        for name, shape in plain.items()
    }
    assert renamed.keys() != plain.keys()
    found, expected = (
        checkpoint_from_header(header_of(renamed)),
        checkpoint_from_header(header_of(plain)),
    )
    assert found.family is expected.family
    assert found.unused == ()
    for name, component in expected.components.items():
        assert found.components[name].shapes == component.shapes


def test_sdxl_has_aliases_too():
    shapes = {
        name.replace("conditioner.embedders.0.transformer.", "te1.").replace(
            "conditioner.embedders.1.model.", "clip_g."
        ): shape
        for name, shape in tiny.shapes(tiny.SDXL).items()
    }
    found = checkpoint_from_header(header_of(shapes))
    assert (found.family.name, found.missing, found.unused) == ("sdxl", (), ())


def test_sd2_may_carry_its_encoder_where_sdxl_does():
    shapes = {
        name.replace("cond_stage_model.model.", "conditioner.embedders.0.model."): shape
        for name, shape in tiny.shapes(tiny.SD2).items()
    }
    found = checkpoint_from_header(header_of(shapes))
    assert (found.family.name, found.missing) == ("sd2", ())


def test_sd2_without_its_last_layer_is_used_to_its_end():
    layout = replace(tiny.SD2, layers=24)
    cut = {
        name: shape
        for name, shape in tiny.shapes(layout).items()
        if "resblocks.23" not in name and not name.endswith(("text_projection", "logit_scale"))
    }
    assert checkpoint_from_header(header_of(tiny.shapes(layout))).clip_skip == 2
    found = checkpoint_from_header(header_of(cut))
    assert (found.family.name, found.clip_skip, found.missing) == ("sd2", 1, ())


def test_left_overs_of_training_are_ignored_and_strangers_are_told(tmp_path):
    junk = {
        "v_pred": (0,),
        "denoiser.sigmas": (1000,),
        "embedding_manager.embedder.x": (3,),
        "model.diffusion_model.time_embed.cond_proj.weight": (128, 256),
        "first_stage_model.loss.logvar": (),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": (1, 77),
        "somebody.elses": (3,),
    }
    assert checkpoint_from_header(header_of(tiny.shapes(tiny.SD1) | junk)).unused == (
        "somebody.elses",
    )


@pytest.mark.parametrize(
    ("names", "metadata", "expected"),
    [
        ((), {}, ("eps", False)),
        (("v_pred",), {}, ("v", False)),
        (("v_pred", "ztsnr"), {}, ("v", True)),
        ((), {"modelspec.predict_key": "v"}, ("v", False)),
        ((), {"modelspec.prediction_type": "v"}, ("v", False)),
        ((), {"modelspec.prediction_type": "epsilon"}, ("eps", False)),
        ((), {"sdcli": '{"prediction": "v", "zero_snr": true}'}, ("v", True)),
    ],
)
def test_the_prediction_is_detected(names, metadata, expected):
    header = header_of(tiny.shapes(tiny.SDXL) | dict.fromkeys(names, (0,)))
    found = checkpoint_from_header(replace(header, metadata=metadata))
    assert (found.prediction, found.zero_snr) == expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("spread", "expected"), [(0.2, "v"), (0.05, "eps")])
def test_sd2_tells_its_prediction_by_one_tensor(tmp_path, dtype, spread, expected):
    layout = replace(
        tiny.SD2,
        widths=(32, 32, 32, 32),
        depths=((1, 1), (0, 0), (0, 0), (0, 0)),
        up_depths=((0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 1, 1)),
    )
    tensors = tiny.tensors(layout, dtype=dtype)
    name = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    tensors[name] = torch.linspace(-spread, spread, 32).to(dtype)
    save_file(tensors, tmp_path / "sd2.safetensors")
    assert identify_checkpoint(tmp_path / "sd2.safetensors").prediction == expected


def test_a_way_of_training_that_cannot_be_drawn_is_refused():
    shapes = tiny.shapes(tiny.SDXL) | {"edm_vpred.sigma_max": (), "edm_vpred.sigma_min": ()}
    with pytest.raises(BadRequest, match="EDM"):
        checkpoint_from_header(header_of(shapes))


def test_a_file_may_say_what_shapes_cannot(tmp_path):
    said = {"name": "mine", "size": 128, "steps": 8, "cfg": 3.5, "scheduler": "ddim"}
    said |= {"vae_scale": 0.9, "vae_groups": 4, "unet_heads": 4, "unet_groups": 16, "text_heads": 2}
    found = identify_checkpoint(tiny.write(tmp_path / "x.safetensors", metadata=said))
    assert (found.name, found.size, found.steps, found.cfg) == ("mine", 128, 8, 3.5)
    assert (found.scheduler, found.vae_scale) == ("ddim", 0.9)
    unet, vae = found.config("unet"), found.config("vae")
    assert (unet["attention_head_dim"], unet["norm_num_groups"]) == (4, 16)
    assert (vae["scaling_factor"], vae["norm_num_groups"]) == (0.9, 4)
    assert found.config("text_encoder")["num_attention_heads"] == 2
    plain = identify_checkpoint(tiny.write(tmp_path / "plain.safetensors"))
    assert (plain.name, plain.config("unet")["attention_head_dim"]) == ("plain", 8)


@pytest.mark.parametrize(
    ("shapes", "named", "flag"),
    [
        ({"lora_unet_mid_block_resnets_0_conv1.lora_down.weight": (4, 320)}, "a LoRA", "--lora"),
        ({"unet.down_blocks.0.attentions.0.to_q.lora_A.weight": (4, 320)}, "a LoRA", "--lora"),
        ({"lycoris_unet_x.lokr_w1": (4, 320)}, "a LoRA", "--lora"),
        ({"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}, "a ControlNet", "--control"),
        ({"controlnet_down_blocks.0.weight": (16, 3, 1, 1)}, "a ControlNet", "--control"),
        ({"emb_params": (5, 768)}, "a textual inversion", "--embedding"),
        ({"string_to_param.*": (5, 768)}, "a textual inversion", "--embedding"),
        ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "a textual inversion", "--embedding"),
        ({"<cat-toy>": (768,)}, "a textual inversion", "--embedding"),
        ({"catword": (2, 1024)}, "a textual inversion", "--embedding"),
        (tiny.vae(), "a VAE", "--vae"),
        ({f"first_stage_model.{n}": shape for n, shape in tiny.vae().items()}, "a VAE", "--vae"),
        ({"encoder.layers.0.weight": (64, 3, 3, 3)}, "a VAE", "--vae"),
        ({"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}, "a VAE", "--vae"),
        ({"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, "an upscaler", ""),
        ({"conv_first.weight": (64, 3, 3, 3)}, "an upscaler", ""),
        ({"double_blocks.0.img_attn.qkv.weight": (9, 3)}, "a Flux model", "SDXL"),
        ({"model.diffusion_model.joint_blocks.0.x.weight": (9, 3)}, "a Stable Diffusion 3", "SDXL"),
        ({"embedder.model.visual.proj": (9, 3)} | tiny.unet(tiny.SD1), "an unCLIP model", "SDXL"),
        ({"cc_projection.weight": (9, 3)} | tiny.unet(tiny.SD1), "a Stable Zero123", "SDXL"),
        ({"scaled_fp8": (2,)} | tiny.unet(tiny.SD1), "a model in scaled numbers", "fp16"),
        ({"out.2.weight_scale_2": (1,)} | tiny.unet(tiny.SD1), "a model in scaled numbers", "fp8"),
        ({"out.2.weight.absmax": (9,)} | tiny.unet(tiny.SD1), "a model in bitsandbytes'", "fp16"),
        ({"out.2.wscales": (9, 3)} | tiny.unet(tiny.SD1), "a model in SVDQuant's", "fp16"),
        ({"out.2.qweight": (9, 3)} | tiny.unet(tiny.SD1), "a model in packed", "fp16"),
        ({"input_blocks.1.0.time_stack.x": (2,)} | tiny.unet(tiny.SD1), "a video model", "SDXL"),
        ({"text_model.embeddings.token_embedding.weight": (49408, 768)}, "a text encoder", ""),
        ({"something": (3, 4, 5)}, "nothing that sdcli knows", ""),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named_with_the_flag_it_belongs_to(shapes, named, flag):
    with pytest.raises(BadRequest, match=rf"is {named}.*not a checkpoint") as caught:
        checkpoint_from_header(header_of(shapes))
    assert flag in caught.value.hint


@pytest.mark.parametrize(
    "name", ["lora_v1_unet", "lora_v1_clip_alpha", "tiny_kohya_sdxl", "controlnet_v1"]
)
def test_full_size_adapters_are_recognised(name):
    if not KEYS.is_dir():
        pytest.skip("the lists are not at hand")
    header = header_of(json.loads((KEYS / f"{name}.json").read_text()))
    assert kind_name(header) == ("controlnet" if "control" in name else "lora")


@pytest.mark.parametrize(
    ("channels", "what"), [(5, "depth"), (7, "upscaling"), (12, "12 channels")]
)
def test_a_u_net_for_other_ends_is_refused(channels, what):
    with pytest.raises(BadRequest, match=what):
        checkpoint_from_header(header_of(tiny.shapes(replace(tiny.SD1, channels=channels))))


@pytest.mark.parametrize(
    ("dropped", "missing", "hint"),
    [
        ("first_stage_model.", "no VAE$", "--vae"),
        ("cond_stage_model.", "no text encoder$", "checkpoint that holds all"),
    ],
)
def test_what_a_file_lacks_is_said_before_anything_is_read(dropped, missing, hint):
    shapes = {n: s for n, s in tiny.shapes(tiny.SD1).items() if not n.startswith(dropped)}
    with pytest.raises(BadRequest, match=missing) as caught:
        require_components(checkpoint_from_header(header_of(shapes)), other_vae=False)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("layout", "block"),
    [
        ("sd1", "model.diffusion_model.input_blocks.2"),
        ("sdxl", "model.diffusion_model.output_blocks.3"),
        ("sd2", "cond_stage_model.model.transformer.resblocks.1"),
        ("sd1", "first_stage_model.decoder.up.2"),
    ],
)
def test_a_block_that_is_missing_altogether_is_named(layout, block):
    shapes = tiny.shapes(tiny.LAYOUTS[layout])
    left = {name: shape for name, shape in shapes.items() if not name.startswith(f"{block}.")}
    with pytest.raises(BadRequest, match=f"lacks every tensor of `{block}`"):
        checkpoint_from_header(header_of(left))


def test_blocks_with_absurd_numbers_are_no_work():
    shapes = tiny.shapes(tiny.SD1) | dict.fromkeys(
        (f"model.diffusion_model.input_blocks.{n}.0.op.weight" for n in (9**9, 10**18, "²", "٣")),
        (1,),
    )
    assert checkpoint_from_header(header_of(shapes)).family.name == "sd1"
    shapes["model.diffusion_model.output_blocks.99999.0.out_layers.3.weight"] = (1,)
    with pytest.raises(BadRequest, match="lacks every tensor of"):
        checkpoint_from_header(header_of(shapes))


def test_sd1_is_known_by_the_width_of_its_text_too():
    layout = replace(tiny.SD1, linear=True, context=768, text_width=768, layers=1)
    assert checkpoint_from_header(header_of(tiny.shapes(layout))).family.name == "sd1"


def test_a_bare_u_net_is_a_checkpoint_without_the_rest():
    for prefix in ("", "model.diffusion_model."):
        found = checkpoint_from_header(
            header_of({prefix + n: s for n, s in tiny.unet(tiny.SD1).items()})
        )
        assert found.missing == ("vae", "text_encoder")


def test_a_file_is_identified_once_until_it_changes(tmp_path):
    path = tiny.write(tmp_path / "x.safetensors")
    assert identify_checkpoint(path) is identify_checkpoint(path)
    tiny.write(path, "sd2")
    assert identify_checkpoint(path).family.name == "sd2"


def test_identifying_needs_no_torch(sdxl):
    probe = (
        "import sys; from pathlib import Path; from sdcli.weights.checkpoint import identify_checkpoint;"
        f"print(identify_checkpoint(Path({str(sdxl)!r})).family.name, 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert ran.stdout == "sdxl False\n", ran.stderr


def test_full_kind_of_a_real_embedding_in_a_pickle(tmp_path):
    torch.save({"string_to_param": {"*": torch.ones(2, 768)}, "name": "x"}, tmp_path / "x.pt")
    assert kind_name(read_header(tmp_path / "x.pt")) == "embedding"
