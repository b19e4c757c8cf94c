"""A model's noise schedule, and the spacings: which of its noise levels a run visits.

A noise level is `sigma`: x = picture + sigma * noise. Timesteps and sigmas name the same thing;
between two timesteps the logarithm of sigma is interpolated, as k-diffusion does and everybody
after it. All of it is floats: no tensor, no device, no rounding.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# What the last step of a zero-SNR schedule keeps of the picture, where the formula says nothing at
# all: sigma would be infinite. A1111 and ComfyUI use this very number (sigma 4518.76).
ZERO_SNR_LEAST_KEPT = 4.8973451890853435e-08


@dataclass(frozen=True)
class NoiseSchedule:
    """The noise level at each of the timesteps a model was trained on, rising, and its logarithm."""

    sigmas: tuple[float, ...]
    logs: tuple[float, ...]

    @property
    def last_timestep(self) -> int:
        """The noisiest timestep."""
        return len(self.sigmas) - 1

    def sigma(self, timestep: float) -> float:
        """The noise level at a timestep, whole or not."""
        low = min(max(int(timestep), 0), self.last_timestep - 1)
        share = min(max(timestep - low, 0.0), 1.0)
        a, b = self.logs[low], self.logs[low + 1]
        return math.exp(a + (b - a) * share)

    def timestep(self, sigma: float) -> float:
        """The timestep at a noise level; the nearest end for a level outside the schedule."""
        if sigma <= self.sigmas[0]:
            return 0.0
        low = min(bisect_right(self.sigmas, sigma), self.last_timestep) - 1
        a, b = self.logs[low], self.logs[low + 1]
        return low + min(max((math.log(sigma) - a) / (b - a), 0.0), 1.0)


SpacingFunction = Callable[[NoiseSchedule, int], list[float]]


def make_noise_schedule(
    start: float = 0.00085,
    end: float = 0.012,
    *,
    zero_snr: bool = False,
    scaled: bool = True,
    half: bool = False,
    count: int = 1000,
) -> NoiseSchedule:
    """The schedule of Stable Diffusion: betas that rise as the square of a line (`scaled`).

    `half`: computed in half precision from alphas on, as A1111 did before 1.8, where what is kept
    of the picture at the first steps is known to one part in two thousand.
    """
    fine = round_to_half if half else float
    power = 2 if scaled else 1
    low, high = start ** (1 / power), end ** (1 / power)
    kept, keeps = 1.0, list[float]()
    for i in range(count):
        kept *= 1 - (low + (high - low) * i / (count - 1)) ** power
        keeps.append(fine(kept))
    if zero_snr:
        keeps, fine = rescale_to_zero_snr(keeps), float  # whose last level no half number holds
    sigmas = tuple(fine(math.sqrt(fine(fine(1 - k) / k))) for k in keeps)
    return NoiseSchedule(sigmas, tuple(fine(math.log(sigma)) for sigma in sigmas))


def round_to_half(number: float) -> float:
    """The nearest number of half precision (IEEE 754 binary16)."""
    return struct.unpack("<e", struct.pack("<e", number))[0]


def rescale_to_zero_snr(keeps: Sequence[float]) -> list[float]:
    """The same schedule shifted so that nothing of the picture is left at its end.

    Lin et al., "Common diffusion noise schedules and sample steps are flawed", algorithm 1.
    """
    first, last = math.sqrt(keeps[0]), math.sqrt(keeps[-1])
    shifted = [((math.sqrt(k) - last) * first / (first - last)) ** 2 for k in keeps]
    return [*shifted[:-1], ZERO_SNR_LEAST_KEPT]


def equal_steps(start: float, end: float, count: int) -> list[float]:
    """`count` equally spaced numbers, both ends included; only the start when there is one."""
    return [start + (end - start) * i / max(count - 1, 1) for i in range(count)]


def uniform_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Equal steps of time, both ends visited. A1111's Uniform and ComfyUI's normal."""
    return [of.sigma(t) for t in equal_steps(of.last_timestep, 0, steps)] + [0.0]


def karras_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Equal steps of sigma's seventh root (Karras et al. 2022, equation 5)."""
    ends = of.sigmas[-1] ** (1 / 7), of.sigmas[0] ** (1 / 7)
    return [root**7 for root in equal_steps(*ends, steps)] + [0.0]


def exponential_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Equal steps of sigma's logarithm."""
    ends = math.log(of.sigmas[-1]), math.log(of.sigmas[0])
    return [math.exp(log) for log in equal_steps(*ends, steps)] + [0.0]


