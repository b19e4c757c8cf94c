"""The README tells the truth: its help is the real one, its errors are the real ones."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
HELP = re.findall(r"<!-- help: (.*?) -->\n```text\n(.*?)```", README, re.S)
ERRORS = re.findall(r"```console\n\$ sdcli (.*?)\n(.*?)```", README, re.S)
COMMANDS = set(re.findall(r"^\| `sdcli ([a-z0-9-]+)", README, re.M))


@pytest.mark.parametrize(("words", "shown"), HELP)
def test_the_help_is_the_real_one(
    sdcli: Callable, monkeypatch: pytest.MonkeyPatch, words: str, shown: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert sdcli(*words.split(), "--help").out.strip() == shown.strip()


@pytest.mark.parametrize(("words", "shown"), ERRORS)
def test_the_errors_are_the_real_ones(sdcli: Callable, words: str, shown: str) -> None:
    import shlex

    ran = sdcli(*shlex.split(words))
    assert ran.out + ran.err == shown


def test_every_command_is_named(sdcli: Callable) -> None:
    listed = sdcli("--help").out.partition("Commands:")[2]
    real = set(re.findall(r"^  ([a-z][a-z0-9-]+)", listed, re.M))
    assert real >= COMMANDS
