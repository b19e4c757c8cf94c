"""Files into modules: no tensor missing, none left over, and none in the wrong place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.loaders import single_file_utils as judge
from safetensors.torch import load_file, save_file

from sdcli.engine import build as building
from sdcli.engine.build import build_modules
from sdcli.engine.empty_module import EmptyModule
from sdcli.engine.read_tensors import TensorReader
from sdcli.errors import BadRequest, SdcliError
from sdcli.weights.checkpoint import Checkpoint, checkpoint_from_header, identify_checkpoint
from sdcli.weights.safetensors import Header, Tensor
from tests.helpers import tiny

KEYS = Path(__file__).parents[2] / "../shared/facts/keys"


@pytest.mark.parametrize("name", ["sd15", "sd15_inpainting", "sd15_nai_clip", "instruct_pix2pix",
    "ema_v1", "sd21", "sd2_inpainting", "sdxl_base", "sdxl_refiner"])  # fmt: skip
def test_every_full_size_list_builds_with_none_missing_and_none_left_over(name):
    if not KEYS.is_dir():
        pytest.skip("the lists are not at hand")
    shapes = json.loads((KEYS / f"{name}.json").read_text())
    tensors = {n: Tensor("F16", tuple(shape), Path(os.devnull)) for n, shape in shapes.items()}
    fits(checkpoint_from_header(Header(Path(name), "safetensors", tensors)))


def fits(found: Checkpoint) -> None:
    """Every tensor of the file has its place in a module, and every place has its tensor."""
    assert found.unused == ()
    for kind, component in found.components.items():
        frame = EmptyModule(found.header, component, building.MAKERS[kind], found.config(kind))
        frame.check()
        assert frame.ignored == ()


# As the distilled SDXLs are: how deep each block is, going down, going up, and in the middle.
DISTILLED = {
    "ssd-1b": (((0, 0), (2, 2), (4, 4)), ((4, 4, 10), (2, 1, 1), (0, 0, 0)), 0),
    "vega": (((0, 0), (1, 1), (2, 2)), ((2, 2, 2), (1, 1, 1), (0, 0, 0)), 0),
    "koala-1b": (((0,), (2,), (6,)), ((6, 6), (2, 2), (0, 0)), 6),
    "koala-700m": (((0,), (2,), (5,)), ((5, 5), (2, 2), (0, 0)), None),
}


@pytest.mark.parametrize("name", DISTILLED)
def test_distilled_sdxl_is_read_off_its_tensors(name):
    depths, up_depths, middle = DISTILLED[name]
    layout = replace(tiny.SDXL, depths=depths, up_depths=up_depths, middle=middle)
    tensors = {n: Tensor("F16", shape) for n, shape in tiny.shapes(layout).items()}
    found = checkpoint_from_header(Header(Path(name), "safetensors", tensors))
    assert (found.family.name, found.missing) == ("sdxl", ())
    fits(found)


def test_the_x4_upscaler_in_its_own_size_is_built_as_it_is_published() -> None:
    """By its header alone: nothing of three gigabytes is read, or kept."""
    layout = replace(
        tiny.LAYOUTS["sd2-upscale"],
        widths=(256, 512, 512, 1024),
        depths=((0, 0), (1, 1), (1, 1), (1, 1)),
        context=1024,
        text_width=1024,
        layers=24,
        words_alone=(True, True, True, False),
        vae_widths=(128, 256, 512),
    )
    tensors = {n: Tensor("F16", shape) for n, shape in tiny.shapes(layout).items()}
    tensors |= {f"low_scale_model.{n}": Tensor("F32", (1000,)) for n in ("betas", "alphas_cumprod")}
    found = checkpoint_from_header(Header(Path("x4.safetensors"), "safetensors", tensors))
    assert (found.family.name, found.missing, found.unused) == ("sd2-upscale", (), ())
    assert (found.prediction, found.clip_skip, found.vae_scale) == ("v", 2, 0.08333)
    unet = found.config("unet")
    assert unet["only_cross_attention"] == [False, True, True, False]  # the first has no attention
    assert (unet["attention_head_dim"], unet["num_class_embeds"]) == (8, 1000)
    fits(found)


def judged(layout: str, tensors: tiny.Tensors, modules: building.PipelineModules) -> None:
    """Every weight is where diffusers' own conversion puts it."""
    prefix = "conditioner.embedders" if layout.startswith("sdxl") else "cond_stage_model"
    expected = judge.convert_ldm_unet_checkpoint(dict(tensors), dict(modules.unet.config))
    same(modules.unet, expected)
    same(modules.vae, judge.convert_ldm_vae_checkpoint(dict(tensors), dict(modules.vae.config)))
    if prefix == "conditioner.embedders":
        clip = judge.convert_ldm_clip_checkpoint(
            dict(tensors), remove_prefix=f"{prefix}.0.transformer."
        )
        same(modules.text_encoder, clip)
        second = judge.convert_open_clip_checkpoint(
            modules.text_encoder_2, dict(tensors), prefix=f"{prefix}.1.model."
        )
        same(modules.text_encoder_2, second)
    elif layout.startswith("sd2"):
        config = modules.text_encoder
        same(
            config,
            judge.convert_open_clip_checkpoint(config, dict(tensors), prefix=f"{prefix}.model."),
        )
    else:
        same(modules.text_encoder, judge.convert_ldm_clip_checkpoint(dict(tensors)))


