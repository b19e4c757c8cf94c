"""The second pass reckoned: its size, its steps, its plan."""

from __future__ import annotations

import pytest
from PIL import Image

from sdcli.hires import drawn_size, enlarge_size, second_pass
from sdcli.images.enlarge import enlarge_by, enlarge_to
from sdcli.images.upscalers import UPSCALERS
from sdcli.plan import Draw
from sdcli.prompts.notes import second_choice_notes
from tests.helpers.plans import a_plan


@pytest.mark.parametrize(
    ("width", "height", "hires", "covering", "size"),
    [  # by A1111's formulas, by hand
        (512, 768, "2", (1024, 1536), (1024, 1536)),
        (512, 512, "1.3", (665, 665), (664, 664)),
        (512, 768, "1024x0", (1024, 1536), (1024, 1536)),
        (520, 768, "0x1024", (693, 1024), (688, 1024)),
        (512, 768, "1024x1024", (1024, 1536), (1024, 1024)),
        (768, 512, "1024x1024", (1536, 1024), (1024, 1024)),
        (640, 512, "1024x1024", (1280, 1024), (1024, 1024)),
        (512, 768, "1000x1400", (1000, 1500), (1000, 1400)),  # 12 of 187 cells are cut away
    ],
)
def test_how_large_it_is_made(
    width: int, height: int, hires: str, covering: tuple[int, int], size: tuple[int, int]
) -> None:
    enlarged = enlarge_size(width, height, hires)
    assert (enlarged.width, enlarged.height) == covering
    assert enlarged.size == size
    plan = a_plan(task=Draw(hires), width=width, height=height)
    assert drawn_size(plan) == size


@pytest.mark.parametrize(
    ("steps", "strength", "levels"),
    [(20, 0.7, 28), (20, 0.5, 40), (10, 0.37, 27), (5, 1.0, 5), (1000, 1.0, 1001), (7, 0.0, 0)],
)
def test_how_far_back_it_goes(steps: int, strength: float, levels: int) -> None:
    second = second_pass(a_plan(task=Draw("2", hires_strength=strength), steps=steps))
    assert second is not None
    assert (second.levels, second.plan.steps) == (levels, steps)


def test_what_it_has_of_the_first() -> None:
    same = second_pass(a_plan(task=Draw("2"), eta=0.7))
    assert same is not None
    assert same.plan == a_plan(width=128, height=128, eta=0.7)
    own = Draw("2", "lanczos", 9, 0.4, "dpm++2m-sde", 3.0, "an owl", "rain")
    other = second_pass(a_plan(task=own, eta=1.0))  # the first solver's own
    assert other is not None
    changes = {"steps": 9, "scheduler": "dpm++2m-sde", "cfg": 3.0, "prompt": "an owl"}
    assert other.plan == a_plan(width=128, height=128, negative="rain", eta=1.0, **changes)
    assert second_pass(a_plan(task=Draw("2", hires_scheduler="euler"), eta=0.7)).plan.eta == 0  # type: ignore[union-attr]
    assert second_pass(a_plan()) is None


def test_its_own_words_have_no_choices() -> None:
    plan = a_plan(task=Draw("2", hires_prompt="an owl, {red|blue}", hires_negative="[rain|snow]"))
    assert [*second_choice_notes(plan)] == [
        "`{red|blue}` is drawn as it stands: a second pass's own words have no choices"
    ]


def test_a_picture_is_enlarged_until_it_is_large_enough() -> None:
    calls: list[tuple[int, int]] = []

    def twice(picture: Image.Image, times: float) -> Image.Image:
        calls.append(picture.size)
        return picture.resize((picture.width * 2, picture.height * 2))

    picture = Image.linear_gradient("L").resize((64, 48))
    assert enlarge_to(picture, 320, 240, twice).size == (320, 240)
    assert calls == [(64, 48), (128, 96), (256, 192)]  # three times are the most
    assert enlarge_to(picture, 48, 40, twice).size == (48, 40) and len(calls) == 3
    lanczos = enlarge_to(picture, 100, 75, enlarge_by(UPSCALERS["lanczos"]))
    once = picture.resize((100, 75), Image.Resampling.LANCZOS)
    eighths = once.resize((96, 72), Image.Resampling.LANCZOS)
    assert lanczos.tobytes() == eighths.resize((100, 75), Image.Resampling.LANCZOS).tobytes()
    nearest = enlarge_to(picture, 128, 96, enlarge_by(UPSCALERS["nearest"]))
    assert nearest.tobytes() == picture.resize((128, 96), Image.Resampling.NEAREST).tobytes()
