"""`python -m tests.bench NAME ...`: what is measured, and not part of the suite."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "load",
    "sdcpp",
    "served",
    "adapters",
    "kdiffusion",
    "speed",
    "table",
    "fuzz",
    "a1111_prompts",
    "score",
    "clip",
    "scale",
    "upscalers",
    "training",
    "seams",
)


def main() -> None:
    """Run one of the benches."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"python -m tests.bench {'|'.join(NAMES)} ...")
    import_module(f"tests.bench.{sys.argv[1]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
