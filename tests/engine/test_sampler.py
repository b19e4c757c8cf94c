"""Schedulers at work: every row of the table, from noise, over a picture, and again."""

import math

import pytest
import torch
from diffusers import DDIMScheduler, PNDMScheduler, UNet2DConditionModel

from sdcli.engine.noise import make_noise
from sdcli.engine.sampler import Sampling
from sdcli.errors import BadRequest
from sdcli.schedulers.names import SCHEDULERS
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.schedulers.table import PENULTIMATE_RULES, SOLVERS, SPACINGS

SHAPE = (1, 4, 8, 8)


def guess(seen, timestep):
    """A model that is good for nothing but the same every time."""
    return torch.tanh(seen * 1.3 + 0.2) * (0.7 + timestep / 4000)


def drawn(sampling, seed=3, strength=1.0, model=guess, rng="cpu"):
    dice = make_noise(seed, rng)
    noise = dice.randn(SHAPE)
    begin = sampling.begin_at(strength)
    x = sampling.scale_noise(noise)
    if strength < 1:
        x = sampling.add_noise(torch.full(SHAPE, 0.3), noise, begin)
    for index in range(begin, sampling.evaluations):
        seen = model(sampling.scale_input(x, index), sampling.timesteps[index])
        x, _ = sampling.step(seen, index, x, dice)
    return x


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_row_of_a_solver_ends_and_is_the_same_again(solver):
    rows = [name for name, row in SCHEDULERS.items() if row.solver.name == solver]
    ends = {}
    for name in rows:
        sampling = Sampling(name, 6)
        first = drawn(sampling)
        assert torch.isfinite(first).all()
        assert torch.equal(first, drawn(sampling)), "the same object, for the next picture"
        assert torch.equal(first, drawn(Sampling(name, 6)))
        over = drawn(sampling, strength=0.5)
        assert torch.isfinite(over).all() and torch.equal(over, drawn(sampling, strength=0.5))
        assert torch.equal(first, drawn(sampling)), "and once more from noise"
        ends[name] = first
    assert len({end.sum().item() for end in ends.values()}) > len(ends) * 0.8


@pytest.mark.parametrize("rule", PENULTIMATE_RULES)
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=list(SOLVERS))
def test_the_level_before_the_last_is_left_out_by_a_rule(solver, rule):
    assert set(solver.discards_penultimate) <= set(PENULTIMATE_RULES) - {"none", "always"}
    found = Sampling(solver.name, 7, penultimate=rule).levels
    schedule, spacing = make_noise_schedule(), SPACINGS[solver.spacing]
    if rule in (*solver.discards_penultimate, "always"):
        *levels, _, last = spacing.levels(schedule, 8)
        assert found == [*levels, last]
    else:
        assert found == spacing.levels(schedule, 7)


def test_half_alphas_are_the_noise_levels_of_a_run():
    levels = Sampling("euler-karras", 7, downcast_alphas=True).levels
    assert levels[-2] == pytest.approx(make_noise_schedule(half=True).sigmas[0])
    assert levels != Sampling("euler-karras", 7).levels


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=list(SOLVERS))
def test_a_real_unet_ends_finite(solver, unet):
    sampling = Sampling(solver.name, 4)

    def model(seen, timestep):
        return unet(seen, timestep, encoder_hidden_states=torch.zeros(1, 3, 8)).sample

    with torch.inference_mode():
        first = drawn(sampling, model=model)
        assert torch.isfinite(first).all()
        assert torch.equal(first, drawn(sampling, model=model))


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=4,
    ).eval()


def test_what_a_step_costs_is_what_the_table_says():
    for name, row in SCHEDULERS.items():
        steps = len(Sampling(name, 8).levels) - 1
        ends = 1 if row.solver.evaluations == 2 else 0  # the last step, straight to the picture
        more = 1 if name == "pndm" else 0
        found = Sampling(name, 8)
        assert found.evaluations == steps * row.solver.evaluations - ends + more, name
        assert len(found.sigmas) == found.evaluations + 1 == len(found.timesteps) + 1


def test_fresh_noise_comes_from_the_pictures_own_generator():
    for solver in SOLVERS.values():
        sampling, start = Sampling(solver.name, 5), make_noise(1).randn(SHAPE)
        ends = list[torch.Tensor]()
        for dice in (make_noise(2), make_noise(2), make_noise(3)):
            x = sampling.scale_noise(start)
            for index in range(sampling.evaluations):
                x, _ = sampling.step(guess(sampling.scale_input(x, index), 1.0), index, x, dice)
            ends.append(x)
        assert torch.equal(ends[0], ends[1])
        assert torch.equal(ends[0], ends[2]) is solver.deterministic, solver.name


def test_eta_is_taken_where_there_is_one():
    ends = [drawn(Sampling("ddim", 6, eta=eta)) for eta in (None, 0.0, 0.5, 1.0)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[1], ends[2]) and not torch.equal(ends[2], ends[3])
    assert torch.equal(drawn(Sampling("euler-a", 6, eta=0.0)), drawn(Sampling("euler", 6)))
    assert torch.equal(drawn(Sampling("ddpm", 6)), ends[3])
    with pytest.raises(BadRequest, match="`euler` takes no eta"):
        Sampling("euler", 6, eta=0.5)


