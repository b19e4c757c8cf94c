"""Training: its formulas as numbers, its gradients by PEFT, its files, and what is resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdcli.engine.build import build_modules
from sdcli.engine.lora import with_loras
from sdcli.engine.training import loss
from sdcli.engine.training.batch_loss import size_numbers
from sdcli.engine.training.latents import EncodedPicture
from sdcli.engine.training.trainer import Trainer
from sdcli.events import SilentListener
from sdcli.plan import File, Lora
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.training.batches import BatchOrder, Example
from sdcli.training.options import EMBEDDING, LORA
from sdcli.training.plan import TrainingPlan, TrainingRequest, draw_nothing, plan_training
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.lora.module_names import underscored
from tests.helpers import learnt


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of three shapes with their words."""
    return learnt.folder(tmp_path_factory.mktemp("learnt") / "foxes")


def planned(
    model: Path,
    pictures: Path,
    out: Path,
    kind: str = LORA,
    word: str = "",
    beside: Path | None = None,
    **more,
) -> TrainingPlan:
    """A short training at 64 pixels."""
    values = {"size": 64, "steps": 4, "warmup": 0, "save-every": 2, "lr": 1e-2, "rank": 4, **more}
    if kind == EMBEDDING:
        del values["rank"]
    values = {name.replace("_", "-"): value for name, value in values.items()}
    drawing = draw_nothing(model=str(model), device="cpu", dtype="fp32")
    request = TrainingRequest(kind, pictures, out, drawing, values, word=word)
    return plan_training(replace(request, regularisation=beside))


def trainer(plan: TrainingPlan) -> Trainer:
    return Trainer(plan, SilentListener())


# The formulas, worked out by hand for three timesteps of SD's schedule.


def test_alpha_bar_is_diffusers():
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    theirs = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    ours = loss.kept_shares(make_noise_schedule())
    assert torch.allclose(ours, theirs.alphas_cumprod, rtol=1e-5)


def test_noise_velocity_and_weights_are_the_formulas():
    kept = torch.tensor([0.9, 0.5, 0.1])
    latents, noise = torch.full((3, 1, 1, 1), 2.0), torch.full((3, 1, 1, 1), -1.0)
    noisy = loss.add_noise(latents, noise, kept).flatten()
    assert noisy.tolist() == pytest.approx([1.581139, 0.707107, -0.316228], abs=1e-5)
    velocity = loss.training_target("v", latents, noise, kept).flatten()
    assert velocity.tolist() == pytest.approx([-1.581139, -2.121320, -2.213594], abs=1e-5)
    assert loss.training_target("eps", latents, noise, kept) is noise
    assert loss.training_target("x0", latents, noise, kept) is latents
    # signal to noise: 9, 1, 1/9
    weights = {name: loss.min_snr_weights(name, kept, 5.0).tolist() for name in ("eps", "v", "x0")}
    assert weights["eps"] == pytest.approx([5 / 9, 1, 1])
    assert weights["v"] == pytest.approx([0.5, 0.5, 0.1])
    assert weights["x0"] == pytest.approx([5, 1, 1 / 9])
    assert loss.min_snr_weights("eps", kept, 0.0).tolist() == [1, 1, 1]


def test_offset_noise_moves_each_channel_as_a_whole():
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    moved = loss.offset_noise(noise, 0.1, torch.Generator().manual_seed(2)) - noise
    expected = 0.1 * torch.randn(2, 4, 1, 1, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(moved, expected.expand_as(moved), atol=1e-6)


def test_sdxl_is_told_the_picture_s_size_its_cut_and_its_bucket(pictures, sdxl, tmp_path):
    plan = planned(sdxl, pictures, tmp_path / "a.safetensors")
    (wide,) = (one for one in plan.pictures if one.size == (96, 64))
    encoded = EncodedPicture(torch.zeros(1), torch.zeros(1), None, left=3, top=5)
    told = size_numbers(Example(wide, "", False, 0.5, 0.5, 0, 0), encoded)
    width, height = wide.placement.bucket
    assert told == [64, 96, 5, 3, height, width] and height < width


def test_what_is_masked_weighs_nothing():
    predicted, target = torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2)
    mask = torch.tensor([[[[1.0, 0.0], [0.5, 0.0]]]])
    assert loss.picture_losses(predicted, target, None).item() == 1
    assert loss.picture_losses(predicted, target, mask).item() == pytest.approx(1.5 / 4)


def test_what_is_beside_holds_the_model_where_it_was(
    checkpoints: Callable[[str], Path], pictures: Path, tmp_path: Path
) -> None:
    def losses_of(prior: str) -> tuple[float, float]:
        """At the model itself, and where something was learnt."""
        file = tmp_path / "a.safetensors"
        plan = planned(checkpoints("sd1"), pictures, file, beside=pictures, prior=prior)
        ours = trainer(plan)
        picture = next(one for one in plan.pictures if one.regular)
        examples = [Example(picture, picture.caption, False, 0.5, 0.5, 500, 1)]
        before = ours.batch_loss.find(examples).item()
        for layer in ours._learnt.values():
            torch.nn.init.constant_(layer.up, 0.05)
        after = ours.batch_loss.find(examples)
        after.backward()
        assert all(layer.up.grad.abs().sum() > 0 for layer in ours._learnt.values())
        return before, after.item()

    before, after = losses_of("model")
    assert before == 0 < after
    before, _ = losses_of("pictures")
    assert before > 0.1


