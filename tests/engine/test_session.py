"""Drawing with the engine itself: what is loaded once, what is repeated, what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdcli.engine.session import Session
from sdcli.errors import SdcliError
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request


class Listener:
    """Hears what the engine says."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.notes: list[str] = []

    def stage(self, doing: str) -> None:
        self.stages.append(doing)

    def step(self, done: int, of: int) -> None:
        self.steps.append((done, of))

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def small(sd1: Path) -> Plan:
    asked = Request(
        Draw(), "a fox", model=str(sd1), steps=2, width=64, height=64, seed=1, dtype="fp32"
    )
    return make_plan(replace(asked, device="cpu"))


def test_a_model_is_loaded_once(small: Plan, sdxl: Path) -> None:
    heard = Listener()
    studio = Session(heard)
    for todo in (small, replace(small, seed=2), replace(small, steps=3)):
        list(studio.draw(todo))
    assert [stage for stage in heard.stages if stage.startswith("loading")] == [
        f"loading {small.model.path.name}"
    ]
    other = make_plan(Request(Draw(), "a fox", model=str(sdxl), steps=1, width=64, height=64))
    list(studio.draw(other))
    assert sum(stage.startswith("loading") for stage in heard.stages) == 2


def test_steps_are_told_as_they_are_taken(small: Plan) -> None:
    heard = Listener()
    list(Session(heard).draw(replace(small, count=2)))
    assert heard.steps == [(1, 2), (2, 2)] * 2


def test_pictures_come_one_by_one(small: Plan) -> None:
    pictures = Session(Listener()).draw(replace(small, count=1000))
    first, second = next(pictures), next(pictures)
    assert (first.plan.seed, second.plan.seed) == (1, 2)
    assert first.plan.count == 1 and (first.index, second.index) == (0, 1)
    assert first.made.seconds > 0 and first.made.versions["torch"] == torch.__version__


def test_a_plan_draws_the_same_after_any_other(small: Plan) -> None:
    studio = Session(Listener())
    before = next(studio.draw(small)).image.tobytes()
    for other, eta in {"euler-a": 1.0, "heun": 0.0, "lcm": 0.0, "dpm++sde": 1.0}.items():
        list(studio.draw(replace(small, scheduler=other, eta=eta)))
    assert next(studio.draw(small)).image.tobytes() == before


def test_a_vae_that_overflows_is_asked_again_in_fp32(small: Plan) -> None:
    heard = Listener()
    studio = Session(heard)
    loaded = studio.open(small)
    vae = loaded.pipe.vae
    vae.to(torch.bfloat16)
    real = vae.decoder.forward

    def overflowing(*args: object, **more: object) -> torch.Tensor:
        out = real(*args, **more)
        return out if vae.dtype is torch.float32 else out * float("nan")

    vae.decoder.forward = overflowing
    picture = next(studio.draw(small))
    assert picture.made.events == ("VAE in fp32, for it overflowed",)
    assert any("fp32" in note for note in heard.notes)
    assert len(set(picture.image.get_flattened_data())) > 1


def test_numbers_that_are_none_are_an_error_and_no_picture(small: Plan) -> None:
    studio = Session(Listener())
    unet = studio.open(small).pipe.unet
    with torch.no_grad():
        unet.conv_out.bias[0] = float("nan")
    with pytest.raises(SdcliError, match="NaN"):
        next(studio.draw(small))


def test_memory_that_runs_out_is_survived_and_recorded(
    small: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first decoding asks for more memory than there is; in tiles it does not."""
    heard = Listener()
    studio = Session(heard)
    vae = studio.open(small).pipe.vae
    expected = next(studio.draw(small)).image
    real = vae.decode

    def hungry(*args: object, **more: object) -> object:
        if not vae.use_tiling:
            torch.empty(2**55)
        return real(*args, **more)

    monkeypatch.setattr(vae, "decode", hungry)
    picture = next(studio.draw(small))
    assert picture.made.events == ("out of memory: VAE in tiles",)
    assert picture.image.tobytes() == expected.tobytes()  # small enough for one tile


def test_every_prediction_and_schedule_of_a_file_is_used(
    checkpoints: Callable[[str], Path],
) -> None:
    """A v-model read as eps draws something else: the plan's word reaches the solver."""
    asked = Request(
        Draw(), "a fox", model=str(checkpoints("sd2-v")), steps=2, width=64, height=64, seed=1
    )
    as_v, as_eps = make_plan(asked), make_plan(replace(asked, prediction="eps"))
    assert (as_v.prediction, as_eps.prediction) == ("v", "eps")
    studio = Session(Listener())
    assert next(studio.draw(as_v)).image.tobytes() != next(studio.draw(as_eps)).image.tobytes()
