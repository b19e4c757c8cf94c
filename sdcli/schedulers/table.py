"""The solvers and the spacings of their steps: one row each, with its function and its names.

A new solver is its function under `solvers/` and a row here, a new spacing a function in
`noise_levels` and a row. Every program's names for both are columns of these rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.schedulers import noise_levels as levels
from sdcli.schedulers.noise_levels import NoiseSchedule, SpacingFunction
from sdcli.schedulers.solvers import (
    distilled,
    multistep,
    one_stage,
    predictor_corrector,
    two_stage,
)
from sdcli.schedulers.solvers.base import SolverFunction


@dataclass(frozen=True)
class Spacing:
    """Which noise levels a run visits, and the names other programs have for it."""

    name: str
    about: str  # nothing for one that belongs to a single solver, and cannot be chosen
    function: SpacingFunction
    xl: SpacingFunction | None = None  # where the same name means other levels with SDXL
    a1111: str = ""  # its label, which may mean another spacing than the same word elsewhere
    other_names: tuple[str, ...] = ()

    def levels(self, schedule: NoiseSchedule, steps: int, *, xl: bool = False) -> list[float]:
        """The noise levels of a run of so many steps, the last one included."""
        function = self.xl if xl and self.xl else self.function
        return function(schedule, steps)


SPACINGS = {
    spacing.name: spacing
    for spacing in (
        Spacing(
            "uniform", "equal steps of time", levels.uniform_levels,
            a1111="Uniform", other_names=("normal", "discrete"),
        ),
        Spacing(
            "karras", "small steps where the picture is nearly done", levels.karras_levels,
            a1111="Karras", other_names=("k",),
        ),
        Spacing(
            "exponential", "equal steps of log noise", levels.exponential_levels,
            a1111="Exponential",
            other_names=("polyexponential",),  # with A1111's rho of 1 it is the same
        ),
        Spacing("beta", "small steps at both ends (ComfyUI's beta)", levels.beta_levels),
        Spacing(
            "beta-a1111", "A1111's beta: of noise levels, not of time", levels.beta_a1111_levels,
            a1111="Beta",
        ),
        Spacing(
            "sgm-uniform", "equal steps of time, the last one straight to the picture",
            levels.sgm_uniform_levels, a1111="SGM Uniform",
        ),
        Spacing(
            "simple", "every n-th noise level (ComfyUI's simple)", levels.simple_levels,
            a1111="Simple",
        ),
        Spacing(
            "trailing", "what turbo and lightning models were distilled at",
            levels.trailing_levels, a1111="Turbo",
        ),
        Spacing(
            "ddim-uniform", "every n-th timestep, counted from the first",
            levels.ddim_uniform_levels, a1111="DDIM",
        ),
        Spacing(
            "kl-optimal", "equal steps of the noise's arctangent", levels.kl_optimal_levels,
            a1111="KL Optimal",
        ),
        Spacing(
            "ays", "Align Your Steps: optimised for 10 steps, SD 1.x and SDXL",
            levels.ays_levels(levels.AYS), xl=levels.ays_levels(levels.AYS_XL),
        ),
        Spacing(
            "ays-a1111", "A1111's Align Your Steps: its last level visited too",
            levels.ays_a1111_levels(levels.AYS_A1111),
            xl=levels.ays_a1111_levels(levels.AYS_A1111_XL), a1111="Align Your Steps",
        ),
        Spacing("leading", "", levels.leading_levels),
        Spacing("lcm", "", levels.lcm_levels),
        Spacing("tcd", "", levels.tcd_levels),
    )
}  # fmt: skip
ALL = tuple(spacing.name for spacing in SPACINGS.values() if spacing.about)
OTHERS = ALL[1:]  # of solvers that take equal steps of time by themselves


# Whose solvers leave out the noise level before the last (`discards_penultimate`): those of these
# programs; `none` is diffusers, with InvokeAI, and stable-diffusion.cpp; `always` a setting of A1111.
PENULTIMATE_RULES = ("a1111", "comfyui", "none", "always")


@dataclass(frozen=True)
class Solver:
    """A way from noise to a picture, and the names other programs have for it."""

    name: str
    about: str
    function: SolverFunction
    evaluations: int = 1  # of the model, for one step
    eta: float | None = None  # the usual one; None: it takes none
    fixed_eta: float = 0.0  # the eta of one that takes none
    always_noisy: bool = False  # draws fresh noise whatever its eta
    spacing: str = "uniform"  # its own
    spacings: tuple[str, ...] = OTHERS  # others that it takes
    discards_penultimate: tuple[str, ...] = ()  # whose leaves out the noise level before the last
    unit_variance: bool = False  # starts from x of variance 1 + sigma^2, not sigma^2
    a1111_automatic: str = ""  # the spacing that A1111 takes for it when nobody says one
    differs: str = ""  # how the solver of this name differs in other programs
    a1111: str = ""
    a1111_unspaced: bool = False  # its schedule types have no power over this one
    comfyui: str = ""
    sdcpp: str = ""
    invokeai: str = ""
    diffusers: str = ""
    other_names: tuple[str, ...] = ()

    @property
    def deterministic(self) -> bool:
        """Whether it draws no fresh noise, with the eta it usually has."""
        return not (self.always_noisy or self.eta or self.fixed_eta)

    @property
    def foreign_names(self) -> tuple[str, ...]:
        """What other programs call it, each name once."""
        theirs = (self.a1111, self.comfyui, self.sdcpp, self.invokeai, self.diffusers)
        return tuple(dict.fromkeys(name for name in theirs if name))


SOLVERS = {
    solver.name: solver
    for solver in (
        Solver(
            "euler", "the straight way; quick and steady", one_stage.euler, a1111="Euler",
            comfyui="euler", sdcpp="euler", invokeai="euler", diffusers="EulerDiscreteScheduler",
            other_names=("k_euler",),
        ),
        Solver(
            "euler-a", "Euler with fresh noise; lively, never settles", one_stage.euler, eta=1.0,
            a1111="Euler a", comfyui="euler_ancestral", sdcpp="euler_a", invokeai="euler_a",
            diffusers="EulerAncestralDiscreteScheduler",
            other_names=("k_euler_a", "k_euler_ancestral"),
        ),
        Solver(
            "ddim", "the classic; deterministic, with eta up to DDPM", one_stage.euler, eta=0.0,
            spacing="leading", spacings=ALL, unit_variance=True, a1111="DDIM", a1111_unspaced=True,
            invokeai="ddim", diffusers="DDIMScheduler", other_names=("plain ddim",),
        ),
        Solver(
            "ddpm", "the original: as much noise as was removed; for many steps", one_stage.euler,
            fixed_eta=1.0, spacing="leading", spacings=ALL, unit_variance=True, comfyui="ddpm",
            invokeai="ddpm", diffusers="DDPMScheduler",
        ),
        Solver(
            "pndm", "pseudo linear multistep (PLMS); SD 1's first default", multistep.pndm,
            spacing="leading", spacings=(), unit_variance=True, a1111="PLMS", a1111_unspaced=True,
            invokeai="pndm", diffusers="PNDMScheduler", other_names=("plms",),
        ),
        Solver(
            "lms", "linear multistep of order 4", multistep.lms, a1111="LMS", comfyui="lms",
            sdcpp="lms", invokeai="lms", diffusers="LMSDiscreteScheduler", other_names=("k_lms",),
        ),
        Solver(
            "heun", "second order, two evaluations a step", two_stage.heun, evaluations=2,
            a1111="Heun", comfyui="heun", sdcpp="heun", invokeai="heun",
            diffusers="HeunDiscreteScheduler", other_names=("k_heun",),
        ),
        Solver(
            "dpm2", "second order, looks halfway; two evaluations a step", two_stage.dpm2,
            evaluations=2, discards_penultimate=("a1111", "comfyui"), a1111_automatic="karras",
            a1111="DPM2", comfyui="dpm_2", sdcpp="dpm2", invokeai="kdpm_2",
            diffusers="KDPM2DiscreteScheduler", other_names=("k_dpm_2",),
        ),
        Solver(
            "dpm2-a", "DPM2 with fresh noise", two_stage.dpm2, evaluations=2, eta=1.0,
            discards_penultimate=("a1111", "comfyui"), a1111_automatic="karras", a1111="DPM2 a",
            comfyui="dpm_2_ancestral", invokeai="kdpm_2_a",
            diffusers="KDPM2AncestralDiscreteScheduler",
            other_names=("k_dpm_2_a", "k_dpm_2_ancestral"),
        ),
        Solver(
            "dpm++2m", "multistep, second order; the best picture for few steps",
            one_stage.dpmpp_2m, a1111_automatic="karras", a1111="DPM++ 2M", comfyui="dpmpp_2m",
            sdcpp="dpm++2m", invokeai="dpmpp_2m", diffusers="DPMSolverMultistepScheduler",
            other_names=("k_dpmpp_2m", "dpm++"),
        ),
        Solver(
            "dpm++2m-sde", "DPM++ 2M with fresh noise; fine detail", one_stage.dpmpp_2m, eta=1.0,
            a1111_automatic="exponential", a1111="DPM++ 2M SDE", comfyui="dpmpp_2m_sde",
            sdcpp="dpm++2m_sde", invokeai="dpmpp_2m_sde",
            other_names=("dpmpp_2m_sde_gpu", "k_dpmpp_2m_sde"),
        ),
        Solver(
            "dpm++3m-sde", "third order, with fresh noise; for many steps", one_stage.dpmpp_3m,
            eta=1.0, discards_penultimate=("a1111",), a1111_automatic="exponential",
            a1111="DPM++ 3M SDE", comfyui="dpmpp_3m_sde", other_names=("dpmpp_3m_sde_gpu",),
        ),
        Solver(
            "dpm++3m", "third order; for many steps", one_stage.dpmpp_3m, invokeai="dpmpp_3m",
        ),
        Solver(
            "dpm++2s", "second order, two evaluations a step", two_stage.dpmpp_2s, evaluations=2,
            invokeai="dpmpp_2s", diffusers="DPMSolverSinglestepScheduler",
            differs="diffusers spreads one of its steps over two of ours",
        ),
        Solver(
            "dpm++2s-a", "DPM++ 2S with fresh noise", two_stage.dpmpp_2s, evaluations=2, eta=1.0,
            a1111_automatic="karras", a1111="DPM++ 2S a", comfyui="dpmpp_2s_ancestral",
            sdcpp="dpm++2s_a", other_names=("k_dpmpp_2s_a", "k_dpmpp_2s_ancestral"),
        ),
        Solver(
            "dpm++sde", "a stochastic equation, two evaluations a step", two_stage.dpmpp_sde,
            evaluations=2, eta=1.0, a1111_automatic="karras", a1111="DPM++ SDE",
            comfyui="dpmpp_sde", invokeai="dpmpp_sde", diffusers="DPMSolverSDEScheduler",
            other_names=("dpmpp_sde_gpu", "k_dpmpp_sde"),
        ),
        Solver(
            "unipc", "predictor and corrector of order 2; good with few steps",
            predictor_corrector.unipc, discards_penultimate=("comfyui",), a1111="UniPC",
            a1111_unspaced=True, comfyui="uni_pc_bh2", invokeai="unipc",
            diffusers="UniPCMultistepScheduler", other_names=("uni_pc",),
            differs="A1111 and ComfyUI run it with order 3, and this is order 2, as in diffusers",
        ),
        Solver(
            "deis", "exponential integrator of order 2", multistep.deis, comfyui="deis",
            invokeai="deis", diffusers="DEISMultistepScheduler",
            differs="ComfyUI runs it with order 3, and this is order 2, as in diffusers",
        ),
        Solver(
            "ipndm", "Adams-Bashforth of order 4", multistep.ipndm, comfyui="ipndm", sdcpp="ipndm",
            diffusers="IPNDMScheduler",
            differs="diffusers runs it on a schedule that Stable Diffusion was not trained on",
        ),
        Solver(
            "sa-solver", "stochastic Adams, predictor and corrector", predictor_corrector.sa_solver,
            eta=1.0, comfyui="sa_solver", diffusers="SASolverScheduler",
            differs="ComfyUI runs it with orders 3 and 4, and these are 2 and 2, as in diffusers",
        ),
        Solver(
            "lcm", "for latent consistency models and LoRAs: 4 to 8 steps", distilled.lcm,
            always_noisy=True, spacing="lcm", spacings=ALL, unit_variance=True, a1111="LCM",
            comfyui="lcm", sdcpp="lcm", invokeai="lcm", diffusers="LCMScheduler",
            differs="A1111 spaces its steps in another way",
        ),
        Solver(
            "tcd", "for trajectory consistency models and LoRAs", distilled.tcd, eta=0.3,
            spacing="tcd", spacings=ALL, unit_variance=True, sdcpp="tcd", invokeai="tcd",
            diffusers="TCDScheduler",
        ),
    )
}  # fmt: skip
