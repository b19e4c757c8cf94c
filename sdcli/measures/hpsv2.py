"""HPSv2: which picture people would take, by a CLIP that learnt it from their choices (Wu 2023)."""

from __future__ import annotations

from sdcli.measures.measure import Measure, by_judge, cosine

JUDGE = "hpsv2"

HPSV2 = Measure(
    name="hpsv2",
    title="HPSv2",
    short="HPSv2",
    unit="",
    better="higher",
    needs="prompt",
    form=".4f",
    function=by_judge(JUDGE, cosine),
    judge=JUDGE,
)
