"""A real server in a process of its own, for tests to ask: `sdcli serve` on a port that was free."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

_OWN_PORTS: set[int] = set()  # of servers that tests have started


def is_own_server(address: object) -> bool:
    """Whether a connection goes to a server that a test has started, on this machine."""
    return isinstance(address, tuple) and address[:1] == ("127.0.0.1",) and address[1] in _OWN_PORTS


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A server that runs: where it is, whose folders it has, its process."""

    port: int
    home: Path  # holds `models`, `cache`, `config`, `out`
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def models(self) -> Path:
        """Its folder of models."""
        return self.home / "models"

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, Any] | bytes | None = None,
        **headers: str,
    ) -> Answer:
        """One request, `x_y=` being the header `x-y`; fields go as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        body = fields
        if isinstance(fields, Mapping):
            body = json.dumps(fields).encode()
            sent.setdefault("content-type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()


@contextmanager
def served(*words: object, beside: Served | None = None) -> Generator[Served]:
    """A server of the built-in model, with folders of its own, or with those of another `beside` which
    it draws by the same worker. A worker of its own ends with it."""
    from tests.helpers.process import ROOT, start

    home = Path(tempfile.mkdtemp(prefix="sdcli-")) if beside is None else beside.home
    for name in ("models", "cache", "config"):
        (home / name).mkdir(exist_ok=True)
    before = dict(os.environ)
    os.environ.update(
        {f"SDCLI_{name.upper()}": str(home / name) for name in ("models", "cache", "config")},
        XDG_RUNTIME_DIR=str(home),
    )
    try:
        process = start("serve", "--port", 0, "-o", home / "out", *words, cwd=ROOT)
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    port = int(line.strip().strip("/").rpartition(":")[2])
    _OWN_PORTS.add(port)
    try:
        yield Served(port, home, process)
    finally:
        _OWN_PORTS.discard(port)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        if beside is None:
            end_workers(home)
            shutil.rmtree(home, ignore_errors=True)


def stream(
    server: Served, fields: Mapping[str, Any], **headers: str
) -> tuple[HTTPConnection, HTTPResponse]:
    """A job whose events are the answer, begun."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({**fields, "stream": True})
    connection.request("POST", "/v1/jobs", body, {"content-type": "application/json", **headers})
    return connection, connection.getresponse()


def next_event(answer: HTTPResponse, *kinds: str) -> tuple[str, dict]:
    """The next event of one of these kinds, with what it says."""
    while True:
        line = answer.readline().decode()
        assert line, "the events broke off"
        if line.startswith("event: "):
            kind = line.removeprefix("event: ").strip()
            facts = json.loads(answer.readline().decode().removeprefix("data: "))
            if kind in kinds:
                return kind, facts


def workers(home: Path) -> list[int]:
    """The processes that draw for a server with these folders, by what the system says of them."""
    mark = f"XDG_RUNTIME_DIR={home}".encode()
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            resident = b"sdcli.server.resident" in (place / "cmdline").read_bytes()
            if resident and mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def end_workers(home: Path) -> None:
    """Kill them."""
    for worker in workers(home):
        os.kill(worker, signal.SIGKILL)
