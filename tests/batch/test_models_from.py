"""Models that are kept elsewhere: fetched by name, once, and held to their hashes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sdcli.batch.job_file import BatchJob, read_jobs
from sdcli.batch.models_from import ModelSource
from sdcli.batch.shards import Sample, list_samples
from sdcli.batch.store import open_store
from sdcli.errors import BadRequest, SdcliError
from sdcli.library.find import find_adapter
from sdcli.request import Draw, Request

FILES = {
    "xl.safetensors": b"a model",
    "loras/ink.safetensors": b"a LoRA",
    "other.ckpt": b"not asked",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SDCLI_MODELS", os.environ["SDCLI_MODELS"])  # put back after the test
    address = f"memory://{tmp_path.name}/models"
    store = open_store(address)
    sums = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in FILES.items()]
    for name, data in {**FILES, "SHA256SUMS": "\n".join(sums).encode()}.items():
        store.put_bytes(name, data)
    return address


@pytest.fixture
def samples() -> list[Sample]:
    jobs = read_jobs([b"a fox <lora:ink:0.5>"], Request(Draw(), "", model="xl"))
    return list_samples(job for job in jobs if isinstance(job, BatchJob))


def test_what_is_named_is_fetched_once_and_found_by_its_name(place: str, samples: list[Sample]):
    source = ModelSource(place)
    source.fetch_for(samples)
    found = {
        str(p.relative_to(source.folder)) for p in source.folder.rglob("*.*") if p.name[0] != "."
    }
    assert found == {"xl.safetensors", "loras/ink.safetensors"}
    assert find_adapter("xl").read_bytes() == b"a model"
    assert find_adapter("ink").read_bytes() == b"a LoRA"
    (source.folder / "xl.safetensors").touch()
    before = (source.folder / "xl.safetensors").stat().st_ino
    ModelSource(place).fetch_for(samples)  # another worker of the machine
    assert (source.folder / "xl.safetensors").stat().st_ino == before


def test_what_is_not_as_its_sums_say_is_refused_and_not_kept(place: str, samples: list[Sample]):
    open_store(place).put_bytes("xl.safetensors", b"changed")
    source = ModelSource(place)
    with pytest.raises(SdcliError, match="not what its SHA256SUMS says"):
        source.fetch_for(samples)
    assert not (source.folder / "xl.safetensors").exists()


def test_a_folder_of_this_machine_is_used_where_it_is(
    tmp_path: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SDCLI_MODELS", os.environ["SDCLI_MODELS"])
    (tmp_path / "xl.safetensors").write_bytes(b"a model")
    with pytest.raises(BadRequest, match="no SHA256SUMS"):
        ModelSource(str(tmp_path))
    (tmp_path / "SHA256SUMS").write_text(
        f"{hashlib.sha256(b'a model').hexdigest()} *xl.safetensors"
    )
    ModelSource(str(tmp_path)).fetch_for(samples)
    assert find_adapter("xl") == tmp_path / "xl.safetensors"