def same(module: torch.nn.Module, expected: dict[str, torch.Tensor]) -> None:
    ours = {name.removeprefix("text_model."): t for name, t in module.state_dict().items()}
    theirs = {name.removeprefix("text_model."): t for name, t in expected.items()}
    theirs = {name: tensor for name, tensor in theirs.items() if "position_ids" not in name}
    assert ours.keys() <= theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name].reshape(tensor.shape).float()), name


@pytest.mark.parametrize(
    "layout", ["sd1", "sd1-inpaint", "sd1-edit", "sd2", "sd2-inpaint", "sd2-upscale", "sdxl"]
)
def test_every_weight_is_where_diffusers_puts_it(checkpoints, layout):
    judged(layout, tiny.tensors(layout), build_modules(identify_checkpoint(checkpoints(layout))))


@pytest.mark.parametrize("layout", ["sd1-nai", "sd1-ema-beside"])
def test_other_names_give_the_same_modules(checkpoints, layout):
    tensors = tiny.tensors(layout)
    modules = build_modules(identify_checkpoint(checkpoints(layout)))
    name = (
        "cond_stage_model.transformer.text_model."
        if "nai" not in layout
        else "cond_stage_model.transformer."
    )
    norm = modules.text_encoder.state_dict()
    key = next(k for k in norm if k.endswith("layers.0.self_attn.q_proj.weight"))
    assert torch.equal(
        norm[key], tensors[name + "encoder.layers.0.self_attn.q_proj.weight"].float()
    )
    conv = tensors["model.diffusion_model.input_blocks.0.0.weight"].float()
    assert torch.equal(modules.unet.conv_in.weight, conv)


