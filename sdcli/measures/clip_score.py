"""CLIP score: how well a picture and its words agree, on the three scales in use."""

from __future__ import annotations

from sdcli.measures.measure import Measure, Seen, by_judge, cosine

JUDGE = "clip"
HESSEL = 2.5  # w of Hessel, Holtzman, Forbes, Le Bras, Choi 2021


def hundredfold(seen: Seen) -> float:
    """100 times the cosine, and no less than 0: torchmetrics' scale, and MLPerf's."""
    return 100 * max(cosine(seen), 0.0)


def hessel(seen: Seen) -> float:
    """2.5 times the cosine, and no less than 0: the scale of the paper that named it."""
    return HESSEL * max(cosine(seen), 0.0)


CLIP = Measure(
    name="clip",
    title="CLIP score",
    short="CLIP",
    unit="x100",
    better="higher",
    needs="prompt",
    form=".2f",
    function=by_judge(JUDGE, hundredfold),
    judge=JUDGE,
)
CLIP_COSINE = Measure(
    name="clip-cosine",
    title="CLIP cosine",
    short="cosine",
    unit="",
    better="higher",
    needs="prompt",
    form=".4f",
    function=by_judge(JUDGE, cosine),
    judge=JUDGE,
)
CLIP_HESSEL = Measure(
    name="clip-hessel",
    title="CLIP score",
    short="x2.5",
    unit="x2.5",
    better="higher",
    needs="prompt",
    form=".4f",
    function=by_judge(JUDGE, hessel),
    judge=JUDGE,
)
