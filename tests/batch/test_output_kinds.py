"""What a shard is written as: whole, the same bytes for the same pictures, on a disk or elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from sdcli.batch.output_kinds.table import OUTPUT_KINDS, find_output_kind
from sdcli.batch.staging import StagedSample, Staging
from sdcli.batch.store import Store, open_store
from sdcli.errors import BadRequest, SdcliError

KINDS = [
    pytest.param(name, marks=pytest.mark.skipif(name == "parquet", reason="no pyarrow"))
    if name == "parquet" and not __import__("importlib.util").util.find_spec("pyarrow")
    else name
    for name in OUTPUT_KINDS
]
DATA = {"a": b"first picture", "b-0": b"second"}


def row(key: str) -> dict:
    return {
        "key": key,
        "file": f"{key}.png",
        "sha256": hashlib.sha256(DATA[key]).hexdigest(),
        "width": 8,
        "height": 8,
        "seed": 2**63,
        "prompt": "a fox \ud800 ö",
        "negative": "",
        "plan": {"steps": 3},
        "measured": {"sharpness": 1.5},
    }


@pytest.fixture
def staged(tmp_path: Path) -> list[StagedSample]:
    with Staging(tmp_path / "unfinished" / "00003", lambda: None) as staging:
        for key, data in DATA.items():
            staging.add(row(key), data, "png", 0.5)
        return list(staging.samples.values())


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return open_store(str(tmp_path / "out"))
    return open_store(f"memory://{tmp_path.name}/out")


@pytest.mark.parametrize("name", KINDS)
def test_what_is_written_is_read_back(name: str, staged: list[StagedSample], store: Store):
    kind = find_output_kind(name)
    objects = kind.write(store, "00003", staged)
    assert set(objects) == store.names()
    assert all(hashlib.sha256(store.read(n)).hexdigest() == h for n, h in objects.items())
    assert dict(kind.read(store, [*objects])) == DATA
    assert dict(kind.read(store, ["00004.tar", "00004.parquet", "00004/a.png"])) == {}


@pytest.mark.parametrize("name", KINDS)
def test_the_same_pictures_make_the_same_bytes(
    name: str, staged: list[StagedSample], tmp_path: Path
):
    kind = find_output_kind(name)
    first = kind.write(open_store(f"memory://{tmp_path.name}/one"), "00003", staged)
    again = kind.write(open_store(f"memory://{tmp_path.name}/two"), "00003", staged)
    assert first == again != {}


def test_a_tar_has_one_key_for_each_picture_and_nothing_of_this_machine(
    staged: list[StagedSample], store: Store
):
    OUTPUT_KINDS["webdataset"].write(store, "00003", staged)
    with tarfile.open(fileobj=io.BytesIO(store.read("00003.tar"))) as tar:
        entries = tar.getmembers()
        facts = json.load(tar.extractfile("a.json"))
    assert [one.name for one in entries[:3]] == ["a.png", "a.json", "a.txt"]
    assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in entries} == {
        (0, 0, 0, "", 0o444)
    }
    assert facts["measured"] == {"sharpness": 1.5} and facts["plan"] == {"steps": 3}


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(BadRequest) as refused:
        find_output_kind("webdatset")
    assert "webdataset" in refused.value.hint


def test_a_place_that_cannot_be_reached_is_said():
    with pytest.raises(BadRequest, match="nosuch"):
        open_store("nosuch://bucket/folder")
    with pytest.raises(SdcliError, match="gone"):
        open_store("memory://gone").read("gone.png")


def test_a_server_that_fails_now_and_then_is_asked_again(
    staged: list[StagedSample], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    store = open_store(f"memory://{tmp_path.name}/flaky")
    files = store._files  # type: ignore[attr-defined]
    requests = iter(range(1, 1_000))
    pauses: list[float] = []

    def flaky(way):
        def ask(*words, **more):
            if next(requests) % 3 == 0:
                raise OSError("503 Slow Down")
            return way(*words, **more)

        return ask

    monkeypatch.setattr("time.sleep", pauses.append)
    for way in ("put_file", "pipe_file", "cat_file", "makedirs"):
        monkeypatch.setattr(files, way, flaky(getattr(files, way)))
    objects = OUTPUT_KINDS["imagefolder"].write(store, "00003", staged)
    assert dict(OUTPUT_KINDS["imagefolder"].read(store, [*objects])) == DATA
    assert pauses and max(pauses) < 1