def test_averaged_weights_alone_are_the_weights(checkpoints):
    tensors = tiny.tensors("sd1-ema-only")
    start = "model_ema.diffusion_model"
    names = {name.replace(".", ""): name for name in tiny.unet(tiny.SD1)}
    plain = {
        "model.diffusion_model." + names[name.removeprefix(start)]: tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
    modules = build_modules(identify_checkpoint(checkpoints("sd1-ema-only")))
    same(modules.unet, judge.convert_ldm_unet_checkpoint(plain, dict(modules.unet.config)))


def outputs(modules: building.PipelineModules, steps: int = 5) -> torch.Tensor:
    """What the modules make of some noise, text and all."""
    ids = torch.tensor([[49406, 320, 2368, *[49407] * 74]])
    states, pooled = [], None
    if modules.text_encoder is not None:
        states.append(modules.text_encoder(ids, output_hidden_states=True).hidden_states[-2])
    if modules.text_encoder_2 is not None:
        second = modules.text_encoder_2(ids, output_hidden_states=True)
        states.append(second.hidden_states[-2])
        pooled = second.text_embeds
    added = None
    if pooled is not None:
        sizes = modules.unet.config.projection_class_embeddings_input_dim - pooled.shape[1]
        count = sizes // modules.unet.config.addition_time_embed_dim
        added = {"text_embeds": pooled, "time_ids": torch.ones(1, count)}
    noise = torch.randn(1, modules.unet.config.in_channels, 8, 8, generator=torch.manual_seed(0))
    with torch.inference_mode():
        drawn = modules.unet(
            noise,
            500,
            torch.cat(states, -1),
            class_labels=torch.tensor([20]) if modules.unet.config.num_class_embeds else None,
            added_cond_kwargs=added,
        ).sample
        return modules.vae.decode(drawn).sample


@pytest.mark.parametrize("layout", sorted(tiny.LAYOUTS))
def test_every_layout_computes(checkpoints, layout):
    modules = build_modules(identify_checkpoint(checkpoints(layout)))
    assert modules.ignored == ()
    found = outputs(modules)
    side = 32 if layout == "sd2-upscale" else 64
    assert found.shape == (1, 3, side, side)
    assert 0.1 < found.std() < 10


@pytest.mark.parametrize("layout", ["sd1", "sd2-v", "sd2-upscale", "sdxl", "ssd-1b"])
def test_a_diffusers_folder_is_the_same_model(checkpoints, tmp_path, layout):
    modules = build_modules(identify_checkpoint(checkpoints(layout)))
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        if (module := getattr(modules, name)) is not None:
            module.save_pretrained(tmp_path / name)
    scheduler = {
        "prediction_type": "v_prediction" if layout in ("sd2-v", "sd2-upscale") else "epsilon"
    }
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler))
    found, single = identify_checkpoint(tmp_path), identify_checkpoint(checkpoints(layout))
    assert (found.family, found.prediction) == (single.family, single.prediction)
    assert (found.missing, found.unused) == ((), ())
    assert torch.equal(outputs(build_modules(found)), outputs(modules))


@pytest.mark.parametrize("form", ["bin", "fp16", "shards", "old names"])
def test_a_diffusers_folder_in_its_other_forms(sd1, tmp_path, form):
    modules = build_modules(identify_checkpoint(sd1), dtype=torch.float16)
    modules.vae.save_pretrained(tmp_path / "vae", variant="fp16" if form == "fp16" else None)
    modules.text_encoder.save_pretrained(tmp_path / "text_encoder")
    size = {"max_shard_size": "500KB"} if form == "shards" else {}
    modules.unet.save_pretrained(tmp_path / "unet", safe_serialization=form != "bin", **size)
    if form == "fp16":
        (tmp_path / "vae/diffusion_pytorch_model.non_ema.safetensors").write_bytes(b"not read")
    if form == "old names":
        path = tmp_path / "text_encoder/model.safetensors"
        state = load_file(path)
        save_file({f"text_model.{name}": tensor for name, tensor in state.items()}, path)
    assert (len(list((tmp_path / "unet").glob("*-of-*"))) > 1) == (form == "shards")
    assert torch.equal(
        outputs(build_modules(identify_checkpoint(tmp_path))),
        outputs(build_modules(identify_checkpoint(sd1))),
    )


@pytest.mark.parametrize("form", ["zip", "legacy", "lightning"])
def test_pickles_are_the_same_model(sd1, tmp_path, form):
    tensors: object = tiny.tensors("sd1")
    root = {"state_dict": tensors, "global_step": 1} if form == "lightning" else tensors
    path = tmp_path / "model.safetensors"  # the ending says nothing
    torch.save(root, path, _use_new_zipfile_serialization=form != "legacy")
    assert torch.equal(
        outputs(build_modules(identify_checkpoint(path))),
        outputs(build_modules(identify_checkpoint(sd1))),
    )


