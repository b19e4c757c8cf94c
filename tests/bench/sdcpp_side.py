"""stable-diffusion.cpp's side of the comparison; runs where `stable_diffusion_cpp` is installed.

stdin: a JSON object of `model` (how to load it), `words` (embeddings by name) and `jobs` ([path,
arguments] pairs).
"""

import json
import sys
import time
from pathlib import Path

from stable_diffusion_cpp import StableDiffusion, stable_diffusion_cpp


def main() -> None:
    """Draw the jobs whose pictures are not there yet, and say how long each took."""
    asked = json.load(sys.stdin)
    todo = [(Path(path), arguments) for path, arguments in asked["jobs"] if not Path(path).exists()]
    if not todo:
        return
    # 0.4.7 means to fill this list and fails; filled beforehand, it is taken as it is.
    StableDiffusion._embedding_items = [
        stable_diffusion_cpp.sd_embedding_t(name=name.encode(), path=path.encode())
        for name, path in asked["words"].items()
    ]
    paths = list(asked["words"].values())
    program = StableDiffusion(**asked["model"], embedding_paths=paths)
    for path, arguments in todo:
        before = time.perf_counter()
        picture = program.generate_image(**arguments)[0]
        picture.save(path)
        print(f"{path.stem}: {time.perf_counter() - before:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
