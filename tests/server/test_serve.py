"""`sdcli serve` as a command: how it is started, reached and stopped."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from tests.helpers.serving import Served, next_event, served, stream

pytestmark = pytest.mark.slow

KEY = "0123456789abcdef0123456789abcdef"
SMALL = {"prompt": "a fox", "width": 64, "height": 64}
BEARER = {"authorization": f"Bearer {KEY}"}


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def begin(server: Served) -> HTTPConnection:
    """A picture asked for, its answer to be waited for."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"prompt": "a fox", "size": "64x64"})
    sent = {"content-type": "application/json", **BEARER}
    connection.request("POST", "/v1/images/generations", body, sent)
    return connection


def test_what_is_drawn_is_finished_and_what_waits_is_refused_when_it_is_stopped(server, tmp_path):
    (tmp_path / "key").write_text(KEY)
    with served("--api-key-file", tmp_path / "key", "--queue", 2, beside=server) as other:
        assert other.ask("GET", "/v1/models").status == 401
        connection, events = stream(other, {**SMALL, "steps": 120}, **BEARER)
        next_event(events, "step")
        asked = [begin(other) for _ in range(2)]
        wait_for(lambda: other.ask("POST", "/v1/jobs", SMALL, **BEARER).status == 503)
        other.process.send_signal(signal.SIGTERM)
        assert [one.getresponse().status for one in asked] == [503, 503]
        assert next_event(events, "done", "failed", "cancelled")[0] == "done"
        connection.close()
        assert other.process.wait(timeout=60) == 0
        assert other.process.stderr is not None
        said = other.process.stderr.read()
        assert "what is drawn is finished" in said
        assert KEY not in said
        assert "Traceback" not in said


def test_a_second_signal_ends_what_is_drawn(server):
    with served(beside=server) as other:
        connection, events = stream(other, {**SMALL, "steps": 1_000, "count": 50})
        next_event(events, "step")
        other.process.send_signal(signal.SIGINT)
        assert other.process.stderr is not None
        assert "stopping" in other.process.stderr.readline()
        other.process.send_signal(signal.SIGINT)
        assert other.process.wait(timeout=30) == 130
        assert next_event(events, "done", "failed", "cancelled")[0] == "cancelled"
        connection.close()
        assert "Traceback" not in other.process.stderr.read()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "0.0.0.0"), "lets other machines in, and there is no key"),
        (("--allow-origin", "localhost:3000"), "is no origin"),
        (("--allow-origin", "*"), "is no origin"),
        (("--api-key-file", "gone"), "there is no file `gone`"),
        (("-m", "gone"), "there is no model `gone`"),
        (("--port", "70000"), "--port"),
        (("--queue", "0"), "--queue"),
    ],
    ids=str,
)
def test_what_cannot_be_served_is_said(sdcli, words, said):
    ran = sdcli("serve", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "hint:" in ran.err


def test_a_port_that_is_taken_is_said(sdcli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = sdcli("serve", "--port", taken.getsockname()[1])
    assert ran.code == 1
    assert "nothing can be served" in ran.err


def test_without_its_libraries_it_says_what_to_install(sdcli, monkeypatch):
    monkeypatch.setattr("sdcli.cli.serve.find_spec", lambda name: None)
    ran = sdcli("serve")
    assert ran.code == 2
    assert 'pip install "sdcli[serve]"' in ran.err
