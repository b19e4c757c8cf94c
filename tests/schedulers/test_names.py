"""The names of schedulers: ours, other programs', and those that nobody can map."""

import pytest

from sdcli.errors import BadRequest
from sdcli.schedulers.names import (
    FOREIGN_SOLVERS,
    FOREIGN_SPACINGS,
    SCHEDULERS,
    SOLVERS_BY_NAME,
    SPACINGS_BY_NAME,
    a1111_sampler_and_schedule,
    find_sampler_with_schedule,
    find_scheduler,
)
from sdcli.schedulers.table import SOLVERS, SPACINGS

ASKED = [
    "ddpm",
    "ddim",
    "pndm",
    "lms",
    "euler",
    "euler-a",
    "heun",
    "dpm2",
    "dpm2-a",
    "dpm++2m",
    "dpm++2m-sde",
    "dpm++2s",
    "dpm++2s-a",
    "dpm++sde",
    "unipc",
    "deis",
    "ipndm",
    "lcm",
    "tcd",
    "sa-solver",
]
SPACED = ["karras", "exponential", "beta", "sgm-uniform", "ays", "simple"]


def test_every_solver_and_spacing_has_its_row():
    assert set(ASKED) <= set(SCHEDULERS)
    assert {f"{solver}-{spacing}" for solver in ASKED for spacing in SPACED} - set(SCHEDULERS) == {
        f"pndm-{spacing}" for spacing in SPACED
    }
    assert all(row.about and row.solver.function for row in SCHEDULERS.values())


def test_a_name_finds_itself():
    for name in SCHEDULERS:
        assert (
            find_scheduler(name)
            == find_scheduler(name.upper())
            == find_scheduler(name.replace("-", "_"))
            == name
        )


def test_every_name_in_the_table_finds_its_solver():
    for solver in SOLVERS.values():
        for name in (*solver.foreign_names, *solver.other_names):
            assert find_scheduler(name) == solver.name


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("DPM++ 2M Karras", "dpm++2m-karras"),
        ("DPM++ 2S a Karras", "dpm++2s-a-karras"),
        ("DPM++ 3M SDE Exponential", "dpm++3m-sde-exponential"),
        ("LMS Karras", "lms-karras"),
        ("dpmpp_2m_sde_gpu", "dpm++2m-sde"),
        ("dpmpp_2s_ancestral", "dpm++2s-a"),
        ("k_dpm_2_ancestral", "dpm2-a"),
        ("dpmpp_2m_k", "dpm++2m-karras"),
        ("euler_a karras", "euler-a-karras"),
        ("ddim_trailing", "ddim-trailing"),
        ("lcm normal", "lcm-uniform"),
        ("DPMSolverMultistepScheduler", "dpm++2m"),
    ],
)
def test_other_programs_names(theirs, ours):
    assert find_scheduler(theirs) == ours


@pytest.mark.parametrize(
    ("sampler", "schedule", "ours"),
    [
        ("DPM++ 2M", "Automatic", "dpm++2m-karras"),
        ("DPM++ 2M SDE", "Automatic", "dpm++2m-sde-exponential"),
        ("DPM++ 2M", "Uniform", "dpm++2m"),
        ("DPM++ 2M", None, "dpm++2m"),
        ("DPM++ 2M Karras", "Automatic", "dpm++2m-karras"),
        ("Euler a", "SGM Uniform", "euler-a-sgm-uniform"),
        ("Euler", "Beta", "euler-beta-a1111"),
        ("euler", "beta", "euler-beta"),
        ("Euler", "Align Your Steps", "euler-ays-a1111"),
        ("DDIM", "Karras", "ddim"),
        ("ddim", "karras", "euler-karras"),
        ("ddim", "ddim_uniform", "euler-ddim-uniform"),
        ("euler", "normal", "euler"),
        ("dpmpp_2m", "kl_optimal", "dpm++2m-kl-optimal"),
        ("lcm", "sgm_uniform", "lcm-sgm-uniform"),
        ("euler_a", "discrete", "euler-a"),
    ],
)
def test_a_sampler_and_its_schedule(sampler, schedule, ours):
    assert find_sampler_with_schedule(sampler, schedule) == ours


@pytest.mark.parametrize(
    "name",
    ["DPM fast", "DPM adaptive", "Restart", "dpm_adaptive", "heunpp2", "res_multistep", "er_sde",
     "DPM++ 2M SDE Heun Exponential", "DDIM CFG++", "euler_cfg_pp", "Euler GITS"],
)  # fmt: skip
def test_what_nothing_here_draws_is_said_and_never_swapped(name):
    with pytest.raises(BadRequest, match="has no equivalent here"):
        find_scheduler(name)


def test_what_is_drawn_here_is_not_listed_as_foreign():
    assert not FOREIGN_SOLVERS & set(SOLVERS_BY_NAME)
    assert not FOREIGN_SPACINGS & set(SPACINGS_BY_NAME)


def test_a_slip_is_answered_with_what_was_meant():
    with pytest.raises(BadRequest, match="no scheduler is called `eular`") as error:
        find_scheduler("eular")
    assert error.value.hint.startswith("did you mean `euler`")
    with pytest.raises(BadRequest) as error:
        find_scheduler("dpm++ 2m kerras")
    assert "`dpm++2m-karras`" in error.value.hint
    with pytest.raises(BadRequest, match="no spacing is called `karas`"):
        find_sampler_with_schedule("Euler", "karas")


def test_a_spacing_that_a_solver_does_not_take_is_refused():
    with pytest.raises(BadRequest, match="`pndm` does not take the spacing `karras`"):
        find_scheduler("PLMS Karras")


def test_spacings_are_told_apart():
    assert set(SPACINGS) >= {*SPACED, "uniform"}
    assert len({row.function for row in SPACINGS.values()}) == len(SPACINGS)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("dpm++2m-karras", ("DPM++ 2M", "Karras")),
        ("euler", ("Euler", "Uniform")),
        ("euler-beta-a1111", ("Euler", "Beta")),
        ("ddim", ("DDIM", "Automatic")),  # over which its schedule types have no power
        ("ddim-karras", ("ddim-karras", "")),
        ("deis", ("deis", "")),
    ],
)
def test_what_a1111_calls_a_scheduler(ours, theirs):
    assert a1111_sampler_and_schedule(ours) == theirs
