"""A scheduler at work: which noise levels a picture goes through, and the steps between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch

from sdcli.engine.brownian_noise import brownian_motion
from sdcli.engine.noise import Noise
from sdcli.errors import BadRequest
from sdcli.schedulers.names import SCHEDULERS
from sdcli.schedulers.noise_levels import NoiseSchedule, make_noise_schedule
from sdcli.schedulers.solvers.base import SolverRun, SolverSteps
from sdcli.schedulers.table import SPACINGS, Spacing

Motion = Callable[[float, float], torch.Tensor]


class Sampling:
    """A scheduler with its number of steps, for one model's schedule and kind of prediction.

    A picture is drawn by `x = initial(noise)`, then for every index from `begin()` on, below
    `evaluations`: the model predicts from `scaled(x, index)` at `timesteps[index]`, and `step`
    takes x on. A picture drawn over another starts from `noised(latents, noise, index)` at the
    index `begin(strength)`. x is float32 wherever it lies, and no step waits for the device.
    """

    def __init__(  # noqa: PLR0913  all by name, and each a fact that the plan holds
        self,
        scheduler: str,
        steps: int,
        *,
        prediction: str = "eps",
        zero_snr: bool = False,
        eta: float | None = None,
        xl: bool = False,
        penultimate: str = "a1111",
        downcast_alphas: bool = False,
        of: NoiseSchedule | None = None,
    ) -> None:
        row = SCHEDULERS[scheduler]
        self.row, self.solver = row, row.solver
        self.prediction = prediction
        self.schedule = of or make_noise_schedule(zero_snr=zero_snr, half=downcast_alphas)
        self.eta = self._eta(eta)
        short = penultimate in (*self.solver.discards_penultimate, "always")
        self.levels = self._levels(SPACINGS[row.spacing], steps, xl, short)
        self._noise: Noise | None = None
        self.begin_at()

    def _eta(self, asked: float | None) -> float:
        if self.solver.eta is None and asked not in {None, self.solver.fixed_eta}:
            raise BadRequest(f"`{self.solver.name}` takes no eta", hint="see `sdcli schedulers`")
        usual = self.solver.fixed_eta if self.solver.eta is None else self.solver.eta
        return usual if asked is None else asked

    def _levels(self, spacing: Spacing, steps: int, xl: bool, short: bool) -> list[float]:
        """The noise levels between steps, the last one included; `short` of the one before it."""
        if not short:
            return spacing.levels(self.schedule, steps, xl=xl)
        *levels, _, last = spacing.levels(self.schedule, steps + 1, xl=xl)
        return [*levels, last]

    def begin_at(self, strength: float = 1.0) -> int:
        """Get ready for a picture; the index of the first evaluation at this strength.

        With strength below 1, `int(steps * strength) + 1` steps are left, as in A1111 and
        stable-diffusion.cpp. At 0 none is: the index is `evaluations`, and the picture stays.
        """
        steps = len(self.levels) - 1
        return self.begin_with(min(int(steps * strength) + 1, steps) if strength > 0 else 0)

    def begin_with(self, left: int) -> int:
        """Get ready for a picture for which so many steps are left, or all there are; the index of the
        first evaluation."""
        self._first = max(len(self.levels) - 1 - left, 0)
        before = self._levels_asked(self.levels[: self._first + 1])
        rest = self._levels_asked(self.levels[self._first :])
        self.sigmas = [*before, *rest, self.levels[-1]]
        self.timesteps = [self.schedule.timestep(sigma) for sigma in self.sigmas[:-1]]
        self._timesteps: torch.Tensor | None = None
        self._start = self._next = len(before)
        self._solving: SolverSteps | None = None
        return self._start

    def _levels_asked(self, levels: Sequence[float]) -> list[float]:
        """At which levels the solver asks on its way down, found by walking it with numbers."""
        found = list[float]()
        if len(levels) < 2:
            return found
        solving = self._run(levels)
        _, sigma = next(solving)
        with suppress(StopIteration):
            while True:
                found.append(sigma)
                _, sigma = solving.send((0.0, 0.0))
        return found

    def _run(self, levels: Sequence[float], x: torch.Tensor | None = None) -> SolverSteps:
        """The solver at its start; without x it goes over numbers, and rolls nothing."""
        solver, noise = self.solver.function, self._noise
        if x is None or noise is None:
            still = SolverRun(levels, self.schedule, self.eta, lambda: 0.0, lambda now, then: 0.0)
            return solver(0.0, still)
        motion: list[Motion] = []  # made when it is first asked for: most never do

        def moved(now: float, then: float) -> torch.Tensor:
            if not motion:
                low = min(level for level in levels if level)
                motion.append(brownian_motion(noise, x.shape, low, levels[0]))
            return motion[0](now, then).to(x)

        run = SolverRun(levels, self.schedule, self.eta, lambda: noise.randn(x.shape).to(x), moved)
        return solver(x, run)

    @property
    def evaluations(self) -> int:
        """How often the model is asked for one picture, from pure noise."""
        return len(self.timesteps)

    def timestep_on(self, index: int, device: torch.device) -> torch.Tensor:
        """The timestep of one evaluation, on a device: a number would be copied there at every step,
        and each copy waits until the device has caught up."""
        if self._timesteps is None or self._timesteps.device != device:
            self._timesteps = torch.tensor(self.timesteps, dtype=torch.float32, device=device)
        return self._timesteps[index]

    def scale_noise(self, noise: torch.Tensor) -> torch.Tensor:
        """Where a picture drawn from noise alone starts."""
        sigma = self.levels[0]
        return noise.float() * (math.hypot(sigma, 1) if self.solver.unit_variance else sigma)

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
        """A picture's latents with as much noise as x has at an index."""
        return latents.float() + noise.to(latents.device).float() * self.sigmas[index]

    def scale_input(self, x: torch.Tensor, index: int) -> torch.Tensor:
        """What the model is shown of x: of variance 1, as it was in training."""
        return x / math.hypot(self.sigmas[index], 1)

    def predict_clean(self, prediction: torch.Tensor, index: int, x: torch.Tensor) -> torch.Tensor:
        """The picture that the model's prediction sees in x."""
        sigma = self.sigmas[index]
        prediction = prediction.to(x.dtype)
        if self.prediction == "x0":
            return prediction
        if self.prediction == "v":
            return x / (sigma * sigma + 1) - prediction * (sigma / math.hypot(sigma, 1))
        return x - prediction * sigma

    def advance(
        self, x0: torch.Tensor, index: int, x: torch.Tensor, generator: Noise
    ) -> torch.Tensor:
        """x at the next index, from the picture seen in it: the model's, or one held to a mask."""
        if index == self._start:
            self._noise = generator
            self._next, self._solving = index, self._run(self.levels[self._first :], x)
            next(self._solving)
        if index != self._next or self._solving is None:
            raise ValueError(f"step {index} was asked for, and step {self._next} is next")
        self._next += 1
        try:
            onward, _ = self._solving.send((x, x0))
        except StopIteration as end:
            self._solving = None
            return end.value
        return onward

    def step(
        self, prediction: torch.Tensor, index: int, x: torch.Tensor, generator: Noise
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x at the next index, and the picture that the prediction saw in x."""
        x0 = self.predict_clean(prediction, index, x)
        return self.advance(x0, index, x, generator), x0