@pytest.mark.parametrize(("layout", "dora"), [("sd1", True), ("sdxl", False)])
def test_gradients_are_those_of_peft(
    layout: str, dora: bool, checkpoints: Callable[[str], Path], pictures: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    plan = planned(
        checkpoints(layout), pictures, tmp_path / "a.safetensors",
        dora=dora, conv_rank=2, conv_alpha=1.0, alpha=2.0, text_encoder=False, caption_dropout=0.0,
    )  # fmt: skip
    ours = trainer(plan)
    layers = dict(ours._learnt.items())
    dice = torch.Generator().manual_seed(3)
    for layer in layers.values():  # `up` is zero at first, and then nothing reaches `down`
        torch.nn.init.normal_(layer.up, std=0.05, generator=dice)
    examples = BatchOrder(plan).batch(0)
    ours.batch_loss.find(examples).backward()

    unet = build_modules(identify_checkpoint(plan.drawing.model.path)).unet
    names = {
        underscored(name): name
        for name, module in unet.named_modules()
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
    }
    stems = by_module(plan, ours)
    targets = [names[module] for module in stems]
    conv = {name: 2 for name in targets if layers[stems[underscored(name)]].down.shape[0] == 2}
    config = LoraConfig(
        r=4, lora_alpha=2.0, target_modules=targets, use_dora=dora,
        rank_pattern=conv, alpha_pattern=dict.fromkeys(conv, 1.0),
    )  # fmt: skip
    inject_adapter_in_model(config, unet)
    theirs = dict(unet.named_modules())
    with torch.no_grad():
        for module, stem in stems.items():
            place = theirs[names[module]]
            place.lora_A["default"].weight.copy_(layers[stem].down)
            place.lora_B["default"].weight.copy_(layers[stem].up)
    ours._pipe.unet = unet
    ours.batch_loss.find(examples).backward()
    largest = max(layer.up.grad.abs().max() for layer in layers.values())
    for module, stem in stems.items():
        place = theirs[names[module]]
        for own, other in ((layers[stem].down, place.lora_A), (layers[stem].up, place.lora_B)):
            apart = (own.grad - other["default"].weight.grad).abs().max()
            assert apart <= 1e-5 * largest, module
    assert len(stems) > 20 and largest > 1e-4


def by_module(plan: TrainingPlan, ours: Trainer) -> dict[str, str]:
    """The name in the file of each module that learns, by diffusers' name of it."""
    from sdcli.weights.lora.key_names import read_key

    found = {}
    for stem in ours._learnt:
        factor = read_key(f"{stem}.lora_down.weight", 1)
        found[factor.module] = stem
    return found


def take(ours: Trainer, steps: int) -> list[float]:
    return [ours.take_step() for _ in range(steps)]


def written(ours: Trainer, path: Path) -> bytes:
    with path.open("wb") as file:
        ours.write_file({"ss_network_dim": "4"}, file)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("layout", "kind", "more"),
    [
        ("sd1", LORA, {"conv_rank": 2, "flip": True, "accumulate": 2}),
        ("sd2-v", LORA, {"crop": "random", "shuffle": True, "schedule": "cosine"}),
        ("sdxl", EMBEDDING, {"init": "red fox"}),
    ],
)
def test_what_was_interrupted_goes_on_to_the_same_bits(
    layout, kind, more, checkpoints, pictures, tmp_path
):
    plan = planned(checkpoints(layout), pictures, tmp_path / "new.safetensors", kind, "new", **more)
    whole = trainer(plan)
    losses = take(whole, 2)
    first = trainer(plan)
    take(first, 1)
    with (tmp_path / "state.pt").open("wb") as file:
        first.write_state(file)
    second = trainer(plan)
    second.read_state(tmp_path / "state.pt")
    assert take(second, 1) == losses[1:]
    assert written(second, tmp_path / "b") == written(whole, tmp_path / "a")


def test_twice_computed_is_the_same_gradient(checkpoints, pictures, tmp_path):
    plan = planned(checkpoints("sd1"), pictures, tmp_path / "a.safetensors")
    kept = trainer(plan)
    take(kept, 2)
    again = trainer(replace(plan, settings=replace(plan.settings, checkpointing="on")))
    take(again, 2)
    for one, other in zip(kept._learnt.parameters(), again._learnt.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("dora", [False, True])
def test_the_file_worn_says_what_was_learnt(dora, sd1, pictures, tmp_path):
    plan = planned(sd1, pictures, tmp_path / "a.safetensors", dora=dora, conv_rank=2)
    ours = trainer(plan)
    take(ours, 3)
    written(ours, plan.out)
    model = identify_checkpoint(sd1)
    plain = build_modules(model)
    given = (torch.randn(1, 4, 8, 8), torch.tensor([500]))
    words = torch.randn(1, 77, 32)
    with torch.no_grad():
        learnt = ours._pipe.unet(*given, encoder_hidden_states=words, return_dict=False)[0]
        before = plain.unet(*given, encoder_hidden_states=words, return_dict=False)[0]
        with with_loras(plain, model, (Lora(File(plan.out, ""), 1.0, 1.0, 1.0),)):
            worn = plain.unet(*given, encoder_hidden_states=words, return_dict=False)[0]
        if not dora:  # whose lengths diffusers leaves out, and says so
            theirs = worn_by_diffusers(plan.out, plain)(*given, encoder_hidden_states=words)[0]
            assert (worn - theirs).abs().max() < 1e-4
    moved = (learnt - before).abs().max()
    assert moved > 1e-3
    assert (worn - learnt).abs().max() < 0.01 * moved  # it is kept in half precision


def worn_by_diffusers(path: Path, modules: object) -> torch.nn.Module:
    """The U-Net with the file as diffusers and PEFT read it, its text encoder's part read, too."""
    from diffusers.loaders import StableDiffusionLoraLoaderMixin as Loader

    state, alphas = Loader.lora_state_dict(str(path.parent), weight_name=path.name)
    assert any(key.startswith("text_encoder.") for key in state)
    Loader.load_lora_into_unet(state, alphas, modules.unet)
    return modules.unet
