"""The resident process: what it draws is what a command draws by itself, whatever happens to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sdcli.metadata.record import hash_pixels
from sdcli.server import remote_session, remote_studies, study_results, warm
from sdcli.server.frames import receive_frame, send_frame
from sdcli.server.socket_place import SOCKET, connect, find_socket, socket_folder
from tests.helpers.process import start
from tests.helpers.serving import end_workers, workers

pytestmark = pytest.mark.slow

STEPS = ("--steps", 3, "-W", 64, "-H", 64)


@pytest.fixture(scope="module")
def runtime() -> Iterator[Path]:
    """A folder for the sockets of these tests, with a short name; whatever lives in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="sdcli-"))
    yield folder
    end_workers(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def warmed(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands that look for a warm process find those of these tests."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("SDCLI_WARM", raising=False)
    return runtime


def wait_for(what: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def plain(text: str) -> str:
    """What a command said, but for how long things took."""
    text = re.sub(r'"(denoising|seconds_per_step|seconds)": [0-9.]+', '"seconds": 0', text)
    text = re.sub(r" \d+\.\d\d  \d\.\d{4}(?= )", " 0  0", text)  # of a comparison
    return re.sub(r"\b\d+ (s|min)\b", "0 s", text)


def is_comparison(folder: Path) -> bool:
    results = folder / "results.json"
    return results.exists() and "cells" in json.loads(results.read_text())


def pictures(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.png")):
        if path.name.startswith("sheet") and is_comparison(path.parent):
            continue  # of a comparison: seconds stand on it
        with Image.open(path) as image:
            found[str(path.relative_to(folder))] = hash_pixels(image)
    return found


COMMANDS = {
    "two": ("txt2img", "a fox", "--count", 2, "--seed", 3),
    "json": ("txt2img", "a fox", "--seed", 3, "--json", "--cfg", 1, "-n", "grey"),
    "batch": ("txt2img", "a fox", "--count", 3, "--batch", 2, "--seed", 1),
    "note": ("txt2img", "a fox", "--seed", 3, "-m", "more.safetensors"),
    "same note": ("txt2img", "a fox", "--seed", 5, "-m", "more.safetensors"),
    "quiet": ("txt2img", "süßes Haus", "--seed", 4, "--quiet"),
    "img2img": ("img2img", "a fox", "--image", "start.png", "--strength", 0.5, "--seed", 2),
    "sweep": ("sweep", "a fox", "--vary", "cfg=3,5", "--seed", 1),
    "compare": (
        *("compare-schedulers", "a fox", "--schedulers", "euler-a,dpm++sde"),
        *("--seeds", 1, "--seed", 1, "--json"),
    ),
    "trace": ("trace", "a fox", "--attention", "--cfg-split", "--seed", 2),
    "preview": ("txt2img", "a fox", "--seed", 3, "--preview", "view.png"),
    "bad value": ("txt2img", "a fox", "--cfg", 2000),
    "no model": ("txt2img", "a fox", "-m", "nowhere"),
}


def test_a_warm_command_says_and_draws_what_a_cold_one_does(sdcli, warmed, sd1, tmp_path):
    Image.new("RGB", (64, 64), (200, 80, 40)).save(tmp_path / "start.png")
    more = load_file(sd1) | {"model.diffusion_model.nothing.weight": torch.zeros(2)}
    save_file(more, tmp_path / "more.safetensors")
    said: dict[str, list[tuple[int, str, str]]] = {}
    drawn: dict[str, list[dict[str, str]]] = {}
    for manner in ("off", "60s"):
        for name, words in COMMANDS.items():
            model = () if "-m" in words else ("-m", sd1)
            out = () if name == "sweep" else STEPS
            ran = sdcli(*words, *model, *(out or STEPS), "-o", f"out/{name}", "--warm", manner)
            said.setdefault(name, []).append((ran.code, plain(ran.out), plain(ran.err)))
            drawn.setdefault(name, []).append(pictures(tmp_path / "out"))
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            (tmp_path / "view.png").unlink(missing_ok=True)
    for name in COMMANDS:
        assert said[name][0] == said[name][1], name
        assert drawn[name][0] == drawn[name][1], name
    assert "nothing here uses" in said["same note"][1][2]
    assert [ran[0] for ran in (said["two"][1], said["bad value"][1])] == [0, 2]
    facts = json.loads(sdcli("warm", "status", "--json").out)
    assert facts["models"] == ["more.safetensors", sd1.name]
    assert facts["drawn"] == 16
    assert workers(warmed) == [facts["pid"]]


@pytest.mark.thorough
def test_what_is_measured_and_noised_is_the_same_warm(sdcli, warmed, sd1, tmp_path):
    Image.new("RGB", (64, 64), (200, 80, 40)).save(tmp_path / "start.png")
    compare = ("compare-schedulers", "a fox", "--schedulers", "euler,heun", "--seeds", 2)
    for words in (compare, ("trace", "a fox", "--image", "start.png", "--at", "1,3")):
        found: list[object] = []
        for manner in ("60s", "off", "60s"):  # the first finds the converged pictures
            ran = sdcli(*words, "-m", sd1, *STEPS, "--seed", 1, "-o", "out", "--warm", manner)
            assert ran.code == 0
            found.append((plain(ran.out), plain(ran.err), pictures(tmp_path / "out")))
            shutil.rmtree(tmp_path / "out")
        assert found[1] == found[2]
        assert found[0][2] == found[1][2]


def test_what_the_engine_refuses_is_refused_alike(sdcli, warmed, sd1, tmp_path):
    model = tmp_path / "m.safetensors"
    shutil.copyfile(sd1, model)
    words = ("txt2img", "a fox", "-m", model, *STEPS, "--seed", 5, "--offload", "model")
    cold, hot = (sdcli(*words, "-o", "x.png", "--warm", manner) for manner in ("off", "60s"))
    assert cold == hot
    assert hot.code == 2


def test_a_model_that_changed_is_read_anew(sdcli, warmed, sd1, sdxl, checkpoints, tmp_path):
    model = tmp_path / "m.safetensors"
    words = ("txt2img", "a fox", "-m", model, *STEPS, "--seed", 5)
    shutil.copyfile(sd1, model)
    assert sdcli(*words, "-o", "one.png", "--warm", "60s").code == 0
    shutil.copyfile(sdxl, model)
    assert sdcli(*words, "-o", "two.png", "--warm", "60s").code == 0
    assert sdcli(*words, "-o", "three.png", "--warm", "off").code == 0
    made = pictures(tmp_path)
    assert made["two.png"] == made["three.png"] != made["one.png"]


def after_the_first_picture(
    monkeypatch, act: Callable[[], object], where=remote_session
) -> list[int]:
    """Let something happen to the process once its first picture has come; how often it did."""
    happened: list[int] = []
    real = where.read_picture

    def read(*args):
        if not happened:
            act()
            happened.append(1)
        return real(*args)

    monkeypatch.setattr(where, "read_picture", read)
    return happened


@pytest.mark.thorough
def test_a_study_whose_process_dies_is_finished_here(sdcli, warmed, sd1, tmp_path, monkeypatch):
    compare = ("compare-schedulers", "a fox", "--schedulers", "euler-a,dpm++sde", "--seeds", 1)
    for words in (compare, ("trace", "a fox", "--cfg-split")):
        assert sdcli("warm", "start", "--for", "60s").code == 0
        (pid,) = workers(warmed)
        with monkeypatch.context() as patch:
            for where in (study_results, remote_studies):
                after_the_first_picture(patch, lambda pid=pid: os.kill(pid, signal.SIGKILL), where)
            ran = sdcli(*words, "-m", sd1, *STEPS, "--seed", 1, "-o", "hot")
        assert ran.code == 0
        assert "the warm process ended: drawing here instead" in ran.err
        assert (
            sdcli(*words, "-m", sd1, *STEPS, "--seed", 1, "-o", "cold", "--warm", "off").code == 0
        )
        assert pictures(tmp_path / "hot") == pictures(tmp_path / "cold")
        shutil.rmtree(tmp_path / "hot")
        shutil.rmtree(tmp_path / "cold")


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.thorough)]
)
def test_a_process_that_dies_or_hangs_costs_no_picture(
    sdcli, warmed, sd1, tmp_path, monkeypatch, how
):
    words = ("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 1, "--count", 40)
    assert sdcli("warm", "start", "--for", "60s").code == 0
    (pid,) = workers(warmed)
    monkeypatch.setattr(remote_session, "PATIENCE", 1.5)
    happened = after_the_first_picture(monkeypatch, lambda: os.kill(pid, how))
    ran = sdcli(*words, "-o", "hot")
    assert (ran.code, happened) == (0, [1])
    if how == signal.SIGSTOP:  # as far as it had come, all may have been sent
        os.kill(pid, signal.SIGKILL)
    else:
        assert "the warm process ended: drawing here instead" in ran.err
    assert sdcli(*words, "-o", "cold", "--warm", "off").code == 0
    assert pictures(tmp_path / "hot") == pictures(tmp_path / "cold")


def test_what_was_left_behind_is_cleared_away_and_said(sdcli, warmed, sd1):
    end_workers(warmed)
    wait_for(lambda: not workers(warmed))
    folder = socket_folder()
    (folder / SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / SOCKET))
    words = ("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 1)
    ran = sdcli(*words, "-o", "a.png")
    assert ran.code == 0
    assert "the warm process was killed: going on without it" in ran.err
    assert find_socket() is None
    assert "warm process" not in sdcli(*words, "-o", "b.png").err


def test_what_was_left_behind_elsewhere_is_nobody_s_concern(sdcli, sd1, tmp_path, monkeypatch):
    """Another shell, without $XDG_RUNTIME_DIR, has its socket in the folder for passing files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_folder() / SOCKET))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert find_socket() is None
    ran = sdcli("txt2img", "a fox", "-m", sd1, *STEPS, "-o", "a.png")
    assert ran.code == 0
    assert "warm process" not in ran.err


def test_a_process_that_hangs_is_not_waited_for(sdcli, warmed, sd1, monkeypatch):
    assert sdcli("warm", "start", "--for", "60s").code == 0
    (pid,) = workers(warmed)
    monkeypatch.setattr(warm, "GREETING_PATIENCE", 0.3)
    os.kill(pid, signal.SIGSTOP)
    try:
        ran = sdcli("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 1, "-o", "a.png")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ran.code == 0
    assert "the warm process does not answer: drawing here instead" in ran.err


def test_a_command_that_goes_away_stops_its_job(sdcli, warmed, sd1):
    assert sdcli("warm", "start", "--for", "60s").code == 0
    before = json.loads(sdcli("warm", "status", "--json").out)["drawn"]
    words = ("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 1, "--count", 1000, "-o", "many")
    with start(*words) as running:
        wait_for(lambda: Path("many").is_dir() and any(Path("many").iterdir()))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 130
    assert sdcli("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 9, "-o", "next.png").code == 0
    facts = json.loads(sdcli("warm", "status", "--json").out)
    assert before + 1 < facts["drawn"] < before + 1000
    assert facts["waiting"] == 0


def test_two_commands_at_once_start_one_process(sdcli, warmed, sd1):
    sdcli("warm", "stop")
    wait_for(lambda: not workers(warmed))
    words = ("txt2img", "a fox", "-m", sd1, *STEPS, "--warm", "60s")
    commands = [start(*words, "--seed", seed, "-o", f"{seed}.png") for seed in (1, 2)]
    assert [command.wait(timeout=120) for command in commands] == [0, 0]
    facts = json.loads(sdcli("warm", "status", "--json").out)
    assert workers(warmed) == [facts["pid"]]
    assert facts["drawn"] == 2


def test_other_settings_replace_the_process(sdcli, warmed, sd1, monkeypatch):
    assert sdcli("warm", "start", "--for", "60s").code == 0
    (first,) = workers(warmed)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    ran = sdcli("txt2img", "a fox", "-m", sd1, *STEPS, "--seed", 1, "-o", "a.png")
    assert ran.code == 0
    wait_for(lambda: first not in workers(warmed))
    (second,) = workers(warmed)
    assert json.loads(sdcli("warm", "status", "--json").out)["pid"] == second


def test_nonsense_over_the_socket_harms_nobody(sdcli, warmed, sd1):
    assert sdcli("warm", "start", "--for", "60s").code == 0
    path = find_socket()
    assert path is not None
    for raw in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        b"\0\0\0\5\0\0\0\0hello",
        b"\0\0\0\2\0\0\0\0[]",
    ):
        connection = connect(path, 5)
        assert connection is not None
        with connection:
            connection.sendall(raw)
            with contextlib.suppress(ConnectionResetError):
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b""
    connection = connect(path, 20)
    assert connection is not None
    with connection:
        for facts in ({}, {"folder": "/nowhere"}, {"folder": "/", "environment": {}, "plan": [1]}):
            send_frame(connection, "draw", **facts)
            while (answer := receive_frame(connection)) is not None and answer.kind == "alive":
                pass
            assert answer is not None
            assert answer.kind == "error"
    assert sdcli("warm", "status").code == 0
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_it_goes_when_nobody_uses_it(sdcli, warmed):
    sdcli("warm", "stop")
    wait_for(lambda: not workers(warmed))
    assert sdcli("warm", "start", "--for", "1s").code == 0
    wait_for(lambda: not workers(warmed))
    assert find_socket() is None
    for command in ("status", "stop"):
        ran = sdcli("warm", command)
        assert ran.code == 1
        assert "no warm process is there" in ran.err


@pytest.mark.parametrize("wrong", ["a file", "open to all", "a link"])
def test_a_folder_that_is_not_ours_alone_is_not_used(sdcli, sd1, wrong, tmp_path, monkeypatch):
    runtime = Path(tempfile.mkdtemp(prefix="sdcli-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    folder = runtime / "sdcli"
    if wrong == "a file":
        folder.write_text("")
    elif wrong == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    ran = sdcli("txt2img", "a fox", "-m", sd1, *STEPS, "-o", "a.png", "--warm", "5s")
    assert ran.code == 0
    assert "is not a folder of this user alone: drawing here instead" in ran.err
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.mark.parametrize("text", ["soon", "-5m", "10", "1000h", ""])
def test_a_time_that_is_none_is_refused(sdcli, text, monkeypatch):
    assert sdcli("txt2img", "a fox", "--dry-run", "--warm", text).code == 2
    if text:
        monkeypatch.setenv("SDCLI_WARM", text)
        ran = sdcli("txt2img", "a fox", "--dry-run")
        assert ran.code == 2
        assert "$SDCLI_WARM" in ran.err


def test_the_configuration_says_it_too(sdcli, own_folders):
    (own_folders / "config" / "config.toml").write_text('warm = "soon"\n')
    ran = sdcli("txt2img", "a fox", "--dry-run")
    assert ran.code == 2
    assert "config.toml" in ran.err
