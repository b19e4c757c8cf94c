from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sdcli import request
from sdcli.engine.build import build_modules
from sdcli.engine.lora import with_loras
from sdcli.engine.lora_extract import extract_lora, factorize
from sdcli.engine.lora_merge import merge_loras
from sdcli.events import SilentListener
from sdcli.planning import lora_jobs as bake
from sdcli.weights.checkpoint import identify_checkpoint
from tests.engine.test_lora import bits, same, worn
from tests.helpers import loras, tiny


def written(tmp_path: Path, layout: str, dtype: torch.dtype) -> tuple[Path, Path]:
    """A checkpoint and a LoRA for it."""
    path = tiny.write(tmp_path / "model.safetensors", layout, dtype=dtype)
    naming = "kohya-xl" if layout == "sdxl" else "kohya"
    tensors, _ = loras.lora(loras.targets(identify_checkpoint(path), convs=True), naming)
    return path, loras.write(tmp_path / "lora.safetensors", tensors)


@pytest.mark.parametrize("layout", ["sd1", "sd2", "sdxl"])
def test_a_merged_checkpoint_is_the_one_that_wears(tmp_path, layout):
    path, lora = written(tmp_path, layout, torch.float32)
    out = tmp_path / "merged.safetensors"
    asked = request.Lora(str(lora), 0.7, 0.4)
    merge_loras(
        bake.plan_merge(str(path), [asked], out, partial=False, force=False), SilentListener()
    )
    model = identify_checkpoint(path)
    pipe = build_modules(model)
    with with_loras(pipe, model, (worn(lora, 0.7, 0.4),)):
        dressed = bits(pipe)
    assert same(bits(build_modules(identify_checkpoint(out))), dressed)


def test_a_merge_keeps_layout_types_and_words_and_adds_its_origin(tmp_path):
    path, lora = written(tmp_path, "sdxl", torch.bfloat16)
    tensors = load_file(path) | {"model.junk": torch.zeros(3, dtype=torch.int32)}
    save_file(tensors, path, {"modelspec.title": "mine", "modelspec.hash_sha256": "0x1"})
    out = tmp_path / "merged.safetensors"
    job = bake.plan_merge(str(path), [request.Lora(str(lora))], out, partial=False, force=False)
    merge_loras(job, SilentListener())
    with safe_open(path, "pt") as old, safe_open(out, "pt") as new:
        assert list(old.keys()) == list(new.keys())
        for name in old.keys():  # noqa: SIM118
            one, other = old.get_tensor(name), new.get_tensor(name)
            assert (one.dtype, one.shape) == (other.dtype, other.shape), name
            if name.startswith("first_stage_model."):
                assert torch.equal(one, other)
        told = new.metadata()
    made = json.loads(told["sdcli_merge"])
    assert told["modelspec.title"] == "mine" and "modelspec.hash_sha256" not in told
    assert made["model"]["sha256"] == job.source.sha256
    assert made["loras"][0]["sha256"] == job.loras[0].file.sha256
    assert made["loras"][0]["share"] == 1.0


def test_a_merge_that_fails_leaves_nothing(tmp_path, monkeypatch):
    path, lora = written(tmp_path, "sd1", torch.float16)
    out = tmp_path / "merged.safetensors"
    job = bake.plan_merge(str(path), [request.Lora(str(lora))], out, partial=False, force=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sdcli.engine.lora_merge._put", full)
    with pytest.raises(Exception, match="could not be written"):
        merge_loras(job, SilentListener())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lora.safetensors", "model.safetensors"]


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_extracting_at_full_rank_gives_the_tuned_model_back(tmp_path, layout):
    base = tiny.write(tmp_path / "base.safetensors", layout, dtype=torch.float32)
    dice = torch.Generator().manual_seed(9)
    tuned = {
        name: tensor + 0.05 * torch.randn(tensor.shape, generator=dice)
        if tensor.is_floating_point() and "first_stage" not in name and "embedding" not in name
        else tensor
        for name, tensor in load_file(base).items()
    }
    save_file(tuned, tmp_path / "tuned.safetensors")
    out = tmp_path / "lora.safetensors"
    paths = str(tmp_path / "tuned.safetensors"), str(base)
    extract_lora(bake.plan_extraction(*paths, 4096, out, force=False), SilentListener())
    model = identify_checkpoint(base)
    pipe = build_modules(model)
    plain = bits(pipe)
    wanted = bits(build_modules(identify_checkpoint(tmp_path / "tuned.safetensors")))
    with with_loras(pipe, model, (worn(out),)):
        got = bits(pipe)
    for name, weight in wanted.items():
        assert torch.allclose(got[name], weight, atol=2e-5, rtol=0), name
    assert any(not torch.equal(plain[name], wanted[name]) for name in wanted)


def test_extracting_gives_a_lora_back(tmp_path):
    path, lora = written(tmp_path, "sd1", torch.float32)
    merged, again = tmp_path / "merged.safetensors", tmp_path / "again.safetensors"
    asked = [request.Lora(str(lora))]
    merge_loras(
        bake.plan_merge(str(path), asked, merged, partial=False, force=False), SilentListener()
    )
    extract_lora(
        bake.plan_extraction(str(merged), str(path), loras.RANK, again, force=False),
        SilentListener(),
    )
    model = identify_checkpoint(path)
    pipe = build_modules(model)
    with with_loras(pipe, model, (worn(lora),)):
        one = bits(pipe)
    with with_loras(pipe, model, (worn(again),)):
        other = bits(pipe)
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_the_largest_directions_are_found_without_all_of_them():
    dice = torch.Generator().manual_seed(1)
    left, right = (torch.linalg.qr(torch.randn(200, 200, generator=dice)).Q for _ in range(2))
    sizes = 0.8 ** torch.arange(200.0)
    matrix = left * sizes @ right
    up, down = factorize(matrix, 8)
    best = left[:, :8] * sizes[:8] @ right[:8]
    assert up.shape == (200, 8) and down.shape == (8, 200)
    assert (up @ down - matrix).norm() <= 1.001 * (best - matrix).norm()
