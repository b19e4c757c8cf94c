"""What of this machine workers can have: GPUs, cores, memory. Asked without torch where it can be."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sdcli.environment import visible_gpus
from sdcli.library.open_file import is_folder, is_ordinary_file, is_there

_GPU_SIGNS = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, either under WSL
BESIDE_WEIGHTS = 2**30  # bytes that a worker takes beside its model: libraries, what it computes
WEIGHTS_IN_MEMORY = 2.2  # times the size of the file, which mostly holds half precision


def find_gpus(count: Callable[[], int]) -> tuple[str, ...]:
    """The GPUs of this machine, by the names CUDA takes. `count` asks torch, in a process of its own:
    whoever has asked cannot start workers by forking any more."""
    named = visible_gpus()
    if named == () or not any(is_there(Path(sign)) for sign in _GPU_SIGNS):
        return ()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as asked:
        found = asked.submit(count).result()
    return tuple(str(k) for k in range(found)) if named is None else named[:found]


def count_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def workers_that_fit(model_bytes: int) -> int:
    """How many workers, each with its own copy of a model, a CPU's cores and memory are enough for."""
    each = WEIGHTS_IN_MEMORY * model_bytes + BESIDE_WEIGHTS
    return max(1, min(count_cores(), int(free_memory() / each)))


def size_of(model: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = model.rglob("*") if is_folder(model) else [model]
    return sum(file.stat().st_size for file in files if is_ordinary_file(file))


def free_memory() -> int:
    """Bytes that can be taken now; within the container's limit where there is one."""
    ask = getattr(os, "sysconf", None)
    if ask is None:
        return 2**62
    free = int(ask("SC_AVPHYS_PAGES") * ask("SC_PAGE_SIZE"))
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        known = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        free = known.get("MemAvailable", free)
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, max(limit - used, 0))
    except (OSError, ValueError, IndexError):
        return free
