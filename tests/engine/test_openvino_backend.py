"""OpenVINO in torch's place: near enough, converted once, with LoRAs, and never for what it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sdcli.engine import openvino_backend
from sdcli.engine.session import Session
from sdcli.library import converted_models
from sdcli.library.converted_models import converted_folder, list_converted
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Lora, Outpaint, Redraw, Request, Task
from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import loras

pytest.importorskip("openvino")


def plan_of(model: Path | None = None, **said: Any) -> Plan:
    usual = {"steps": 4, "width": 64, "height": 64, "seed": 1, "device": "cpu", "dtype": "fp32"}
    named = None if model is None else str(model)
    return make_plan(Request(Draw(), "a red house by the sea", model=named, **usual | said))


def pixels(plan: Plan, session: Session | None = None) -> np.ndarray:
    drawn = next(iter((session or Session()).run(plan)))
    return np.asarray(drawn.image, dtype=np.float64)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The modules that were converted, as they are."""
    seen: list[object] = []
    real = openvino_backend._convert

    def watch(module: Any, inputs: Any) -> Any:
        seen.append(module)
        return real(module, inputs)

    monkeypatch.setattr(openvino_backend, "_convert", watch)
    return seen


@pytest.mark.parametrize(
    "layout", [pytest.param("sdxl", marks=pytest.mark.thorough), "sd1-inpaint"]
)
def test_the_same_picture_to_rounding(layout: str, checkpoints: Callable[[str], Path]) -> None:
    exact = plan_of(checkpoints(layout), cfg=7.0)
    distance = np.abs(pixels(exact) - pixels(replace(exact, backend="openvino"))).mean()
    assert distance <= 0.5


def test_the_same_to_rounding_over_20_pictures_of_the_built_in_model() -> None:
    exact = plan_of(count=20)
    with Session() as session:
        plain, fast = (
            [np.asarray(drawn.image, dtype=np.float64) for drawn in session.run(plan)]
            for plan in (exact, replace(exact, backend="openvino"))
        )
    distances = [np.abs(one - other).mean() for one, other in zip(plain, fast, strict=True)]
    assert sum(distances) / 20 <= 0.5


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (Redraw(Path("start.png"), 0.6), {"fused_tiles": 64}),
        pytest.param(
            Draw(hires="96x80", hires_upscaler="lanczos", hires_strength=0.5),
            {},
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            Outpaint(Path("start.png"), right=40, only_masked=8),
            {"width": 64, "height": 64},
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["fused tiles", "a second pass", "outpainting"],
)
def test_more_than_one_size_of_a_picture(
    task: Task, changes: dict[str, Any], sd1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.radial_gradient("L").resize((88, 64)).convert("RGB").save("start.png")
    said = {"steps": 2, "seed": 1, "device": "cpu", "dtype": "fp32"} | changes
    exact = make_plan(Request(task, "a fox", model=str(sd1), **said))
    assert np.abs(pixels(exact) - pixels(replace(exact, backend="openvino"))).mean() <= 0.5


@pytest.mark.thorough
def test_sides_that_do_not_halve_evenly(sd1: Path) -> None:
    exact = plan_of(sd1, width=72, height=104)
    assert np.abs(pixels(exact) - pixels(replace(exact, backend="openvino"))).mean() <= 0.5


def test_converted_once_for_every_shape_and_session_and_anew_where_it_is_damaged(
    sd1: Path, converted: list[object], sdcli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(sd1, backend="openvino")
    first = pixels(plan)
    assert np.abs(first - pixels(plan_of(sd1))).mean() <= 0.5
    assert len(converted) == 2  # the U-Net and the VAE
    assert np.array_equal(pixels(plan), first)
    pixels(plan_of(sd1, backend="openvino", height=128, cfg=1.0))
    assert len(converted) == 2
    for file in converted_folder().rglob("model.xml"):
        file.write_text("<net")
    assert np.array_equal(pixels(plan), first)
    assert len(converted) == 4

    assert len(list_converted()) == 2
    largest = max(size for _, size in list_converted())
    monkeypatch.setattr(converted_models, "MOST_BYTES", largest)
    (newest, _), *_ = list_converted()
    with converted_models.keep_converted({"of": "another"}) as folder:
        (folder / "model.bin").write_bytes(b"1" * largest)
    assert [size for _, size in list_converted()] == [largest]
    assert not newest.exists()
    assert sdcli("cache").code == 0
    assert sdcli("cache", "--clear").code == 0
    assert list_converted() == []


def test_loras_are_worn_and_taken_off(sd1: Path, tmp_path: Path) -> None:
    tensors, _ = loras.lora(loras.targets(identify_checkpoint(sd1), convs=True))
    worn = Lora(str(loras.write(tmp_path / "style.safetensors", tensors)))
    bare, dressed = plan_of(sd1), plan_of(sd1, loras=(worn,))
    with Session() as session:
        for plan in (bare, dressed, bare):
            fast = pixels(replace(plan, backend="openvino"), session)
            assert np.abs(fast - pixels(plan)).mean() <= 0.5
    assert np.abs(pixels(bare) - pixels(dressed)).mean() > 0.5


@pytest.mark.parametrize(
    "words",
    [
        ("--fast", "step-cache"),
        ("--dtype", "bf16"),
        ("--device", "cuda"),
    ],
)
def test_what_it_cannot_is_refused(sdcli: Callable, sd1: Path, words: tuple[str, ...]) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--backend", "openvino", *words, "--dry-run")
    assert ran.code == 2
    assert "--backend openvino" in ran.err and "hint:" in ran.err


def test_without_openvino_the_hint_installs_it(
    sdcli: Callable, sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdcli.planning.fast.find_spec", lambda name: None)
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--backend", "openvino", "--dry-run")
    assert ran.code == 2
    assert 'pip install "sdcli[openvino]"' in ran.err
