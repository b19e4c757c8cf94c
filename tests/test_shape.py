"""The shape of the program: who may import whom, and what talking costs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sdcli"
ENGINE = PACKAGE / "engine"
DOOR = {"sdcli.engine", "sdcli.engine.door"}
# Studies that still talk to the console themselves, until they are given a listener.
TALKING = {"studies/compare/run.py", "studies/progress.py", "studies/sweep/run.py"} | {
    "studies/trace/run.py"
}
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "matplotlib", "scipy"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path, *, everywhere: bool) -> set[str]:
    """The modules a file imports, within functions too if `everywhere`."""
    tree = ast.parse(path.read_text())
    return imports_of(tree) if everywhere else imports_of(tree, tree.body)


def imports_of(tree: ast.Module, nodes: Iterable[ast.AST] | None = None) -> set[str]:
    """The modules that these nodes import; all nodes of the tree if none are given."""
    found: set[str] = set()
    for node in ast.walk(tree) if nodes is None else nodes:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def runtime_imports(path: Path) -> set[str]:
    """The modules a file imports when it runs: those for the type checker alone are left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return imports_of(tree)


def inside(path: Path, folder: Path) -> bool:
    return folder in path.parents


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_tensors_stay_in_the_engine(path: Path) -> None:
    if inside(path, ENGINE):
        return
    tops = {name.partition(".")[0] for name in imported(path, everywhere=True)}
    assert not tops & {"torch", "diffusers", "transformers", "accelerate", "safetensors"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_layers_point_one_way(path: Path) -> None:
    names = imported(path, everywhere=True)
    engine = {
        name
        for name in runtime_imports(path)
        if name.startswith("sdcli.engine") and not name.startswith("sdcli.engine.door.")
    } - DOOR
    if path.name == "__main__.py":
        return
    if inside(path, ENGINE):
        assert not {name for name in names if name.startswith("sdcli.cli")}
        return
    assert not engine
    if not inside(path, PACKAGE / "cli") and str(path.relative_to(PACKAGE)) not in TALKING:
        assert not {name for name in names if name.startswith(("sdcli.cli", "typer"))}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_things_are_imported_where_they_are_used(path: Path) -> None:
    if inside(path, ENGINE):
        return
    tops = {name.partition(".")[0] for name in imported(path, everywhere=False)}
    assert not tops & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["txt2img", "--help"],
        ["schedulers"],
        ["models"],
        ["explain", "a (red:1.2) fox"],
        ["txt2img", "a fox", "--scheduler", "eular"],
        ["txt2img", "a fox", "-m", "gone.safetensors"],
    ],
    ids=" ".join,
)
def test_talking_never_wakes_torch(words: list[str], tmp_path: Path) -> None:
    probe = (
        "import sys; from sdcli.cli.app import main; main(sys.argv[1:]);"
        "print(*sys.modules, file=open('modules', 'w'))"
    )
    root = str(PACKAGE.parent)
    subprocess.run(
        [sys.executable, "-c", probe, *words],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        check=True,
    )
    assert not HEAVY & set((tmp_path / "modules").read_text().split())
