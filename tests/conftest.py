"""What every test stands on: no network, folders of its own, tiny checkpoints, the front door."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Before torch is imported anywhere: a process of the suite for each core, and one thread in each.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest  # noqa: E402

from tests.helpers.serving import is_own_server  # noqa: E402

WARM_SUITE = os.environ.get("SDCLI_TEST_WARM") == "1"


class Ran(NamedTuple):
    """What a command gave back: its exit code, the product, the conversation."""

    code: int
    out: str
    err: str


SLOW = "pytestmark = pytest.mark.slow"
SLOW_FOLDERS = [Path(__file__).parent / name for name in ("cli", "engine")]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m "not slow"`, files that are slow as a whole are not even imported: no torch."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    if collection_path.parent in SLOW_FOLDERS:
        return True
    return True if SLOW in collection_path.read_text(encoding="utf-8") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What goes through the front door or needs torch is slow, whether its file says so or not."""
    for item in items:
        if item.path.parent in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection fails, loudly; sockets between processes of this machine stay."""

    def refuse(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a test went to the network: {address}")

    for way in ("connect", "connect_ex"):
        real = getattr(socket.socket, way)

        def guarded(self: socket.socket, address: object, real=real) -> object:
            ours = self.family == socket.AF_UNIX or is_own_server(address)
            return real(self, address) if ours else refuse(self, address)

        monkeypatch.setattr(socket.socket, way, guarded)


@pytest.fixture(autouse=True)
def own_folders(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Caches, settings and models of nobody else: all under one new folder."""
    home = tmp_path_factory.mktemp("home")
    for name in ("SDCLI_CACHE", "SDCLI_CONFIG", "SDCLI_MODELS"):
        folder = home / name.removeprefix("SDCLI_").lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.delenv("SDCLI_MODEL", raising=False)
    monkeypatch.delenv("SDCLI_DEBUG", raising=False)
    monkeypatch.delenv("SDCLI_WARM", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    if WARM_SUITE and request.node.get_closest_marker("cold") is None:
        # everything that draws is drawn by one process that stays
        monkeypatch.setenv("SDCLI_WARM", "2m")
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.getbasetemp()))
    return home


@pytest.fixture
def sdcli(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run the real command line, in process, in a folder of its own: sdcli("txt2img", "a cat")."""
    from sdcli.cli.app import main

    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A tiny checkpoint of a layout of `tiny.LAYOUTS`, written once: checkpoints("sdxl")."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def get(layout: str) -> Path:
        from tests.helpers import tiny  # which needs torch

        path = folder / f"{layout}.safetensors"
        return path if path.exists() else tiny.write(path, layout)

    return get


@pytest.fixture(scope="session")
def sd1(checkpoints: Callable[[str], Path]) -> Path:
    """A tiny SD 1 checkpoint."""
    return checkpoints("sd1")


@pytest.fixture(scope="session")
def sdxl(checkpoints: Callable[[str], Path]) -> Path:
    """A tiny SDXL checkpoint, its two text encoders of different width."""
    return checkpoints("sdxl")
