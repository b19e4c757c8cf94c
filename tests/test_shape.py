"""The shape of the program: who may import whom, and what talking costs."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).parents[1] / "sdcli"
ENGINE = PACKAGE / "engine"
DOOR = "sdcli.engine.door"  # imports nothing heavy until it is used
FACES = ("cli/", "server/", "api.py")
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "matplotlib", "scipy"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path, *, everywhere: bool, types: bool = True) -> set[str]:
    """The modules a file imports, within functions too if `everywhere`; what only a type checker
    sees counts if `types`."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else tree.body
    if not types:
        blocks = [node for node in tree.body if isinstance(node, ast.If)]
        seen = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
        hidden = {id(inner) for node in seen for inner in ast.walk(node)}
        nodes = [node for node in nodes if id(node) not in hidden]
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


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
    names = imported(path, everywhere=True, types=False)
    engine = {name for name in names if name.startswith("sdcli.engine")}
    beyond_the_door = {name for name in engine if name != "sdcli.engine" and DOOR not in name}
    if path.name == "__main__.py":
        return
    if str(path.relative_to(PACKAGE)).startswith(FACES):
        assert not beyond_the_door
    elif inside(path, ENGINE):
        assert not {name for name in names if name.startswith("sdcli.cli")}
    else:
        assert not engine
        assert not {name for name in names if name.startswith(("sdcli.cli", "typer"))}


def test_packages_point_one_way() -> None:
    arrows: dict[str, set[str]] = {}
    for path in FILES:
        package = path.relative_to(PACKAGE).parts[0]
        words = [name.split(".") for name in imported(path, everywhere=True)]
        theirs = {name[1] for name in words if name[0] == "sdcli" and len(name) > 1}
        others = {name for name in theirs if (PACKAGE / name).is_dir()} - {package}
        if (PACKAGE / package).is_dir():
            arrows.setdefault(package, set()).update(others)
    TopologicalSorter(arrows).prepare()  # raises and names a circle


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
    assert not {*HEAVY, "numpy"} & set((tmp_path / "modules").read_text().split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_refusal_has_a_hint(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    refusals = [
        c for c in calls if getattr(c.func, "id", "") in {"SdcliError", "BadRequest", "PartFailed"}
    ]
    bare = [c.lineno for c in refusals if not any(word.arg == "hint" for word in c.keywords)]
    assert not bare, f"no hint in lines {bare}"


# Of names that no file can have, pathlib raises; these are asked in `library/open_file.py`.
ASKED_OF_PATHS = {"is_file", "is_dir", "exists", "expanduser"}
ASK_THEMSELVES = {"library/open_file.py", "environment.py", "engine/device.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_at_a_path_is_asked_in_one_place(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) in ASK_THEMSELVES:
        return
    named = {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
    assert not named & ASKED_OF_PATHS
