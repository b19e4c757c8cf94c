"""What is read of a request, and what is never opened because of one."""

from __future__ import annotations

import base64
import io
import itertools
import json
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

pytest.importorskip("fastapi")

from sdcli.library.find import find_checkpoint
from sdcli.library.hashes import hash_file
from sdcli.metadata.record import plan_to_data
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request
from sdcli.server.http import guard
from sdcli.server.http.settings import MOST_BODY
from tests.helpers.asked import Asked
from tests.helpers.serving import Answer


@pytest.fixture
def local() -> Asked:
    return Asked(queue=2)


def picture(**texts: str) -> str:
    file, info = io.BytesIO(), PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (64, 64), (200, 80, 40)).save(file, "PNG", pnginfo=info)
    return base64.b64encode(file.getvalue()).decode()


PNG = picture()


def refused(answer: Answer, status: int = 400) -> str:
    assert answer.status == status, answer.body
    assert answer.headers["x-should-retry"] == "false"
    return answer.data["error"]["message"]


# --- Gradio's file reads (CVE-2026-28414 and before): no path that a request names is opened

_opened: list[str] = []
_watching: list[bool] = []


def _watch(event: str, words: tuple) -> None:
    if _watching and event in ("open", "os.listdir", "os.scandir") and "secret" in str(words[0]):
        _opened.append(str(words[0]))


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def passing(tmp_path_factory, monkeypatch) -> Path:
    """The folder for passing files is the test's own: uploads of jobs that are never asked for stay
    until the server ends, and these servers end with the tests.
    """
    folder = tmp_path_factory.mktemp("passing")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def secret(tmp_path, monkeypatch) -> Path:
    """A checkpoint that is there, in the server's working folder, and not listed."""
    (tmp_path / "secret").mkdir()
    place = tmp_path / "secret" / "secret.safetensors"
    place.write_bytes(find_checkpoint().read_bytes())
    for name in ("secret.png", "secret.toml"):
        (tmp_path / name).write_text("steps = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    hash_file(place)  # so that the cache knows where this content was seen
    return place


PATHS = (
    "secret/secret.safetensors",
    "./secret/secret",
    "~/secret/secret.safetensors",
    "secret.png",
    "secret.toml",
    "file:///secret",
    "//secret/share/x.safetensors",
    "C:\\secret",
    "secret\0",
    "secret/model",  # which the hub might have
)
FIELDS = {
    "model": lambda path: path,
    "vae": lambda path: path,
    "preview_vae": lambda path: path,
    "lora": lambda path: [path],
    "embedding": lambda path: [path],
    "prompt": lambda path: f"a fox <lora:{path}:1>",
    "image": lambda path: path,
    "mask": lambda path: path,
    "like": lambda path: path,
    "preset": lambda path: path,
    "control": lambda path: [{"name": path, "image": PNG}],
    "control_canny": lambda path: [{"name": "builtin", "image": path}],
    "plan": lambda path: {"model": {"path": path}},
}


def test_no_path_of_the_servers_machine_is_opened(local, secret, monkeypatch):
    monkeypatch.setattr("sdcli.library.hub.fetch_from_hub", None)
    _opened.clear()
    _watching.append(True)
    try:
        for field, path in itertools.product(FIELDS, (str(secret), *PATHS)):
            fields = {"prompt": "a fox", field: FIELDS[field](path)}
            refused(local.ask("POST", "/v1/jobs", fields))
    finally:
        _watching.clear()
    assert _opened == []
    assert local.jobs.waiting == 0


def test_where_the_server_keeps_things_is_nobodys_business(local, secret):
    answers = (
        local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": PNG}),
        local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": "aGVsbG8="}),
        local.ask("POST", "/v1/jobs", {"prompt": "a fox", "model": "gone"}),
        local.ask("POST", "/v1/jobs", {"prompt": "a fox", "preset": "gone"}),
        local.ask("GET", "/v1/models"),
    )
    for place in (secret.parents[1], find_checkpoint().parent, tempfile.gettempdir()):
        for answer in answers:
            assert f"{place}/" not in answer.body.decode()


def test_a_picture_is_drawn_on_or_enlarged_where_that_is_asked_for(local):
    larger = {"prompt": "a fox", "image": PNG, "task": "upscale"}
    assert "is no upscaler" in refused(local.ask("POST", "/v1/jobs", larger))
    wider = {"prompt": "a fox", "image": PNG, "right": 32}
    for task in ({}, {"task": "outpaint"}):
        answer = local.ask("POST", "/v1/jobs", {**wider, **task})
        plan = answer.data["plan"]
        assert (plan["task"]["is"], plan["width"], plan["height"]) == ("outpaint", 96, 64)
    refusal = refused(local.ask("POST", "/v1/jobs", {**wider, "task": "upscale"}))
    assert "`upscale` wants other pictures" in refusal


def test_a_tag_within_a_tag_names_no_path(local, secret):
    for prompt in (
        f"<lo<lora:builtin:blueprint:1>ra:{secret}:1>",
        f"<lora:<lora:{secret}:1>:1>",
    ):
        answer = local.ask("POST", "/v1/jobs", {"prompt": prompt})
        assert answer.status in (202, 400)
        if answer.status == 202:
            assert str(secret) not in json.dumps(answer.data["plan"]["loras"])


def test_what_a_plan_or_a_picture_names_is_found_by_content_among_what_is_listed(local, secret):
    data = plan_to_data(make_plan(Request(Draw(), "a fox", model=str(secret), seed=1)))
    _opened.clear()
    _watching.append(True)
    record = json.dumps({"sdcli": "0", "plan": data, "made": None, "pixels": ""})
    try:
        by_plan = local.ask("POST", "/v1/jobs", {"plan": data})
        refused(local.ask("POST", "/v1/jobs", {"prompt": "a", "like": picture(sdcli=record)}))
    finally:
        _watching.clear()
    assert _opened == []
    assert Path(by_plan.data["plan"]["model"]["path"]).name == "builtin.safetensors"
    unknown = data | {"model": {**data["model"], "sha256": "0" * 64}}
    assert "is nowhere" in refused(local.ask("POST", "/v1/jobs", {"plan": unknown}))


def test_a_preset_is_one_of_the_servers_and_a_picture_can_be_one(local, own_folders):
    presets = own_folders / "config" / "presets"
    presets.mkdir()
    (presets / "ink.toml").write_text("steps = 3\n")
    for preset in ("ink", "ink.toml"):
        answer = local.ask("POST", "/v1/jobs", {"prompt": "a fox", "preset": preset})
        assert answer.data["plan"]["steps"] == 3
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", "preset": "../presets/ink"}))


def test_theirs_can_be_a_preset(local):
    text = "a fox\nSteps: 5, Sampler: Euler a, CFG scale: 3, Seed: 9, Size: 64x64, Model: builtin"
    answer = local.ask("POST", "/v1/jobs", {"like": picture(parameters=text), "seed": 1})
    plan = answer.data["plan"]
    assert (plan["prompt"], plan["steps"], plan["scheduler"], plan["seed"]) == (
        *("a fox", 5, "euler-a", 1),
    )


# --- ollama's CVE-2026-5530, A1111's `api_enable_requests`: no address is fetched


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/x.png", " HTTPS://evil.example/x", "ftp://x/y", "file:///etc/passwd"],
)
def test_no_address_is_fetched(local, address):
    for field in ("image", "like"):
        said = refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", field: address}))
        assert "addresses are not opened" in said


