"""The examples run as they are, and leave the pictures that they promise."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "from_python.py"), run_name="__main__")
    assert len(list(Path("outputs/cars").iterdir())) == 4


def test_shell_examples(tmp_path: Path) -> None:
    """`sdcli` is this checkout's, one process draws for all of them, and the pictures open."""
    command = tmp_path / "bin" / "sdcli"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sdcli "$@"\n')
    command.chmod(0o755)
    python = Path(sys.executable).parent
    path = os.pathsep.join([str(command.parent), str(python), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(EXAMPLES.parent), "SDCLI_WARM": "2m"}

    def run(*words: str) -> str:
        ran = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    try:
        for name in ("first_picture.sh", "repaint.sh"):
            for line in run("sh", str(EXAMPLES / name)).split():
                Image.open(tmp_path / line).load()
    finally:
        run(str(command), "warm", "stop")


def test_the_jobs_are_jobs(sdcli: object) -> None:
    ran = sdcli("batch", EXAMPLES / "jobs.txt", "--dry-run", "--json")
    assert ran.code == 0 and len(ran.out.splitlines()) == 3
