"""stable-diffusion.cpp's side of the comparison; runs where `stable_diffusion_cpp` is installed.

stdin: a JSON object of `model` (how to load it) and `jobs` ([path, arguments] pairs).
"""

import json
import sys
import time
from pathlib import Path

from stable_diffusion_cpp import StableDiffusion


def main() -> None:
    """Draw the jobs whose pictures are not there yet, and say how long each took."""
    asked = json.load(sys.stdin)
    todo = [(Path(path), arguments) for path, arguments in asked["jobs"] if not Path(path).exists()]
    if not todo:
        return
    program = StableDiffusion(**asked["model"])
    for path, arguments in todo:
        before = time.perf_counter()
        picture = program.generate_image(**arguments)[0]
        picture.save(path)
        print(f"{path.stem}: {time.perf_counter() - before:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
