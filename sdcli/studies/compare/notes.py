"""How the numbers of compared schedulers came about, and what they do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdcli.measures.convergence import is_deterministic
from sdcli.text import percent

if TYPE_CHECKING:
    from sdcli.studies.compare.page import Comparison


def comparison_notes(comparison: Comparison) -> list[str]:
    """How the numbers came about, and what they do not say."""
    notes = [
        "Every picture of a seed starts from the same noise and the same encoded prompt, and is bit"
        " for bit the one that its own command draws."
    ]
    for seed, limit in comparison.limits.items():
        about = limit.about
        kept = ", kept from an earlier run" if about.cached else ""
        notes.append(
            f"Seed {seed}: the converged picture is {about.scheduler} at {about.steps} steps{kept}."
            f" {about.witness}, another kind of solver, ends {percent(about.apart)} from it at"
            f" {about.witness_steps} steps: that is how far the reference can be trusted."
        )
    if comparison.limits:
        notes.append(
            "Distance is the root mean square difference of the latents over the size of the"
            " converged ones; PSNR and SSIM compare the decoded pictures. With several seeds they"
            " are means over the seeds (root means for the distance)."
        )
    rests = {one.plan.scheduler: one.rest for one in comparison.pictures.values()}
    for name, rest in rests.items():
        if rest > 0:
            notes.append(
                f"{name} stops at noise level {rest:.3g} and not at none: about that share of noise"
                " stays in its latents, whatever its steps."
            )
    deterministic = [is_deterministic(plan) for plan in comparison.lineup.plans]
    if not comparison.limits and any(deterministic):
        notes.append(
            "What is asked for changes after a share of the steps, which is another noise level for"
            " every solver: they follow no common path, so there is no converged picture."
        )
    if not all(deterministic):
        notes.append(
            "A solver that draws fresh noise at each step follows no one path: with more steps it"
            " finds another picture, not a better approximation of this one. A distance to the"
            " converged picture would say nothing about it; the spread between its seeds says how"
            " different the pictures are that it draws."
        )
    return notes