@pytest.mark.parametrize(
    ("steps", "strength", "left"),
    [(20, 0.75, 16), (20, 0.5, 11), (5, 0.5, 3), (20, 0.01, 1), (20, 1.0, 20), (20, 0.99, 20),
     (20, 0.0, 0), (1, 0.5, 1), (30, 0.3, 10)],
)  # fmt: skip
def test_a_picture_is_redrawn_in_the_steps_of_a1111(steps, strength, left):
    euler = Sampling("euler", steps)
    assert euler.evaluations - euler.begin_at(strength) == left
    heun = Sampling("heun", steps)
    assert heun.evaluations - heun.begin_at(strength) == max(2 * left - 1, 0)
    if left:
        begin = steps - left
        latents, noise = torch.ones(SHAPE), torch.full(SHAPE, 2.0)
        sigma = euler.levels[begin]
        assert torch.allclose(euler.add_noise(latents, noise, begin), 1 + 2 * torch.tensor(sigma))
        assert heun.sigmas[heun.begin_at(strength)] == sigma


def test_at_strength_nothing_the_picture_stays():
    for name in ("euler", "heun", "dpm++2m-karras", "dpm2-a"):
        sampling = Sampling(name, 7)
        assert torch.equal(drawn(sampling, strength=0.0), torch.full(SHAPE, 0.3))


def test_a_step_goes_on_from_the_x_it_is_given():
    sampling, dice = Sampling("euler", 4), make_noise(1)
    x = sampling.scale_noise(dice.randn(SHAPE))
    sampling.advance(torch.zeros(SHAPE), 0, x, dice)
    mine = torch.full(SHAPE, 5.0)
    found = sampling.advance(torch.zeros(SHAPE), 1, mine, dice)
    assert torch.allclose(found, mine * (sampling.sigmas[2] / sampling.sigmas[1]))
    with pytest.raises(ValueError, match="step 1 was asked for, and step 2 is next"):
        sampling.advance(found, 1, found, dice)


def test_v_and_eps_say_the_same():
    eps, v = Sampling("dpm++2m", 5), Sampling("dpm++2m", 5, prediction="v")
    x0, noise = torch.randn(SHAPE), torch.randn(SHAPE)
    for index, sigma in enumerate(eps.sigmas[:-1]):
        keep, share = 1 / math.hypot(sigma, 1), sigma / math.hypot(sigma, 1)
        x = x0 + noise * sigma
        assert torch.allclose(eps.scale_input(x, index), x0 * keep + noise * share, atol=1e-5)
        assert torch.allclose(eps.predict_clean(noise, index, x), x0, atol=2e-5)
        velocity = noise * keep - x0 * share
        assert torch.allclose(v.predict_clean(velocity, index, x), x0, atol=2e-5)


def test_what_predicts_the_picture_is_taken_at_its_word():
    x = torch.randn(SHAPE)
    one = Sampling("euler-trailing", 1, prediction="x0")
    assert torch.equal(one.predict_clean(x, 0, torch.randn(SHAPE)), x)
    dice = make_noise(1)
    start = one.scale_noise(dice.randn(SHAPE))
    assert torch.equal(one.step(x, 0, start, dice)[0], x)  # its one step ends in the picture


def test_zero_snr_starts_from_noise_alone():
    for name in SCHEDULERS:
        sampling = Sampling(name, 5, prediction="v", zero_snr=True)
        x = drawn(sampling)
        assert torch.isfinite(x).all(), name
        assert not name.startswith("euler") or x.std() < 3
    sampling = Sampling("euler-trailing", 5, prediction="v", zero_snr=True)
    noise = torch.randn(SHAPE)
    assert sampling.timesteps[0] == 999
    assert torch.allclose(sampling.scale_input(sampling.scale_noise(noise), 0), noise, atol=1e-5)


CONFIG = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
    set_alpha_to_one=False,
)  # fmt: skip


@pytest.mark.parametrize("eta", [0.0, 0.6])
def test_ddim_is_theirs(eta):
    scheduler = DDIMScheduler(**CONFIG, clip_sample=False)
    scheduler.set_timesteps(10)
    dice = make_noise(3)
    x = dice.randn(SHAPE)
    for t in scheduler.timesteps:
        noise = dice.randn(SHAPE) if eta else None
        x = scheduler.step(guess(x, float(t)), t, x, eta=eta, variance_noise=noise).prev_sample
    sampling = Sampling("ddim", 10, eta=eta)
    ours = drawn(sampling) / math.hypot(sampling.sigmas[-1], 1)
    assert torch.allclose(ours, x, atol=2e-5)


def test_plms_is_theirs():
    scheduler = PNDMScheduler(**CONFIG, skip_prk_steps=True)
    scheduler.set_timesteps(10)
    x = make_noise(3).randn(SHAPE)
    for t in scheduler.timesteps:
        x = scheduler.step(guess(x, float(t)), t, x).prev_sample
    sampling = Sampling("pndm", 10)
    ours = drawn(sampling) / math.hypot(sampling.sigmas[-1], 1)
    assert torch.allclose(ours, x, atol=2e-5)