@pytest.mark.parametrize(
    "dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.float32]
)
def test_every_type_is_read(sd1, tmp_path, dtype):
    tensors = {name: t.to(dtype) for name, t in tiny.tensors("sd1").items()}
    save_file(tensors, tmp_path / "typed.safetensors")
    modules = build_modules(identify_checkpoint(tmp_path / "typed.safetensors"))
    name = "model.diffusion_model.input_blocks.0.0.weight"
    assert torch.equal(modules.unet.conv_in.weight, tensors[name].float())
    half = build_modules(identify_checkpoint(sd1), dtype=torch.float16)
    assert {p.dtype for p in half.unet.parameters()} == {torch.float16}


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("sd1", "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"),
        ("sd1", "model.diffusion_model.middle_block.2.out_layers.3.bias"),
        ("sd1", "first_stage_model.encoder.mid.attn_1.q.weight"),
        ("sd1", "first_stage_model.decoder.up.0.block.1.conv2.bias"),
        ("sd1", "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.bias"),
        ("sd1-nai", "cond_stage_model.transformer.encoder.layers.1.mlp.fc2.bias"),
        ("sd1-ema-only", "model_ema.diffusion_modelinput_blocks10out_layers3weight"),
        ("sd2", "cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight"),
        ("sdxl", "conditioner.embedders.1.model.transformer.resblocks.2.mlp.c_fc.weight"),
        ("sdxl", "conditioner.embedders.1.model.text_projection"),
        ("sdxl", "model.diffusion_model.label_emb.0.2.weight"),
        ("sd1", "model.diffusion_model.output_blocks.1.2.conv.bias"),
    ],
)  # fmt: skip
def test_a_missing_tensor_is_named_as_the_file_names_it(tmp_path, layout, name):
    tensors = tiny.tensors(layout)
    if layout == "sd1" and "output_blocks.1.2" in name:
        name = next(n for n in tensors if "output_blocks" in n and n.endswith("conv.bias"))
    del tensors[name]
    save_file(tensors, tmp_path / "hurt.safetensors")
    with pytest.raises(BadRequest) as caught:
        build_modules(identify_checkpoint(tmp_path / "hurt.safetensors"))
    assert f"lacks the tensor `{name}`" in caught.value.fact


def test_no_weight_is_read_before_all_are_known_to_be_there(sd1, tmp_path, monkeypatch):
    tensors = tiny.tensors("sd1")
    del tensors["first_stage_model.decoder.conv_out.bias"]  # of the component that is read last
    save_file(tensors, tmp_path / "hurt.safetensors")
    monkeypatch.setattr(TensorReader, "read", lambda *_: pytest.fail("a weight was read"))
    with pytest.raises(BadRequest, match="decoder.conv_out.bias"):
        build_modules(identify_checkpoint(tmp_path / "hurt.safetensors"))


def test_a_tensor_of_another_shape_is_named(tmp_path):
    tensors = tiny.tensors("sd1")
    name = "model.diffusion_model.middle_block.0.in_layers.2.weight"
    tensors[name] = tensors[name][:, :-1].contiguous()
    save_file(tensors, tmp_path / "hurt.safetensors")
    with pytest.raises(
        BadRequest, match=rf"has `{name}` of \[64, 63, 3, 3\], not \[64, 64, 3, 3\]"
    ):
        build_modules(identify_checkpoint(tmp_path / "hurt.safetensors"))


def test_a_tensor_that_no_module_takes_is_told(tmp_path):
    tensors = tiny.tensors("sd1")
    tensors["model.diffusion_model.input_blocks.1.0.extra.weight"] = torch.zeros(3)
    save_file(tensors, tmp_path / "more.safetensors")
    found = build_modules(identify_checkpoint(tmp_path / "more.safetensors"))
    assert found.ignored == ("model.diffusion_model.input_blocks.1.0.extra.weight",)


