"""Streams that are closed or narrow, and a run that is ended from outside."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.process import ROOT, start


def shell(line: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "closed", [pytest.param(">&-", marks=pytest.mark.thorough), "<&- >&- 2>&-"]
)
def test_a_closed_stream_costs_no_picture(sd1: Path, tmp_path: Path, closed: str) -> None:
    line = f'"$1" -m sdcli txt2img "a fox" -m {sd1} --steps 1 -W 64 -H 64 -o x.png {closed}'
    assert shell(line, tmp_path).returncode == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_narrow_stream_costs_no_picture(sd1: Path, tmp_path: Path) -> None:
    line = f'"$1" -m sdcli txt2img "süßes haus" -m {sd1} --steps 1 -W 64 -H 64 -o "süß.png"'
    ran = shell(line, tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert ran.returncode == 0 and "Traceback" not in ran.stderr
    assert (tmp_path / "süß.png").is_file()
    asked = f"{line} --json --force --dry-run"
    said = shell(asked, tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert json.loads(said.stdout)["prompt"] == "süßes haus"


def test_a_run_that_is_ended_says_so(sd1: Path, tmp_path: Path) -> None:
    words = (
        "txt2img",
        "a fox",
        "-m",
        sd1,
        "-c",
        5000,
        "--steps",
        8,
        "-W",
        64,
        "-H",
        64,
        "-o",
        tmp_path / "o",
    )
    process = start(*words)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
