"""The sums that diffusers' own tests expect, drawn by our solvers over the same noise levels.

What is not here: classes of other models, x0 clipped as pixels are, PNDM's Runge-Kutta start.
"""

import json
import math
from functools import cache
from pathlib import Path

import pytest
import torch

from sdcli.engine.noise import make_noise
from sdcli.engine.sampler import Sampling
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.schedulers.table import SPACINGS, Spacing

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[2] / "../shared/cases/scheduler_expected.json"
COUNT = 4 * 3 * 8 * 8
X = (torch.arange(COUNT) / COUNT).reshape(3, 8, 8, 4).permute(3, 0, 1, 2)

LONG, LINE = (
    make_noise_schedule(0.0001, 0.02, scaled=False, count=count) for count in (1100, 1000)
)
OURS = make_noise_schedule()


def ten(of, _steps):
    """Eleven points of time but the last, and the schedule's first level: diffusers' DPM family."""
    return [of.sigmas[round(of.last_timestep * (1 - i / 10))] for i in range(10)] + [of.sigmas[0]]


def every(of, _steps):
    return [*reversed(of.sigmas), 0.0]


SPACED = SPACINGS | {"ten": Spacing("ten", "", ten), "every": Spacing("every", "", every)}
EPS, V, KARRAS = "no_noise", "with_v_prediction", "device_karras_sigmas"
CASES = [
    ("euler", EPS, "euler", LONG, "uniform"),
    ("euler", V, "euler", LONG, "uniform"),
    ("euler", KARRAS, "euler", LONG, "karras"),
    ("euler_ancestral", EPS, "euler-a", LONG, "uniform"),
    ("euler_ancestral", V, "euler-a", LONG, "uniform"),
    ("heun", EPS, "heun", LONG, "uniform"),
    ("heun", V, "heun", LONG, "uniform"),
    ("heun", KARRAS, "heun", LONG, "karras"),
    ("kdpm2_discrete", EPS, "dpm2", LONG, "uniform"),
    ("kdpm2_discrete", V, "dpm2", LONG, "uniform"),
    ("kdpm2_ancestral", EPS, "dpm2-a", LONG, "uniform"),
    ("kdpm2_ancestral", V, "dpm2-a", LONG, "uniform"),
    ("lms", EPS, "lms", LONG, "uniform"),
    ("lms", V, "lms", LONG, "uniform"),
    ("lms", KARRAS, "lms", LONG, "karras"),
    ("ddpm", EPS, "ddpm", LINE, "every"),
    ("ddpm", V, "ddpm", LINE, "every"),
    ("deis", EPS, "deis", LINE, "ten"),
    ("deis", V, "deis", LINE, "ten"),
    ("dpm_multi", EPS, "dpm++2m", LINE, "ten"),
    ("dpm_multi", V, "dpm++2m", LINE, "ten"),
    ("unipc", EPS, "unipc", LINE, "ten"),
    ("unipc", V, "unipc", LINE, "ten"),
    ("sasolver", EPS, "sa-solver", LONG, "ten"),
    ("sasolver", V, "sa-solver", LONG, "ten"),
    ("tcd", "multistep_deter", "tcd", OURS, "tcd"),
    ("lcm", "multistep", "lcm", OURS, "lcm"),
]
SCALES = {"euler", "euler-a", "heun", "dpm2", "dpm2-a", "lms"}  # their classes scale x themselves


@cache
def expected():
    if not FILE.exists():
        pytest.skip("no numbers beside this checkout")
    found = {}
    for case in json.loads(FILE.read_text())["cases"]:
        name = case["file"].split("test_scheduler_")[1].removesuffix(".py")
        # The first of a name: the same tests follow for pictures of one dimension.
        found.setdefault((name, case["test"].removeprefix("test_full_loop_")), case)
    return found


def drawn(solver, of, spacing, prediction):
    eta = 0.0 if solver == "tcd" else None
    sampling = Sampling(solver, 10, prediction=prediction, of=of, eta=eta)
    sampling.levels = SPACED[spacing].levels(of, 10)  # no level left out, as diffusers has it
    sampling.begin_at()
    dice = make_noise(0)
    high = sampling.levels[0]
    x = X * (high if solver in SCALES else math.hypot(high, 1))
    for i, t in enumerate(sampling.timesteps):
        seen = sampling.scale_input(x, i)
        if solver in SCALES:
            x = seen  # their loop goes on from the scaled x, which no picture does
        x0 = sampling.predict_clean(seen * t / (t + 1), i, x)
        x = sampling.advance(x0.clamp(-1, 1) if solver == "ddpm" else x0, i, x, dice)
    return (x / math.hypot(sampling.levels[-1], 1)).abs()


@pytest.mark.parametrize(("name", "test", "solver", "of", "spacing"), CASES)
def test_the_sum_is_the_one_that_is_expected(name, test, solver, of, spacing):
    case = expected()[name, test]
    found = drawn(solver, of, spacing, "v" if test == V else "eps")
    # Theirs is float32 all through, and off by some parts in a million itself.
    for (total, near), *_ in filter(None, [case["expected_sum"]]):
        assert float(found.sum()) == pytest.approx(total, abs=near, rel=1e-5)
    for (mean, near), *_ in filter(None, [case["expected_mean"]]):
        assert float(found.mean()) == pytest.approx(mean, abs=near)