def test_a_file_cut_while_it_is_read_is_told(sd1, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(sd1.read_bytes())
    found = identify_checkpoint(path)
    path.write_bytes(sd1.read_bytes()[: sd1.stat().st_size // 2])
    with pytest.raises(SdcliError, match="ends where a tensor should be"):
        build_modules(found)


VAE_LAYOUTS: dict[str, Callable[[tiny.Tensors], tiny.Tensors]] = {
    "bare": lambda vae: vae,
    "ldm": lambda vae: {f"first_stage_model.{name}": tensor for name, tensor in vae.items()},
    "vae.": lambda vae: {f"vae.{name}": tensor for name, tensor in vae.items()},
    "junk": lambda vae: vae | {"loss.logvar": torch.zeros(()), "model_ema.decay": torch.zeros(())},
    "linear attention": lambda vae: {
        name: t[:, :, 0, 0] if "attn_1" in name and t.ndim == 4 else t for name, t in vae.items()
    },
}


@pytest.mark.parametrize("layout", VAE_LAYOUTS)
def test_a_vae_of_its_own_in_every_layout(sd1, tmp_path, layout):
    vae = tiny.filled(tiny.vae(), seed=5)
    save_file(
        {n: t.contiguous() for n, t in VAE_LAYOUTS[layout](vae).items()}, tmp_path / "x.safetensors"
    )
    module = building.build_vae(identify_checkpoint(sd1), tmp_path / "x.safetensors")
    ldm = {f"first_stage_model.{name}": tensor for name, tensor in vae.items()}
    same(module, judge.convert_ldm_vae_checkpoint(ldm, dict(module.config)))


@pytest.mark.parametrize("old", [False, True], ids=["new names", "old names"])
@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "pt"])
def test_a_vae_in_the_names_of_diffusers(sd1, tmp_path, old, pickled):
    expected = building.build_vae(identify_checkpoint(sd1))
    state = {name: tensor.contiguous() for name, tensor in expected.state_dict().items()}
    if old:
        for new, name in (
            ("to_q", "query"),
            ("to_k", "key"),
            ("to_v", "value"),
            ("to_out.0", "proj_attn"),
        ):
            state = {key.replace(f".{new}.", f".{name}."): tensor for key, tensor in state.items()}
    path = tmp_path / "vae"
    torch.save({"state_dict": state}, path) if pickled else save_file(state, path)
    same(building.build_vae(identify_checkpoint(sd1), path), dict(expected.state_dict()))


def test_the_vae_of_a_folder(sd1, tmp_path):
    expected = building.build_vae(identify_checkpoint(sd1))
    expected.save_pretrained(tmp_path / "model/vae")
    for folder in ("model", "model/vae"):
        same(
            building.build_vae(identify_checkpoint(sd1), tmp_path / folder),
            dict(expected.state_dict()),
        )
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadRequest, match="no weights lie in the folder"):
        building.build_vae(identify_checkpoint(sd1), tmp_path / "nothing")


def test_the_vae_of_another_checkpoint(sd1, sdxl):
    same(
        building.build_vae(identify_checkpoint(sd1), sdxl),
        dict(building.build_vae(identify_checkpoint(sdxl)).state_dict()),
    )


@pytest.mark.parametrize("layout", ["halves", "diffusers"])
def test_taesd_is_a_vae(sd1, tmp_path, layout):
    from diffusers import AutoencoderTiny

    tiny_vae = AutoencoderTiny(scaling_factor=1.0).requires_grad_(False)
    state = {name: tensor.clone() for name, tensor in tiny_vae.state_dict().items()}
    path = tmp_path / "taesd_decoder.pth"
    if layout == "halves":
        for half, shift in (("encoder", 0), ("decoder", 1)):
            names = {name: name.split(".", 3) for name in state if name.startswith(half)}
            plain = {
                f"{int(n) + shift}.{rest}": state[name] for name, (_, _, n, rest) in names.items()
            }
            torch.save(plain, tmp_path / f"taesd_{half}.pth")
    else:
        save_file(state, path)
    found = building.build_vae(identify_checkpoint(sd1), path)
    same(found, state)
    latents = torch.randn(1, 4, 4, 4)
    expected = tiny_vae.eval().decode(latents).sample
    torch.testing.assert_close(found.decode(latents).sample, expected)
    if layout == "halves":
        (tmp_path / "taesd_encoder.pth").unlink()
        with pytest.raises(BadRequest, match="one half of a TAESD"):
            building.build_vae(identify_checkpoint(sd1), path)


def test_half_a_vae_and_no_vae_are_told(sd1, tmp_path):
    half = {n: t for n, t in tiny.filled(tiny.vae()).items() if not n.startswith("encoder")}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(BadRequest, match="without its encoder"):
        building.build_vae(identify_checkpoint(sd1), tmp_path / "half.safetensors")
    save_file({"emb_params": torch.zeros(2, 768)}, tmp_path / "word.safetensors")
    with pytest.raises(BadRequest, match="is a textual inversion, not a VAE"):
        building.build_vae(identify_checkpoint(sd1), tmp_path / "word.safetensors")
