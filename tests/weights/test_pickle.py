"""PyTorch's files without PyTorch: every way they are written, and every way they are abused."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy
import pytest
import torch

from sdcli.engine.read_tensors import load_tensors
from sdcli.errors import BadRequest
from sdcli.weights.read_header import read_header

pytestmark = pytest.mark.slow

STATE = OrderedDict(
    a=torch.arange(6, dtype=torch.float16).reshape(2, 3),
    b=torch.tensor(3.5),
    c=torch.arange(4, dtype=torch.int64),
)


class Runs:
    """A pickle of this runs `os.system`."""

    def __reduce__(self) -> object:
        return os.system, ("touch /tmp/should-never-be",)


def same(path: Path, expected: dict[str, torch.Tensor]) -> None:
    found = load_tensors(path)
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor.detach())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "root",
    [STATE, {"state_dict": STATE, "epoch": 3}, {"params_ema": STATE}, {"model": {"module": STATE}}],
    ids=["flat", "lightning", "upscaler", "nested"],
)
def test_every_layout_gives_the_same_tensors(tmp_path, root, zipped):
    path = tmp_path / "no ending at all"
    torch.save(root, path, _use_new_zipfile_serialization=zipped)
    assert read_header(path).form == "pickle"
    same(path, STATE)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_windows_on_a_shared_storage_are_read_as_they_look(tmp_path, zipped):
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {"turned": base.T, "column": base[:, 2], "tail": base[2:], "one": base[1, 3]}
    torch.save(state, tmp_path / "views.pt", _use_new_zipfile_serialization=zipped)
    same(tmp_path / "views.pt", state)


def test_types_that_only_new_files_have(tmp_path):
    state = {
        "eighth": torch.tensor([1.0, -2.0]).to(torch.float8_e4m3fn),
        "brain": torch.tensor([1.5], dtype=torch.bfloat16),
    }
    torch.save(state, tmp_path / "new.pt")
    header = read_header(tmp_path / "new.pt")
    assert [tensor.dtype for tensor in header.tensors.values()] == ["F8_E4M3", "BF16"]
    assert torch.equal(
        load_tensors(tmp_path / "new.pt")["eighth"].float(), torch.tensor([1.0, -2.0])
    )


def test_what_trainers_leave_behind_is_passed_over(tmp_path):
    root = {
        "state_dict": STATE,
        "global_step": 875000,
        "loss": numpy.float64(0.5),
        "args": Namespace(path=Path("x")),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
    }
    torch.save(root, tmp_path / "last.ckpt")
    same(tmp_path / "last.ckpt", STATE)
    assert read_header(tmp_path / "last.ckpt").facts["global_step"] == 875000


def test_classes_that_are_not_installed_are_husks(tmp_path, monkeypatch):
    module = ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    kept = type("ModelCheckpoint", (dict,), {"__module__": module.__name__})
    module.ModelCheckpoint = kept
    with monkeypatch.context() as here:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
            here.setitem(sys.modules, name, module)
        callback = kept(best=torch.zeros(2))
        callback.monitor = "loss"
        torch.save({"state_dict": STATE, "callbacks": {kept: callback}}, tmp_path / "last.ckpt")
    same(tmp_path / "last.ckpt", STATE)


def test_an_embedding_keeps_its_nesting(tmp_path):
    vectors = torch.nn.ParameterDict({"*": torch.nn.Parameter(torch.ones(2, 8))})
    for name, held in (("dict", {"*": torch.ones(2, 8)}), ("module", vectors)):
        root = {"string_to_token": {"*": 265}, "string_to_param": held, "name": "cat", "step": 9}
        torch.save(root, tmp_path / name)
        header = read_header(tmp_path / name)
        assert {n: t.shape for n, t in header.tensors.items()} == {"string_to_param.*": (2, 8)}
        assert header.facts == {"name": "cat", "step": 9}


def test_code_in_a_pickle_is_named_and_not_run(tmp_path):
    canary = Path("/tmp/should-never-be")
    for zipped in (True, False):
        path = tmp_path / f"evil-{zipped}.ckpt"
        torch.save({"state_dict": STATE, "x": Runs()}, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(BadRequest, match=rf"wants to run `{os.system.__module__}.system`"):
            read_header(path)
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(BadRequest, match="wants to run"):
        read_header(tmp_path / "plain.ckpt")
    assert not canary.exists()


@pytest.mark.parametrize(
    "name",
    ["builtins.eval", "builtins.getattr", "torch.storage._load_from_bytes", "os.path.join",
     "subprocess.Popen", "runpy._run_code", "functools.partial", "__main__.Thing"],
)  # fmt: skip
def test_names_that_no_weights_need_are_refused(tmp_path, name):
    module, _, word = name.rpartition(".")
    code = b"\x80\x02c" + f"{module}\n{word}\n".encode() + b"."
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/data.pkl", code)
    with pytest.raises(BadRequest, match="wants to run"):
        read_header(tmp_path / "x.pt")


def zipped(path: Path, text: bytes, storage: bytes = b"", compress: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", compress) as archive:
        archive.writestr("x/data.pkl", text)
        archive.writestr("x/data/0", storage)
    return path


def tensor_pickle(count: int = 4, shape: tuple[int, ...] = (4,)) -> bytes:
    """The pickle of a tensor on a storage `0` of so many halves, as the file would claim."""
    stream = io.BytesIO()

    class Claims(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            return ("storage", torch.HalfStorage, "0", "cpu", count) if obj is CLAIM else None

    class Built:
        def __reduce__(self) -> object:
            strides = tuple(1 for _ in shape)
            args = (CLAIM, 0, shape, strides, False, OrderedDict())
            return torch._utils._rebuild_tensor_v2, args

    Claims(stream, 2).dump({"a": Built()})
    return stream.getvalue()


CLAIM = object()


def test_claims_that_the_file_does_not_keep(tmp_path):
    good = zipped(tmp_path / "good.pt", tensor_pickle(), b"12345678")
    assert read_header(good).tensors["a"].shape == (4,)
    for name, text, storage, compress in (
        ("short", tensor_pickle(), b"1234", 0),
        ("bomb", tensor_pickle(1 << 24, (1 << 24,)), bytes(1 << 25), zipfile.ZIP_DEFLATED),
        ("terabytes", tensor_pickle(1 << 45, (1 << 45,)), b"", 0),
        ("beyond", tensor_pickle(4, (5,)), b"12345678", 0),
        ("bottomless", b"\x80\x02" + b"(" * 100 + b".", b"", 0),
        ("unfinished", b"\x80\x02}", b"", 0),
        ("long", b"\x80\x04\x8e" + (1 << 45).to_bytes(8, "little"), b"", 0),
    ):
        path = zipped(tmp_path / name, text, storage, compress)
        with pytest.raises(BadRequest, match="damaged"):
            read_header(path)


def test_truncated_files_and_other_archives_are_told(tmp_path):
    for zipped_ in (True, False):
        whole = tmp_path / f"whole-{zipped_}.ckpt"
        torch.save({"a": torch.zeros(1000)}, whole, _use_new_zipfile_serialization=zipped_)
        for share in (0.3, 0.9):
            cut = tmp_path / "cut.ckpt"
            cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
            with pytest.raises(BadRequest, match="damaged|cut short"):
                read_header(cut)
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(BadRequest, match="is a zip archive, not a model"):
        read_header(tmp_path / "pictures.zip")


def test_reading_a_header_needs_no_torch(tmp_path):
    torch.save(STATE, tmp_path / "model.ckpt")
    probe = (
        "import sys; from pathlib import Path; from sdcli.weights.read_header import read_header;"
        "print(len(read_header(Path(sys.argv[1])).tensors), 'torch' in sys.modules)"
    )
    words = [sys.executable, "-c", probe, str(tmp_path / "model.ckpt")]
    ran = subprocess.run(words, capture_output=True, text=True)
    assert ran.stdout == "3 False\n", ran.stderr