def kl_optimal_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Equal steps of sigma's arctangent ("Align your steps", equation 9)."""
    ends = math.atan(of.sigmas[-1]), math.atan(of.sigmas[0])
    return [math.tan(angle) for angle in equal_steps(*ends, steps)] + [0.0]


def sgm_uniform_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Equal steps of time, the last of them straight to zero."""
    return [of.sigma(t) for t in equal_steps(of.last_timestep, 0, steps + 1)[:-1]] + [0.0]


def simple_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Every n-th level of the schedule, counted from the noisiest (ComfyUI's simple)."""
    every = len(of.sigmas) / steps
    return [of.sigmas[-1 - int(i * every)] for i in range(steps)] + [0.0]


def trailing_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """As `simple`, rounded: what turbo and lightning models were distilled at."""
    every = len(of.sigmas) / steps
    return [of.sigmas[max(round((steps - i) * every) - 1, 0)] for i in range(steps)] + [0.0]


def ddim_uniform_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Every n-th timestep counted from the first, then zero (ComfyUI's ddim_uniform)."""
    return [*leading_levels(of, steps)[:-1], 0.0]


def leading_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Every n-th timestep counted from the first, down to the first: DDIM as it was published.

    Where `steps` does not divide 1000 the range has a step more, as in every program that kept it.
    """
    every = max(len(of.sigmas) // steps, 1)
    visited = range(1, len(of.sigmas), every) if every > 1 else range(1, steps + 1)
    return [of.sigmas[min(t, of.last_timestep)] for t in reversed(visited)] + [of.sigmas[0]]


def lcm_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Steps among the fifty that latent consistency models were distilled at; no more than those."""
    every = len(of.sigmas) // 50
    visited = [(50 - i * 50 // steps) * every - 1 for i in range(steps)]
    return [of.sigmas[t] for t in dict.fromkeys(visited)] + [0.0]


def tcd_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """As `lcm`, down to the schedule's first level: where trajectory consistency ends."""
    return [*lcm_levels(of, steps)[:-1], of.sigmas[0]]


def beta_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Timesteps at equal shares of a beta distribution (Lee et al. 2024, and ComfyUI).

    Two shares that fall on one timestep are one step, so that a very long run is a little shorter.
    """
    visited = [round(beta_quantile(1 - i / steps) * of.last_timestep) for i in range(steps)]
    return [of.sigmas[t] for t in dict.fromkeys(visited)] + [0.0]


def beta_a1111_levels(of: NoiseSchedule, steps: int) -> list[float]:
    """Sigmas, not timesteps, at equal shares of a beta distribution: A1111 and diffusers."""
    low, high = of.sigmas[0], of.sigmas[-1]
    return [low + (high - low) * beta_quantile(share) for share in equal_steps(1, 0, steps)] + [0.0]


def beta_quantile(probability: float, shape: float = 0.6) -> float:
    """Where a symmetric beta distribution has this much of its mass to the left."""
    if probability > 0.5:  # the series below converges fast on the left half only
        return 1 - beta_quantile(1 - probability, shape)
    if probability == 0.5:  # which halving only comes near, and rounding would notice
        return 0.5
    whole = math.gamma(shape) ** 2 / math.gamma(2 * shape)
    low, high = 0.0, 0.5
    for _ in range(52):  # halving: as fine as a float is
        middle = (low + high) / 2
        term = total = 1 / shape
        for k in range(1, 60):
            term *= middle * (k - shape) / k
            total += term * shape / (shape + k)
        below = middle**shape * total / whole < probability
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


# "Align your steps", NVIDIA's tables for ten steps: https://research.nvidia.com/labs/toronto-ai/AlignYourSteps
AYS = (14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
       0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582)  # fmt: skip
AYS_XL = (14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
          0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582)  # fmt: skip
# A1111 took its tables from the page's text, where they are rounded.
AYS_A1111 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
AYS_A1111_XL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


def interpolate_table(table: Sequence[float], count: int) -> list[float]:
    """The table's curve at `count` points, its logarithm interpolated."""
    logs = [math.log(sigma) for sigma in table]
    levels = list[float]()
    for place in equal_steps(0, len(table) - 1, count):
        low = min(int(place), len(table) - 2)
        levels.append(math.exp(logs[low] + (logs[low + 1] - logs[low]) * (place - low)))
    return levels


def ays_levels(table: Sequence[float]) -> SpacingFunction:
    """A table's curve; its last level gives way to zero (ComfyUI, stable-diffusion.cpp)."""
    return lambda of, steps: [*interpolate_table(table, steps + 1)[:-1], 0.0]


def ays_a1111_levels(table: Sequence[float]) -> SpacingFunction:
    """A table's curve, its last level visited."""
    return lambda of, steps: [*interpolate_table(table, steps), 0.0]