# --- what is sent is of bounded size, and read under bounds


def test_a_request_that_is_too_long_is_refused_before_it_is_read(local, monkeypatch):
    answer = local.ask("POST", "/v1/jobs", [], content_length=str(MOST_BODY + 1))
    refused(answer, 413)
    for length in ("-1", "1e9", "9" * 20, "0x10"):
        refused(local.ask("POST", "/v1/jobs", [], content_length=length), 413)
    monkeypatch.setattr(guard, "MOST_BODY", 1_000)
    parts = [b"x" * 999, b"xx"]  # which says nothing of its length
    refused(local.ask("POST", "/v1/jobs", parts, content_type="application/json"), 413)
    packed = local.ask("POST", "/v1/jobs", {"prompt": "a"}, content_encoding="gzip")
    refused(packed, 415)


NO_REQUESTS = (
    b"",
    b"[]",
    b'"a fox"',
    b"{",
    b"\xff\xfe",
    b'{"prompt": "a fox", "cfg": NaN}',
    b'{"prompt": "a fox", "cfg": 1e999}',
    b'{"prompt": "\\ud800"}',
    b'{"prompt": "a fox", "seed": ' + b"9" * 5_000 + b"}",
    b'{"prompt": ' + b"[" * 100_000,
    b'{"prompt": ' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"prompt": [' + b"0," * 200_000 + b"0]}",
    b'{"prompt": {"a": 1}}',
    b'{"steps": 3}',
    b'{"prompt": "a fox", "prompt ": "b"}',
    b'{"prompt": "a fox", "steps": true}',
    b'{"prompt": "a fox", "steps": "3"}',
    b'{"prompt": "a fox", "lora": [{"name": "builtin:blueprint", "path": "x"}]}',
    b'{"prompt": "a fox", "lora": [{"name": "builtin:blueprint", "weight": 1e400}]}',
    b'{"prompt": "a fox", "task": "inpaint"}',
    b'{"prompt": "a fox", "stream": 1}',
    b'{"prompt": "a fox", "quality": 5}',
    b'{"prompt": "a fox", "pictures": []}',
    b'{"prompt": "a fox", "json": true}',
    b'{"prompt": "a fox", "force": true}',
    b'{"prompt": "a fox", "warm": "10m"}',
    b'{"plan": {}}',
    b'{"plan": []}',
)


def test_a_request_that_is_none_is_refused(local):
    for body in NO_REQUESTS:
        refused(local.ask("POST", "/v1/jobs", body, content_type="application/json"))
    assert local.jobs.waiting == 0


def bomb() -> str:
    """A PNG that claims ten thousand million pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    whole = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + whole).decode()


@pytest.mark.parametrize(
    "sent", [bomb(), "aGVsbG8=", "", "%%%", "data:image/png;base64,", 7, ["x"]]
)
def test_a_picture_that_is_none_is_refused(local, sent):
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": sent}))


def test_a_picture_is_taken_with_the_head_of_a_data_url(local):
    for head in ("", "data:image/png;base64,", "DATA:image/png;charset=utf-8;base64,"):
        fields = {"prompt": "a fox", "image": head + PNG, "strength": 0.5, "seed": 1}
        answer = local.ask("POST", "/v1/jobs", fields)
        assert answer.data["plan"]["task"]["strength"] == 0.5
        local.ask("DELETE", f"/v1/jobs/{answer.data['id']}")


def test_uploads_are_gone_with_their_job(local, passing):
    answer = local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": PNG})
    (folder,) = passing.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    local.ask("DELETE", f"/v1/jobs/{answer.data['id']}")
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": PNG, "steps": 0}))
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", "image": PNG, "model": "gone"}))
    assert list(passing.iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 101},
        {"width": 16_384, "height": 16_384},
        {"count": 99, "width": 2048, "height": 2048},
    ],
)
def test_a_job_is_of_bounded_size(local, fields):
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", **fields}))


# --- the queue


def test_the_queue_has_a_bound_and_jobs_have_their_place(local):
    first, second = (local.ask("POST", "/v1/jobs", {"prompt": "a fox"}).data for _ in range(2))
    assert [job["position"] for job in (first, second)] == [0, 1]
    full = local.ask("POST", "/v1/images/generations", {"prompt": "a fox"})
    assert (full.status, full.data["error"]["code"]) == (503, "queue_full")
    assert int(full.headers["retry-after"]) >= 1
    assert full.headers["x-should-retry"] == "true"
    ended = local.ask("DELETE", f"/v1/jobs/{first['id']}").data
    assert ended["state"] == "cancelled"
    assert local.ask("GET", f"/v1/jobs/{second['id']}").data["position"] == 0
    assert local.ask("POST", "/v1/jobs", {"prompt": "a fox"}).status == 202


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/jobs/none", 404),
        ("GET", "/v1/jobs/none/events", 404),
        ("GET", "/v1/files/none/0", 404),
        ("GET", "/v1/files/../../etc/passwd", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/images/generations", 405),
        ("POST", "/v1/images/edits", 415),
    ],
)
def test_what_is_not_there_is_said(local, method, path, status):
    refused(local.ask(method, path), status)


def test_a_word_for_zero_is_taken(local):
    answer = local.ask("POST", "/v1/jobs", {"prompt": "a fox", "batch": "auto"})
    assert answer.data["plan"]["batch"] == 0
    refused(local.ask("POST", "/v1/jobs", {"prompt": "a fox", "batch": "all"}))


def test_the_servers_model_is_its_own_choice(own_folders, monkeypatch, tmp_path):
    (tmp_path / "mine.safetensors").symlink_to(find_checkpoint())
    monkeypatch.setenv("SDCLI_MODEL", "gone")  # of whoever runs the server: no client's business
    chosen = Asked(model=str(tmp_path / "mine.safetensors"))
    listed = [one["id"] for one in chosen.ask("GET", "/v1/models").data["data"]]
    assert listed == ["mine", "builtin"]
    for fields in ({}, {"model": "mine"}):
        plan = chosen.ask("POST", "/v1/jobs", {"prompt": "a fox", **fields}).data["plan"]
        assert Path(plan["model"]["path"]).name == "mine.safetensors"


def test_the_document_says_what_the_table_says(local):
    document = local.ask("GET", "/openapi.json").data
    fields = document["components"]["schemas"]["Order"]["properties"]
    assert fields["steps"]["maximum"] == 1_000
    assert fields["width"]["multipleOf"] == 8
    assert fields["rng"]["enum"] == ["cpu", "nv", "gpu"]
    assert "--" not in json.dumps(sorted(fields))
    assert not {"out", "force", "json", "dry_run", "warm"} & set(fields)
