"""PickScore: which picture people would take, by a CLIP that learnt it from them (Kirstain 2023)."""

from __future__ import annotations

from sdcli.measures.measure import Measure, Seen, by_judge, cosine

JUDGE = "pickscore"


def pick_score(seen: Seen) -> float:
    """The cosine on the scale that it was trained with."""
    return seen.scale * cosine(seen)


PICKSCORE = Measure(
    name="pickscore",
    title="PickScore",
    short="Pick",
    unit="",
    better="higher",
    needs="prompt",
    form=".2f",
    function=by_judge(JUDGE, pick_score),
    judge=JUDGE,
)
