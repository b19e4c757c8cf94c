"""Jobs of our own, at a real server."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from http.client import HTTPConnection

import pytest
from PIL import Image

from sdcli.metadata.record import read_picture_metadata
from sdcli.server.http.worker import MOST_DEATHS
from tests.helpers.serving import Served, next_event, stream, workers

pytestmark = pytest.mark.slow

SMALL = {"prompt": "a red house", "width": 64, "height": 64, "steps": 2, "seed": 7}


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


def ended(server: Served, name: str) -> dict:
    until = time.monotonic() + 60
    while True:
        job = server.ask("GET", f"/v1/jobs/{name}").data
        if job["state"] not in ("queued", "running"):
            return job
        assert time.monotonic() < until, "it does not end"
        time.sleep(0.02)


def test_a_job_is_drawn_and_its_picture_is_what_the_command_draws(
    server, sdcli, tmp_path, monkeypatch
):
    submitted = server.ask("POST", "/v1/jobs", SMALL)
    assert (submitted.status, submitted.data["state"]) == (202, "queued")
    job = ended(server, submitted.data["id"])
    assert job["state"] == "done"
    picture = server.ask("GET", job["pictures"][0]["url"])
    assert picture.headers["content-type"] == "image/png"
    (tmp_path / "served.png").write_bytes(picture.body)
    monkeypatch.setenv(
        "XDG_RUNTIME_DIR", str(server.home)
    )  # drawn by the same worker: no torch here
    words = ("-W", 64, "-H", 64, "--steps", 2, "--seed", 7, "-o", "drawn.png")
    assert sdcli("txt2img", "a red house", *words).code == 0
    served, drawn = (
        read_picture_metadata(tmp_path / f"{name}.png") for name in ("served", "drawn")
    )
    assert served.plan == drawn.plan
    assert served.pixels == drawn.pixels


LONG = {"steps": 1_000, "count": 10}


def test_events_tell_of_the_queue_of_steps_and_of_pictures(server):
    first, events = stream(server, SMALL | {"steps": 30, "count": 2, "preview": True})
    kind, facts = next_event(events, "step")
    assert facts["preview"].startswith("data:image/jpeg;base64,")
    assert (facts["steps"], facts["pictures"]) == (30, 2)
    second, later = stream(server, SMALL)
    assert next_event(later, "position")[1]["position"] == 1
    pictures = [next_event(events, "picture")[1] for _ in range(2)]
    assert [one["seed"] for one in pictures] == [7, 8]
    assert next_event(events, "done", "failed", "cancelled")[0] == "done"
    assert next_event(later, "done", "failed", "cancelled")[0] == "done"
    first.close()
    second.close()
    again = server.ask("GET", f"/v1/jobs/{pictures[0]['url'].split('/')[3]}/events").body.decode()
    assert again.count("event: picture") == 2  # from its beginning on, for whoever comes late
    assert again.rstrip().endswith('"state":"done","error":null}')


def test_a_client_that_goes_away_ends_its_job(server):
    connection, events = stream(server, SMALL | LONG)
    next_event(events, "step")
    events.close()
    connection.close()
    waiting = HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"prompt": "a fox", "steps": 1_000, "size": "64x64"})
    waiting.request("POST", "/v1/images/generations", body, {"content-type": "application/json"})
    time.sleep(0.3)
    waiting.close()  # whether it waits for its turn or is drawn by now
    follower, later = stream(server, SMALL)  # is drawn when both are gone
    assert next_event(later, "done", "failed", "cancelled")[0] == "done"
    follower.close()


def test_a_running_job_can_be_ended(server):
    name = server.ask("POST", "/v1/jobs", {**SMALL, **LONG}).data["id"]
    until = time.monotonic() + 60
    while server.ask("GET", f"/v1/jobs/{name}").data["state"] == "queued":
        assert time.monotonic() < until
    assert server.ask("DELETE", f"/v1/jobs/{name}").status == 200
    job = ended(server, name)
    assert job["state"] == "cancelled"
    assert job["error"] is None


def test_a_worker_that_dies_costs_no_picture(server):
    whole = server.ask("POST", "/v1/jobs", {**SMALL, "steps": 40, "count": 3}).data["id"]
    assert ended(server, whole)["state"] == "done"
    connection, events = stream(server, SMALL | {"steps": 40, "count": 3})
    next_event(events, "picture")
    (worker,) = workers(server.home)
    os.kill(worker, signal.SIGKILL)
    kind, said = next_event(events, "done", "failed", "cancelled")
    connection.close()
    assert kind == "done"
    drawn = [
        [server.ask("GET", f"/v1/jobs/{name}/pictures/{n}").body for n in range(3)]
        for name in (whole, said["id"])
    ]
    assert [pixels(one) for one in drawn[0]] == [pixels(one) for one in drawn[1]]


@pytest.mark.thorough
def test_a_job_that_ends_the_worker_again_and_again_is_given_up(server):
    connection, events = stream(server, SMALL | {"steps": 1_000, "count": 3})
    for death in range(1, MOST_DEATHS + 1):
        next_event(events, "step")
        (worker,) = workers(server.home)
        os.kill(worker, signal.SIGKILL)
        if death < MOST_DEATHS:
            assert "started again" in next_event(events, "note")[1]["text"]
    kind, said = next_event(events, "done", "failed", "cancelled")
    connection.close()
    assert (kind, said["error"]["code"]) == ("failed", "worker_lost")
    assert ended(server, server.ask("POST", "/v1/jobs", SMALL).data["id"])["state"] == "done"


@pytest.mark.thorough
def test_a_worker_that_hangs_is_replaced(server):
    connection, events = stream(server, SMALL | {"steps": 500})
    next_event(events, "step")
    (worker,) = workers(server.home)
    os.kill(worker, signal.SIGSTOP)
    assert next_event(events, "done", "failed", "cancelled")[0] == "done"
    connection.close()
    assert workers(server.home) != [worker]
