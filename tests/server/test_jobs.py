"""Jobs of our own, at a real server."""

from __future__ import annotations

import time

import pytest

from sdcli.metadata.record import read_picture_metadata
from tests.helpers.serving import Served

pytestmark = pytest.mark.slow

SMALL = {"prompt": "a red house", "width": 64, "height": 64, "steps": 2, "seed": 7}


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
