"""Cells of a study told apart by their seeds: noise is not taken for an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from sdcli.errors import BadRequest
from sdcli.measures.judges import Judges
from sdcli.measures.panel import Panel
from sdcli.measures.psnr import PSNR
from sdcli.measures.sharpness import SHARPNESS
from sdcli.studies.judged import JudgedStudy, plan_panel
from sdcli.studies.judged_page import (
    BEST,
    WORST,
    judged_charts,
    judged_heads,
    judged_mark,
    judged_values,
    judged_verdict,
)
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.studies.keep_best import BestPictures, KeptPicture, check_keep_best
from tests.helpers.plans import a_plan

QUALITY = replace(SHARPNESS, name="quality", title="quality", better="higher", form=".2f")


def study(**cells: list[float]) -> JudgedStudy:
    made = JudgedStudy(Panel((QUALITY,), (), Judges()))
    for name, values in cells.items():
        made.found[name,] = {seed: {"quality": value} for seed, value in enumerate(values)}
    return made


def verdict(made: JudgedStudy) -> str:
    return judged_verdict(made, ", ".join)[0]


def test_what_all_seeds_agree_on_is_certain_however_far_apart_they_are():
    told = verdict(study(a=[1.0, 5.0, 9.0], b=[1.5, 5.4, 9.6]))
    assert told == "Best by quality: b (5.50 ± 2.34), surely better than every other over 3 seeds."


def test_what_seeds_do_not_agree_on_is_not():
    told = verdict(study(a=[1.0, 5.0, 9.0], b=[2.0, 5.2, 8.5], c=[0.0, 1.0, 2.0]))
    assert "best by quality: b" in told.lower() and "may be as good: a (5.00 ± 2.31)." in told


def test_one_picture_each_is_no_answer():
    assert "`--seeds 8` tells whether it is more than chance" in verdict(study(a=[1.0], b=[2.0]))


def test_columns_marks_and_charts():
    made = study(a=[1.0, 2.0], b=[3.0, 5.0], c=[2.0, 2.0])
    assert judged_heads(made) == ["quality", "±"]
    assert judged_values(made, ("b",)) == [4.0, pytest.approx(1.0)]
    worst, best = ("#" + "".join(f"{level:02x}" for level in one) for one in (WORST, BEST))
    assert judged_mark(made, ("a",), 0) == worst and judged_mark(made, ("b",), 1) == best
    places = {"a": 1.0, "b": 2.0, "c": 3.0}
    (chart,) = judged_charts(made, "cfg", lambda cell: ("", places[cell[0]]))
    assert "<svg" in chart.svg and chart.title == "quality against cfg"
    assert judged_charts(study(a=[1.0], b=[2.0]), "cfg", lambda cell: ("", places[cell[0]])) == []


def test_likeness_is_to_the_first_picture_of_the_seed():
    made = JudgedStudy(Panel((PSNR,), (), Judges()))
    black, grey = Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), (10,) * 3)
    plan = a_plan(seed=1)
    assert made.measure(("a",), plan, black) == {"psnr": None}
    assert made.measure(("b",), plan, grey)["psnr"] == pytest.approx(28.13, abs=0.01)


def test_what_is_asked_is_checked_before_anything_is_drawn():
    plans = [a_plan()]
    assert plan_panel(NO_WISH, plans, ()).measures == ()
    with pytest.raises(BadRequest, match="nothing is measured"):
        plan_panel(JudgingWish(None, ("x.pt",)), plans, ())
    with pytest.raises(BadRequest, match="the built-in model's world alone"):
        plan_panel(JudgingWish("clip"), plans, ())
    with pytest.raises(BadRequest, match="`psnr` needs"):
        plan_panel(JudgingWish("psnr"), plans, ())
    assert JudgingWish("clip, psnr").without(("psnr",)) == JudgingWish("clip")
    assert JudgingWish("psnr").without(("psnr",)) == NO_WISH
    several = a_plan(count=4)
    for count, panel, fact in (
        (4, Panel((QUALITY,), (), Judges()), "keeps all of them"),
        (2, Panel((SHARPNESS,), (), Judges()), "by which pictures are better"),
    ):
        with pytest.raises(BadRequest, match=fact):
            check_keep_best(count, several, panel)


def test_the_best_are_kept_and_the_files_of_the_others_go(tmp_path):
    best = BestPictures(Panel((QUALITY,), (), Judges()), 2)
    for name, value in (("a", 1.0), ("b", 3.0), ("c", 2.0), ("d", None)):
        path = tmp_path / name
        path.touch()
        best.offer(KeptPicture(None, path, {"quality": value}))
    assert [one.path.name for one in best.kept] == ["b", "c"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]
