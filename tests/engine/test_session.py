"""Drawing with the engine itself: what is loaded once, what is repeated, what is refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sdcli.engine import build
from sdcli.engine.device import Machine
from sdcli.engine.session import Session
from sdcli.errors import SdcliError
from sdcli.events import SilentListener, Step
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request
from sdcli.weights import checkpoint


class Recorder(SilentListener):
    """Keeps what the engine tells."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.pictures: list[Picture] = []

    def on_stage(self, text: str) -> None:
        self.stages.append(text)

    def on_step(self, step: Step) -> None:
        self.steps.append(step)

    def on_fallback(self, text: str) -> None:
        self.notes.append(text)

    def on_picture(self, picture: Picture) -> None:
        self.pictures.append(picture)


@pytest.fixture
def small(sd1: Path) -> Plan:
    asked = Request(
        Draw(), "a fox", model=str(sd1), steps=2, width=64, height=64, seed=1, dtype="fp32"
    )
    return make_plan(replace(asked, device="cpu"))


def test_a_model_is_loaded_once(small: Plan, sdxl: Path) -> None:
    heard = Recorder()
    session = Session()
    for todo in (small, replace(small, seed=2), replace(small, steps=3)):
        list(session.run(todo, heard))
    assert [stage for stage in heard.stages if stage.startswith("loading")] == [
        f"loading {small.model.path.name}"
    ]
    other = make_plan(Request(Draw(), "a fox", model=str(sdxl), steps=1, width=64, height=64))
    list(session.run(other, heard))
    assert sum(stage.startswith("loading") for stage in heard.stages) == 2


def test_steps_are_told_as_they_are_taken(small: Plan) -> None:
    heard = Recorder()
    pictures = list(Session().run(replace(small, count=2), heard))
    assert [(step.index, step.of, step.seed, step.picture_index) for step in heard.steps] == [
        *((0, 2, 1, 0), (1, 2, 1, 0), (0, 2, 2, 1), (1, 2, 2, 1))
    ]
    assert all(step.picture_count == 2 and step.batch == 1 for step in heard.steps)
    assert heard.steps[0].sigma > heard.steps[1].sigma > 0
    assert heard.pictures == pictures


def test_pictures_come_one_by_one(small: Plan) -> None:
    pictures = Session().run(replace(small, count=1000))
    first, second = next(pictures), next(pictures)
    assert (first.plan.seed, second.plan.seed) == (1, 2)
    assert first.plan.count == 1 and (first.index, second.index) == (0, 1)
    assert first.provenance.seconds > 0 and first.provenance.versions["torch"] == torch.__version__


def test_a_plan_draws_the_same_after_any_other(small: Plan) -> None:
    session = Session()
    before = next(session.run(small)).image.tobytes()
    for other, eta in {"euler-a": 1.0, "heun": 0.0, "lcm": 0.0, "dpm++sde": 1.0}.items():
        list(session.run(replace(small, scheduler=other, eta=eta)))
    assert next(session.run(small)).image.tobytes() == before


def test_a_vae_that_overflows_is_asked_again_in_fp32(small: Plan) -> None:
    heard = Recorder()
    session = Session()
    loaded = session.load(small, heard)
    vae = loaded.pipe.vae
    vae.to(torch.bfloat16)
    real = vae.decoder.forward

    def overflowing(*args: object, **more: object) -> torch.Tensor:
        out = real(*args, **more)
        return out if vae.dtype is torch.float32 else out * float("nan")

    vae.decoder.forward = overflowing
    picture = next(session.run(small, heard))
    assert picture.provenance.events == ("VAE in fp32, for it overflowed",)
    assert any("fp32" in note for note in heard.notes)
    assert len(set(picture.image.get_flattened_data())) > 1


def test_numbers_that_are_none_are_an_error_and_no_picture(small: Plan) -> None:
    session = Session()
    unet = session.load(small, SilentListener()).pipe.unet
    with torch.no_grad():
        unet.conv_out.bias[0] = float("nan")
    with pytest.raises(SdcliError, match="NaN"):
        next(session.run(small))


def test_memory_that_runs_out_is_survived_and_recorded(
    small: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first decoding asks for more memory than there is; in tiles it does not."""
    heard = Recorder()
    session = Session()
    vae = session.load(small, SilentListener()).pipe.vae
    expected = next(session.run(small)).image
    real = vae.decode

    def hungry(*args: object, **more: object) -> object:
        if not vae.use_tiling:
            torch.empty(2**55)
        return real(*args, **more)

    monkeypatch.setattr(vae, "decode", hungry)
    picture = next(session.run(small, heard))
    assert picture.provenance.events == ("out of memory: VAE in tiles",)
    assert heard.notes == ["memory ran out: going on with VAE in tiles"]
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
    session = Session()
    assert next(session.run(as_v)).image.tobytes() != next(session.run(as_eps)).image.tobytes()


def test_a_model_that_is_another_by_now_is_not_drawn_under_the_old_hash(
    small: Plan, checkpoints: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    shutil.copyfile(small.model.path, path)
    todo = make_plan(
        Request(Draw(), "a fox", model=str(path), steps=1, width=64, height=64, device="cpu")
    )
    shutil.copyfile(checkpoints("sd1-nai"), tmp_path / "new").replace(path)
    with pytest.raises(SdcliError, match="changed while it was being read"):
        list(Session().run(todo))


def test_a_model_that_is_replaced_while_it_is_loaded_is_refused(
    small: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"
    shutil.copyfile(small.model.path, path)
    todo = make_plan(
        Request(Draw(), "a fox", model=str(path), steps=1, width=64, height=64, device="cpu")
    )
    identify = checkpoint.identify_checkpoint

    def replace_after(where: Path) -> object:
        model = identify(where)
        shutil.copyfile(path, tmp_path / "new").replace(path)
        return model

    monkeypatch.setattr(checkpoint, "identify_checkpoint", replace_after)
    with pytest.raises(SdcliError, match="changed while it was being read"):
        list(Session().run(todo))


def test_a_model_goes_straight_to_its_device(small: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build_modules = build.build_modules

    def watched(*given: Any, device: torch.device, **more: Any) -> Any:
        built.append(device.type)
        return build_modules(*given, device=device, **more)

    elsewhere = Machine(torch.device("meta"), torch.float32)
    monkeypatch.setattr("sdcli.engine.loaded_model.choose_machine", lambda *_: elsewhere)
    monkeypatch.setattr("sdcli.engine.build.build_modules", watched)
    with Session() as session:
        pipe = session.load(small, SilentListener()).pipe
        weights = [*pipe.unet.parameters(), *pipe.vae.parameters(), *pipe.text_encoder.parameters()]
        assert built == ["meta"] and {weight.device.type for weight in weights} == {"meta"}


def test_a_model_that_has_no_room_on_its_device_is_built_on_the_cpu_first(
    small: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    build_modules = build.build_modules

    def full(*given: Any, device: torch.device, **more: Any) -> Any:
        built.append(device.type)
        if device.type == "meta":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build_modules(*given, device=device, **more)

    elsewhere = Machine(torch.device("meta"), torch.float32)
    monkeypatch.setattr("sdcli.engine.loaded_model.choose_machine", lambda *_: elsewhere)
    monkeypatch.setattr("sdcli.engine.build.build_modules", full)
    with Session() as session:
        session.load(small, SilentListener())
    assert built == ["meta", "cpu"]
