"""The line that says where a run is: whole in any terminal."""

import pytest

from sdcli.cli.progress_line import RunView, progress_line

VIEW = RunView("cfg=3, steps=20", "picture 2 of 4", "step 13 of 25", 0.5, 30)


def test_at_80_columns_it_says_everything() -> None:
    line = progress_line(VIEW, 12, 77)
    assert line.startswith("picture 2 of 4  cfg=3") and len(line) <= 77
    assert line.endswith("step 13 of 25  12 s so far, about 30 s left")
    wide = progress_line(VIEW, 12, 120)
    assert "picture 2 of 4  cfg=3, steps=20  ━━━━━━━━━━━━────────────  step 13 of 25" in wide


@pytest.mark.parametrize(
    "view",
    [
        VIEW,
        RunView("loading torch"),
        RunView("a title that goes on and on " * 9, "picture 1,234 of 100,000", "step 1 of 1000"),
        RunView("the converged picture of seed 3: heun-karras, 100 steps", "", "step 3 of 100"),
    ],
)
def test_it_is_never_wider_than_the_terminal(view: RunView) -> None:
    for width in range(130):
        line = progress_line(view, 4000, width)
        assert len(line) <= width
        if width >= 30 and view.step:
            assert view.step.partition(" ")[2] in line


def test_narrow_terminals_lose_words_before_numbers() -> None:
    assert progress_line(VIEW, 12, 48) == "picture 2 of 4  step 13 of 25  12 s, 30 s left"
    assert progress_line(VIEW, 12, 40) == "2 of 4  step 13 of 25  12 s, 30 s left"
    assert progress_line(VIEW, 12, 26) == "13 of 25  12 s, 30 s left"


def test_what_is_not_known_is_not_promised() -> None:
    assert progress_line(RunView("loading torch"), 3, 77) == "loading torch  3 s so far"
