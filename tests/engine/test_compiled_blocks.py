"""The U-Net's blocks compiled: near enough, with LoRAs, refused where nothing compiles."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sdcli.engine import compiled_blocks
from sdcli.engine.session import Session
from sdcli.errors import BadRequest
from sdcli.library.converted_models import list_converted
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Lora, Request
from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import loras


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler")
def test_the_same_picture_to_rounding_with_a_lora_too(sd1: Path, tmp_path: Path) -> None:
    request = Request(Draw(), "a fox", model=str(sd1), steps=3, width=64, height=64, seed=1)
    tensors, _ = loras.lora(loras.targets(identify_checkpoint(sd1)))
    worn = loras.write(tmp_path / "worn.safetensors", tensors)
    compiled = Session()
    for asked in (request, replace(request, loras=(Lora(str(worn)),)), request):
        exact = make_plan(asked)
        with Session() as session:
            (expected,) = session.run(exact)
        (found,) = compiled.run(replace(exact, backend="compile"))
        apart = np.abs(np.asarray(expected.image, float) - np.asarray(found.image, float)).mean()
        assert apart <= 0.5
        assert found.provenance.ways == ("compile: same to rounding",)
    assert any(path.name.startswith("compiled-") for path, _ in list_converted())


def test_without_a_compiler_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_blocks.shutil, "which", lambda _: None)
    with pytest.raises(BadRequest, match="C\\+\\+") as caught:
        compiled_blocks.check_compiler(torch.device("cpu"))
    assert caught.value.hint
    monkeypatch.setattr(compiled_blocks, "find_spec", lambda _: None)
    with pytest.raises(BadRequest, match="Triton"):
        compiled_blocks.check_compiler(torch.device("cuda"))
