from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sdcli.engine.build import build_modules
from sdcli.engine.lora import LoraWeights, with_loras
from sdcli.plan import File, Lora
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from sdcli.weights.read_header import read_header
from tests.helpers import loras
from tests.helpers.loras import Tensors

Bits = dict[tuple[str, str], torch.Tensor]


@pytest.fixture(scope="module")
def models(checkpoints: Callable[[str], Path]) -> Callable[[str], tuple[Checkpoint, object]]:
    """A tiny model's header and its modules in fp32, built once."""
    made: dict[str, tuple[Checkpoint, object]] = {}

    def get(layout: str) -> tuple[Checkpoint, object]:
        if layout not in made:
            found = identify_checkpoint(checkpoints(layout))
            made[layout] = found, build_modules(found)
        return made[layout]

    return get


def bits(pipe: object) -> Bits:
    """Every weight of the modules, copied."""
    return {
        (kind, name.removeprefix("text_model.")): weight.clone()
        for kind in ("unet", "text_encoder", "text_encoder_2")
        if (module := getattr(pipe, kind)) is not None
        for name, weight in module.state_dict().items()
    }


def same(one: Bits, other: Bits) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def worn(path: Path, unet: float = 1.0, te: float = 1.0, sha256: str = "") -> Lora:
    return Lora(File(path, sha256 or path.name), unet, te, 1.0)


def check(
    model: Checkpoint, pipe: object, path: Path, expected: dict[tuple[str, str], torch.Tensor]
) -> None:
    """Each weight moved by what is expected, to a hundred-thousandth, and no other moved."""
    before = bits(pipe)
    with with_loras(pipe, model, (worn(path),)):
        after = bits(pipe)
    for (kind, name), weight in after.items():
        module, _, part = name.rpartition(".")
        delta = expected.get((kind, module)) if part == "weight" else None
        if delta is None:
            assert torch.equal(weight, before[kind, name]), name
            continue
        wanted = before[kind, name].double() + delta.reshape(weight.shape)
        # fp32 holds the sum of weight and change to half a unit in its last place.
        rounding = 2**-24 * wanted.abs()
        assert ((weight.double() - wanted).abs() <= rounding + 1e-5 * delta.abs().max()).all(), name
        assert not torch.equal(weight, before[kind, name]), name
    assert same(bits(pipe), before)


SD1 = ("kohya", "onetrainer", "diffusers-peft", "diffusers-0.2", "diffusers-linear", "bare")
SDXL = ("kohya-xl", "kohya-xl-diffusers", "lycoris", "onetrainer", "comfy", "diffusers-peft")


@pytest.mark.parametrize(
    ("layout", "naming"),
    [*(("sd1", name) for name in (*SD1, "peft", "peft-named")), *(("sdxl", name) for name in SDXL)],
)
def test_every_naming_changes_each_weight_by_the_formula(models, tmp_path, layout, naming):
    model, pipe = models(layout)
    convs = "peft" not in naming
    tensors, expected = loras.lora(loras.targets(model, convs=convs), naming)
    check(model, pipe, loras.write(tmp_path / "a.safetensors", tensors), expected)


def test_a_diffusers_folder_wears_the_same_files(models, tmp_path):
    model, _ = models("sd2")
    tensors, expected = loras.lora(loras.targets(model, every=3), "kohya")
    assert any(kind == "text_encoder" for kind, _ in expected)  # OpenCLIP's fused q, k and v
    check(*models("sd2"), loras.write(tmp_path / "a.safetensors", tensors), expected)


