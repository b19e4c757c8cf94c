"""The one place that reads environment variables; everybody else is handed what they say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """What this user's environment says of sdcli."""

    model: str | None  # $SDCLI_MODEL: the checkpoint where none is named
    models: tuple[Path, ...]  # $SDCLI_MODELS: folders of models, in the order they are searched
    cache: Path  # $SDCLI_CACHE: what can be deleted at any time and is made again
    config: Path  # $SDCLI_CONFIG: the user's own settings
    warm: str | None  # $SDCLI_WARM: how long a resident process stays after its last use
    api_key: str | None  # $SDCLI_API_KEY: what `sdcli serve` asks its clients for
    debug: bool  # $SDCLI_DEBUG=1: failures show where they were raised


def read_environment() -> Environment:
    """What the variables say now."""
    return Environment(
        model=os.environ.get("SDCLI_MODEL") or None,
        models=_model_folders(),
        cache=_folder("SDCLI_CACHE", "XDG_CACHE_HOME", ".cache"),
        config=_folder("SDCLI_CONFIG", "XDG_CONFIG_HOME", ".config"),
        warm=os.environ.get("SDCLI_WARM") or None,
        api_key=os.environ.get("SDCLI_API_KEY") or None,
        debug=os.environ.get("SDCLI_DEBUG") == "1",
    )


@dataclass(frozen=True)
class Launch:
    """What `torchrun` and `accelerate launch` say of the processes that they start alike."""

    rank: int  # of this process
    world: int  # how many there are
    local_rank: int  # of this process on its machine
    local_world: int  # how many there are on this machine


def read_launch() -> Launch | None:
    """Which of many processes this one is; None where nobody started it as one of many."""
    try:
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        local = int(os.environ.get("LOCAL_RANK", rank))
        here = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    except (KeyError, ValueError):
        return None
    return Launch(rank, world, local, here) if world > 1 and 0 <= rank < world else None


def leads_launch() -> bool:
    """Whether this process is the first of many, or alone: the one that writes what all of them do."""
    launch = read_launch()
    return launch is None or launch.rank == 0


def leave_launch() -> None:
    """Let nothing that this process starts take itself for one of many."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        os.environ.pop(name, None)


def visible_gpus() -> tuple[str, ...] | None:
    """The GPUs that this process may use, by the names CUDA takes; None: all there are."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if named is None else tuple(part for part in named.split(",") if part)


def use_gpu(name: str) -> None:
    """Let this process use one GPU; before torch looks for them."""
    os.environ["CUDA_VISIBLE_DEVICES"] = name


def all_variables() -> dict[str, str]:
    """The whole environment, to be handed to a process that was started under another."""
    return dict(os.environ)


def become(variables: Mapping[str, str]) -> None:
    """Let this process have that environment, and no other."""
    os.environ.clear()
    os.environ.update(variables)


def silence_ray() -> None:
    """Let Ray send no statistics of its use anywhere; before it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")


def add_models_folder(folder: Path) -> None:
    """Let this process look for models there first."""
    others = [str(one) for one in _model_folders()]
    os.environ["SDCLI_MODELS"] = os.pathsep.join([str(folder), *others])


def said_threads() -> int | None:
    """$OMP_NUM_THREADS: how many threads a library of sums is to take."""
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(text) if text.isdigit() and int(text) else None


def is_completing() -> bool:
    """Whether a shell runs the program to ask what could come next on its command line."""
    return "_SDCLI_COMPLETE" in os.environ


def _model_folders() -> tuple[Path, ...]:
    if named := os.environ.get("SDCLI_MODELS"):
        return tuple(_expanded(folder) for folder in named.split(os.pathsep) if folder)
    return (_folder("", "XDG_DATA_HOME", ".local/share") / "models",)


def _folder(variable: str, xdg: str, unix: str) -> Path:
    """`$variable`, else the platform's place for such things."""
    if named := os.environ.get(variable):
        return _expanded(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sdcli" / unix.rpartition("/")[2]
    return Path(os.environ.get(xdg) or Path.home() / unix) / "sdcli"


def _expanded(text: str) -> Path:
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # `~nobody`: a folder of that name, which is not there
        return path
