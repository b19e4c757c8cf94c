"""The noise levels, against formulas written apart and numbers known from other programs."""

import math

import numpy as np
import pytest

from sdcli.schedulers.noise_levels import (
    ZERO_SNR_LEAST_KEPT,
    beta_quantile,
    make_noise_schedule,
)
from sdcli.schedulers.table import SPACINGS

pytestmark = pytest.mark.slow

OF = make_noise_schedule()
BETAS = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
KEPT = np.cumprod(1 - BETAS)
SIGMAS = np.sqrt((1 - KEPT) / KEPT)


def at(timesteps):
    return np.exp(np.interp(timesteps, np.arange(1000), np.log(SIGMAS)))


def ramp(function, inverse, steps):
    return inverse(np.linspace(function(SIGMAS[-1]), function(SIGMAS[0]), steps))


def test_the_schedule_is_that_of_every_other_program():
    assert pytest.approx(SIGMAS, rel=1e-12) == OF.sigmas
    assert OF.sigmas[0] == pytest.approx(0.029167, abs=1e-6)
    assert OF.sigmas[-1] == pytest.approx(14.614641, abs=1e-6)


def test_timesteps_and_levels_are_one_thing():
    for timestep in (0, 0.25, 1, 333.3, 998.9, 999):
        assert OF.timestep(OF.sigma(timestep)) == pytest.approx(timestep, abs=1e-9)
    assert OF.timestep(0.001) == 0
    assert OF.timestep(700) == 999


def test_zero_snr_keeps_nothing_at_the_end_and_the_beginning_as_it_was():
    flat = make_noise_schedule(zero_snr=True)
    assert flat.sigmas[-1] == pytest.approx(4518.76, abs=0.01)
    assert flat.sigmas[-1] == math.sqrt((1 - ZERO_SNR_LEAST_KEPT) / ZERO_SNR_LEAST_KEPT)
    assert flat.sigmas[0] == pytest.approx(OF.sigmas[0])
    assert list(flat.sigmas) == sorted(flat.sigmas)


def test_half_alphas_are_numpys_half_precision_all_the_way():
    half = make_noise_schedule(half=True)
    kept = KEPT.astype(np.float16)
    sigmas = ((1 - kept) / kept) ** np.float16(0.5)
    assert sigmas.dtype == np.float16
    assert list(half.sigmas) == [float(sigma) for sigma in sigmas]
    assert half.sigmas[0] == pytest.approx(0.03125)  # 7 % from the exact one
    assert list(half.logs) == sorted(set(half.logs))
    logs = np.log(sigmas).astype(np.float64)
    for timestep in (0, 0.25, 333.3, 998.9, 999):
        interpolated = np.exp(np.interp(timestep, np.arange(1000), logs))
        assert half.sigma(timestep) == pytest.approx(interpolated, rel=1e-12)
        assert half.timestep(half.sigma(timestep)) == pytest.approx(timestep, abs=0.3)
    assert 4_000 < make_noise_schedule(half=True, zero_snr=True).sigmas[-1] < 5_000


FORMULAS = {
    "uniform": lambda n: at(np.linspace(999, 0, n)),
    "sgm-uniform": lambda n: at(np.linspace(999, 0, n + 1)[:-1]),
    "karras": lambda n: ramp(lambda s: s ** (1 / 7), lambda r: r**7, n),
    "exponential": lambda n: ramp(np.log, np.exp, n),
    "kl-optimal": lambda n: ramp(np.arctan, np.tan, n),
    "simple": lambda n: SIGMAS[[-1 - int(i * 1000 / n) for i in range(n)]],
    "trailing": lambda n: SIGMAS[np.round(np.arange(1000, 0, -1000 / n)[:n]).astype(int) - 1],
    "ddim-uniform": lambda n: SIGMAS[np.arange(1, 1000, 1000 // n)[::-1]],
}


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 30, 50])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_spacing_is_its_formula(name, steps):
    *levels, last = SPACINGS[name].levels(OF, steps)
    assert last == 0
    assert levels == pytest.approx(list(FORMULAS[name](steps)), rel=1e-6)


def test_ddim_goes_down_to_the_first_level():
    levels = SPACINGS["leading"].levels(OF, 20)
    assert levels[0] == pytest.approx(SIGMAS[951])
    assert levels[-2:] == pytest.approx([SIGMAS[1], SIGMAS[0]])


def test_a_latent_consistency_model_is_asked_where_it_was_distilled():
    for steps, timesteps in ((1, [999]), (4, [999, 759, 499, 259]), (8, None)):
        *levels, last = SPACINGS["lcm"].levels(OF, steps)
        found = [round(OF.timestep(level)) for level in levels]
        assert last == 0 and len(found) == steps
        assert all((t + 1) % 20 == 0 for t in found)
        assert timesteps is None or found == timesteps


def test_beta_is_the_distribution_and_comfyuis_timesteps():
    stats = pytest.importorskip("scipy.stats")
    shares = np.linspace(0, 1, 41)
    wanted = stats.beta.ppf(shares, 0.6, 0.6)
    assert [beta_quantile(share) for share in shares] == pytest.approx(list(wanted), abs=1e-9)
    visited = np.rint(stats.beta.ppf(1 - np.linspace(0, 1, 12, endpoint=False), 0.6, 0.6) * 999)
    assert SPACINGS["beta"].levels(OF, 12) == pytest.approx([*SIGMAS[visited.astype(int)], 0])
    share = stats.beta.ppf(1 - np.linspace(0, 1, 12), 0.6, 0.6)
    wanted = SIGMAS[0] + share * (SIGMAS[-1] - SIGMAS[0])
    assert SPACINGS["beta-a1111"].levels(OF, 12) == pytest.approx([*wanted, 0])


def test_align_your_steps_is_nvidias_table_at_ten_steps():
    for xl, second in ((False, 6.4745760956), (True, 6.3184485287)):
        levels = SPACINGS["ays"].levels(OF, 10, xl=xl)
        assert levels[:2] == pytest.approx([14.6146412293, second])
        assert len(levels) == 11 and levels[-1] == 0
    theirs = SPACINGS["ays-a1111"].levels(OF, 11)
    assert theirs[:2] == pytest.approx([14.615, 6.475]) and theirs[-2:] == pytest.approx([0.029, 0])
    between = SPACINGS["ays"].levels(OF, 20)
    assert between[1] == pytest.approx(math.sqrt(14.6146412293 * 6.4745760956))


@pytest.mark.parametrize("xl", [False, True], ids=["sd", "sdxl"])
@pytest.mark.parametrize("zero_snr", [False, True])
def test_every_spacing_goes_down_only(xl, zero_snr):
    of = make_noise_schedule(zero_snr=zero_snr)
    for spacing in SPACINGS.values():
        for steps in (1, 2, 3, 7, 20, 33, 100, 500):
            levels = spacing.levels(of, steps, xl=xl)
            assert all(a > b for a, b in zip(levels, levels[1:], strict=False))
            assert len(levels) >= 2 and math.isfinite(levels[0])