def test_old_attention_processors(models, tmp_path):
    model, pipe = models("sd1")
    attention = [at for at in loras.targets(model) if "attn" in at.dotted]
    plain, expected = loras.lora(attention, "diffusers-0.2", alpha=lambda _: None)
    grouped: dict[str, Tensors] = {}
    for name, tensor in plain.items():
        module, factor = name.rsplit(".lora.", 1)
        grouped.setdefault(module, {})[f"lora_{factor}"] = tensor
    path = loras.write(tmp_path / "a.safetensors", loras.old_processors(grouped))
    check(model, pipe, path, expected)


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_each_module_has_its_own_alpha(models, tmp_path, layout):
    model, pipe = models(layout)
    alphas = (0.5, 1.0, 3.0, 4.0, 8.0, None)
    naming = "kohya" if layout == "sd1" else "kohya-xl"
    tensors, expected = loras.lora(
        loras.targets(model), naming, alpha=lambda number: alphas[number % len(alphas)]
    )
    check(model, pipe, loras.write(tmp_path / "a.safetensors", tensors), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_and_models(checkpoints, tmp_path, dtype):
    model = identify_checkpoint(checkpoints("sd1"))
    pipe = build_modules(model, dtype=dtype)
    tensors, _ = loras.lora(loras.targets(model), "kohya")
    halves = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    path = loras.write(tmp_path / "a.safetensors", halves)
    before = bits(pipe)
    with with_loras(pipe, model, (worn(path),)):
        name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
        key = "lora_unet_" + name.replace(".", "_")
        up, down = halves[f"{key}.lora_up.weight"], halves[f"{key}.lora_down.weight"]
        exact = before["unet", f"{name}.weight"].double() + 0.5 * up.double() @ down.double()
        got = bits(pipe)["unet", f"{name}.weight"]
        assert torch.equal(got, exact.to(dtype)) or (got - exact).abs().max() < 1e-2
    assert same(bits(pipe), before)


def kinds(
    dice: torch.Generator,
) -> dict[str, tuple[Tensors, Callable[[torch.Tensor], torch.Tensor]]]:
    """For each kind on a 3x3 convolution of 32 to 32: its factors, and the change in float64."""

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=dice) * 0.3

    def tucker(core: torch.Tensor, outer: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
        product = torch.einsum("abkl,ao,bi->oikl", core.double(), outer.double(), inner.double())
        return product.contiguous()

    def pair(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return one.double() @ other.double()

    size = (32, 32, 3, 3)
    up, down, mid = some(32, 3, 1, 1), some(3, 32, 1, 1), some(3, 3, 3, 3)
    kernel = some(3, 32, 3, 3)
    a1, b1, a2, b2 = some(32, 3), some(3, 288), some(32, 3), some(3, 288)
    ta1, tb1, ta2, tb2 = some(3, 32), some(3, 32), some(3, 32), some(3, 32)
    t1, t2 = some(3, 3, 3, 3), some(3, 3, 3, 3)
    k1, k2, k2a, k2b = some(4, 8), some(8, 4, 3, 3), some(8, 2), some(2, 36)
    k1a, k1b = some(4, 2), some(2, 8)
    kt, kta, ktb = some(2, 2, 3, 3), some(2, 8), some(2, 4)
    whole, bias, by = some(*size), some(32), some(32)
    g = [some(3, 288), some(288, 3), some(3, 288), some(32, 3)]
    length_out, length_in = some(32, 1, 1, 1).abs(), some(1, 32, 1, 1).abs()

    def locon(weight: torch.Tensor) -> torch.Tensor:
        return 0.5 * pair(up.flatten(1), kernel.flatten(1)).reshape(size)

    def dora_out(weight: torch.Tensor) -> torch.Tensor:
        new = weight + locon(weight)
        return new / new.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1) * length_out - weight

    def dora_in(weight: torch.Tensor) -> torch.Tensor:
        new = weight + locon(weight)
        length = new.transpose(0, 1).flatten(1).norm(dim=1).reshape(1, -1, 1, 1)
        return new / length * length_in - weight

    alpha = torch.tensor(1.5)
    low = {"lora_up.weight": up, "lora_down.weight": kernel, "alpha": alpha}
    return {
        "locon": (low, locon),
        "locon-tucker": (
            {
                "lora_up.weight": up,
                "lora_down.weight": down,
                "lora_mid.weight": mid,
                "alpha": alpha,
            },
            lambda _: (
                0.5
                * torch.einsum(
                    "oa,abkl,bi->oikl",
                    up.double()[..., 0, 0],
                    mid.double(),
                    down.double()[..., 0, 0],
                )
            ),
        ),
        "loha": (
            {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2, "alpha": alpha},
            lambda _: 0.5 * (pair(a1, b1) * pair(a2, b2)).reshape(size),
        ),
        "loha-tucker": (
            {
                "hada_t1": t1,
                "hada_w1_a": ta1,
                "hada_w1_b": tb1,
                "hada_t2": t2,
                "hada_w2_a": ta2,
                "hada_w2_b": tb2,
            },
            lambda _: tucker(t1, ta1, tb1) * tucker(t2, ta2, tb2),
        ),
        "lokr": (
            {"lokr_w1": k1, "lokr_w2": k2, "alpha": torch.tensor(7.0)},
            lambda _: torch.kron(k1.double()[..., None, None], k2.double()),
        ),
        "lokr-low": (
            {"lokr_w1": k1, "lokr_w2_a": k2a, "lokr_w2_b": k2b, "alpha": torch.tensor(1.0)},
            lambda _: (
                0.5 * torch.kron(k1.double()[..., None, None], pair(k2a, k2b).reshape(8, 4, 3, 3))
            ),
        ),
        "lokr-both": (
            {"lokr_w1_a": k1a, "lokr_w1_b": k1b, "lokr_w2": k2, "alpha": torch.tensor(1.0)},
            lambda _: 0.5 * torch.kron(pair(k1a, k1b)[..., None, None], k2.double()),
        ),
        "lokr-tucker": (
            {"lokr_w1": k1, "lokr_t2": kt, "lokr_w2_a": kta, "lokr_w2_b": ktb},
            lambda _: torch.kron(k1.double()[..., None, None], tucker(kt, kta, ktb)),
        ),
        "dora-out": ({**low, "dora_scale": length_out}, dora_out),
        "dora-in": ({**low, "dora_scale": length_in}, dora_in),
        "full": ({"diff": whole, "diff_b": bias}, lambda _: whole.double()),
        "replaced": ({"set_weight": whole}, lambda weight: whole.double() - weight),
        "ia3-out": (
            {"weight": by, "on_input": torch.tensor(False)},
            lambda weight: weight * by.double().reshape(-1, 1, 1, 1),
        ),
        "ia3-in": (
            {"weight": by, "on_input": torch.tensor(True)},
            lambda weight: weight * by.double().reshape(1, -1, 1, 1),
        ),
        "glora": (
            {
                "a1.weight": g[0],
                "a2.weight": g[1],
                "b1.weight": g[2],
                "b2.weight": g[3],
                "alpha": alpha,
            },
            lambda weight: (
                0.5 * (pair(g[3], g[2]) + weight.flatten(1) @ pair(g[1], g[0])).reshape(size)
            ),
        ),
    }


@pytest.mark.parametrize("kind", list(kinds(torch.Generator())))
def test_every_kind_changes_a_convolution_by_the_formula(models, tmp_path, kind):
    model, pipe = models("sd1")
    factors, formula = kinds(torch.Generator().manual_seed(3))[kind]
    module = "down_blocks.0.resnets.0.conv2"
    name = "lora_unet_" + module.replace(".", "_")
    path = loras.write(
        tmp_path / "a.safetensors", {f"{name}.{part}": tensor for part, tensor in factors.items()}
    )
    before = bits(pipe)
    weight = before["unet", f"{module}.weight"].double()
    with with_loras(pipe, model, (worn(path, unet=0.5),)):
        after = bits(pipe)
    wanted = 0.5 * formula(weight)
    got = after["unet", f"{module}.weight"].double() - weight
    assert (got - wanted).norm() <= 1e-5 * wanted.norm()
    if "diff_b" in factors:
        bias = after["unet", f"{module}.bias"] - before["unet", f"{module}.bias"]
        assert torch.allclose(bias, 0.5 * factors["diff_b"], atol=1e-6)
    assert same(bits(pipe), before)


def test_norms_are_changed_too(models, tmp_path):
    model, pipe = models("sd1")
    name = "lora_unet_down_blocks_0_resnets_0_norm1"
    more = torch.randn(32)
    path = loras.write(
        tmp_path / "a.safetensors", {f"{name}.w_norm": more, f"{name}.b_norm": 2 * more}
    )
    before = bits(pipe)
    with with_loras(pipe, model, (worn(path),)):
        after = bits(pipe)
    module = "down_blocks.0.resnets.0.norm1"
    for part, change in (("weight", more), ("bias", 2 * more)):
        old, new = before["unet", f"{module}.{part}"], after["unet", f"{module}.{part}"]
        assert torch.equal(new, old + change)


def test_two_commute_to_the_bit_and_three_as_well(models, tmp_path):
    model, pipe = models("sd1")
    files = []
    for seed in range(3):
        tensors, _ = loras.lora(loras.targets(model), "kohya", seed=seed)
        files.append(worn(loras.write(tmp_path / f"{seed}.safetensors", tensors), 0.3 + seed, 0.7))
    orders = [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
    seen = []
    for order in orders:
        with with_loras(pipe, model, tuple(files[place] for place in order)):
            seen.append(bits(pipe))
    assert same(seen[0], seen[1]) and same(seen[0], seen[2])


def test_a_weight_of_zero_changes_no_bit(models, tmp_path):
    model, pipe = models("sd1")
    tensors, _ = loras.lora(loras.targets(model), "kohya")
    path = loras.write(tmp_path / "a.safetensors", tensors)
    before = bits(pipe)
    with with_loras(pipe, model, (worn(path, 0.0, 0.0),)):
        assert same(bits(pipe), before)
    with with_loras(pipe, model, (worn(path, 1.0, 0.0),)):
        after = bits(pipe)
    moved = {
        kind for (kind, name) in after if not torch.equal(after[kind, name], before[kind, name])
    }
    assert moved == {"unet"}


def test_one_outfit_after_another_leaves_no_trace(models, tmp_path):
    model, pipe = models("sd1")
    one, _ = loras.lora(loras.targets(model), "kohya", seed=1)
    two, _ = loras.lora(loras.targets(model, every=2), "kohya", seed=2)
    first = worn(loras.write(tmp_path / "1.safetensors", one))
    second = worn(loras.write(tmp_path / "2.safetensors", two))
    plain = bits(pipe)
    with with_loras(pipe, model, (second,)):
        alone = bits(pipe)
    wardrobe = LoraWeights(pipe, model)
    wardrobe.change((first,))
    wardrobe.change((second,))
    assert same(bits(pipe), alone)
    wardrobe.change(())
    assert same(bits(pipe), plain)


def test_an_interrupted_change_is_undone(models, tmp_path, monkeypatch):
    model, pipe = models("sd1")
    tensors, _ = loras.lora(loras.targets(model), "kohya")
    path = loras.write(tmp_path / "a.safetensors", tensors)
    plain = bits(pipe)
    steps = iter(range(5))

    def stop(weight: torch.Tensor, *_: object) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        weight.zero_()

    wardrobe = LoraWeights(pipe, model)
    monkeypatch.setattr("sdcli.engine.lora.apply_changes", stop)
    with pytest.raises(KeyboardInterrupt):
        wardrobe.change((worn(path),))
    assert not same(bits(pipe), plain)
    wardrobe.change(())
    assert same(bits(pipe), plain)


def test_peft_keeps_its_alpha_beside_the_file(models, tmp_path):
    model, pipe = models("sd1")
    tensors, expected = loras.lora(loras.targets(model), "peft", alpha=lambda _: None)
    path = loras.write(tmp_path / "adapter_model.safetensors", tensors)
    (tmp_path / "adapter_config.json").write_text(
        '{"r": 4, "lora_alpha": 8, "alpha_pattern": {"attn1.to_q": 2}}'
    )
    scaled = {
        (kind, name): delta * (0.5 if name.endswith("attn1.to_q") else 2.0)
        for (kind, name), delta in expected.items()
    }
    check(model, pipe, path, scaled)


def test_rank_stabilised_alpha_in_diffusers_metadata(models, tmp_path):
    model, pipe = models("sd1")
    attention = [at for at in loras.targets(model) if at.component == "unet"]
    tensors, expected = loras.lora(attention, "diffusers-peft", alpha=lambda _: None)
    metadata = {"lora_adapter_metadata": '{"unet.lora_alpha": 6, "unet.use_rslora": true}'}
    path = loras.write(tmp_path / "a.safetensors", tensors, metadata)
    check(model, pipe, path, {name: 3.0 * delta for name, delta in expected.items()})


def test_the_fixtures_thirteen_changes(models):
    fixture = Path(__file__).parents[2] / "../shared/cases/lycoris_fixture.safetensors"
    if not fixture.exists():
        pytest.skip("the fixture is not at hand")
    import json

    from sdcli.engine.lora_deltas import compute_delta
    from sdcli.engine.read_tensors import load_tensors
    from sdcli.weights.lora.key_names import read_key
    from sdcli.weights.lora.kinds import LoraModule, find_lora_kind

    tensors = load_tensors(fixture)
    cases = json.loads(read_header(fixture).metadata["cases"])
    assert len(cases) == 13
    for case in cases:
        name = case["name"]
        found = {
            made.factor: key
            for key in tensors
            if key.startswith(f"{name}.") and (made := read_key(f"lora_unet_{key}"))
        }
        kind, left = find_lora_kind(set(found))
        assert kind and not left
        of = {part: tensors[key] for part, key in found.items()}
        module = LoraModule(
            "unet", name, kind, found, {part: tuple(t.shape) for part, t in of.items()}
        )
        base, wanted = tensors[f"expect.{name}.base"], tensors[f"expect.{name}.delta"]
        got = compute_delta(module, of, base.flatten(1), float(of["alpha"])).reshape(wanted.shape)
        assert (got - wanted).norm() <= 1e-5 * wanted.norm(), name
