"""Headers of safetensors: what is true of them, and every lie they could tell."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdcli.errors import BadRequest
from sdcli.weights.read_header import read_header

pytestmark = pytest.mark.slow


def written(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(
    dtype: str = "F16", shape: object = (2, 2), offsets: object = (0, 8)
) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_a_header_tells_names_types_shapes_and_metadata(tmp_path):
    path = tmp_path / "model.SAFETENSORS"
    tensors = {"a": torch.zeros(2, 3, dtype=torch.bfloat16), "b": torch.zeros(())}
    save_file(tensors, path, metadata={"title": "x"})
    header = read_header(path)
    assert header.form == "safetensors"
    assert header.metadata == {"title": "x"}
    assert {name: (t.dtype, t.shape) for name, t in header.tensors.items()} == {
        "a": ("BF16", (2, 3)),
        "b": ("F32", ()),
    }
    assert (header.size, header.dtype) == (16, "BF16")


@pytest.mark.parametrize(
    ("header", "data", "fact"),
    [
        ({"a": entry()}, b"1234567", "is cut short"),
        ({"a": entry(offsets=(0, 1 << 45), shape=(1 << 22, 1 << 22))}, b"", "is cut short"),
        ({"a": entry(offsets=(0, 6))}, b"123456", "needs 8 bytes, not 6"),
        ({"a": entry(offsets=(8, 0))}, b"12345678", "needs 8 bytes, not -8"),
        ({"a": entry(shape=(-2, -2))}, b"12345678", "a size or a place that is no number"),
        ({"a": entry(shape=(2.0, 2))}, b"12345678", "a size or a place that is no number"),
        ({"a": entry(shape="22")}, b"12345678", "a size or a place that is no number"),
        ({"a": entry(offsets=(True, 8))}, b"12345678", "a size or a place that is no number"),
        ({"a": {"dtype": "F16"}}, b"", "is not described as a tensor"),
        ({"a": 7}, b"", "is not described as a tensor"),
        ({"a": entry("F4")}, b"12345678", "stores `a` as 'F4'"),
        ({"a": entry(), "b": entry(offsets=(4, 12))}, b"1" * 12, "lies over another tensor"),
        (b'{"a": 1, "a": 2}', b"", "a name stands twice"),
        (b'{"a": ' + b"[" * 100_000, b"", "is not what safetensors writes"),
        (b'{"a": 1', b"", "is not what safetensors writes"),
        (b"{\xff\xfe}", b"", "is not what safetensors writes"),
    ],
)
def test_a_header_that_cannot_be_true_is_refused(tmp_path, header, data, fact):
    path = written(tmp_path / "model.safetensors", header, data)
    with pytest.raises(BadRequest, match=fact) as caught:
        read_header(path)
    assert caught.value.hint


def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path):
    path = written(tmp_path / "model.safetensors", {"a": entry()}, length=1 << 42)
    with pytest.raises(BadRequest, match=r"claims 4,398,046,511,104 bytes"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "is empty"),
        (b"\x07", "does not begin like any file of weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>Log in</html>", "is a web page"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 40, "is a picture"),
        (b"GGUF" + b"\0" * 40, "it is no GGUF file that can be read"),
        (b"\x10" + b"\0" * 80, "is neither safetensors nor a PyTorch file"),
    ],
)
def test_what_is_no_model_is_named(tmp_path, content, fact):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadRequest, match=fact):
        read_header(path)


def test_a_missing_file_and_a_strange_folder_are_named(tmp_path):
    with pytest.raises(BadRequest, match="there is no file"):
        read_header(tmp_path / "none.safetensors")
    with pytest.raises(BadRequest, match="not one of a diffusers model"):
        read_header(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadRequest, match="is a pipe"):
        read_header(tmp_path / "pipe")
