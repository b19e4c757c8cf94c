"""What other programs call our options: who types those is told ours."""

from __future__ import annotations

_ELSEWHERE = {
    "ancestral-eta": ("eta",),
    "batch-count": ("count",),
    "batch-size": ("batch", "count"),
    "cfg-scale": ("cfg",),
    "checkpoint": ("model",),
    "ckpt": ("model",),
    "control-image": ("control",),
    "control-net": ("control",),
    "controlnet": ("control",),
    "denoise": ("strength",),
    "denoising-strength": ("strength",),
    "diffusion-model": ("model",),
    "guidance": ("cfg",),
    "guidance-scale": ("cfg",),
    "init-image": ("image",),
    "init-image-strength": ("strength",),
    "init-img": ("image",),
    "n-iter": ("count",),
    "n-samples": ("count",),
    "negative-prompt": ("negative",),
    "num-images": ("count",),
    "num-images-per-prompt": ("count",),
    "num-inference-steps": ("steps",),
    "num": ("count",),
    "outdir": ("out",),
    "output": ("out",),
    "outpath": ("out",),
    "precision": ("dtype",),
    "prompt-strength": ("cfg",),
    "repeats": ("count",),
    "resolution": ("width", "height"),
    "sampler": ("scheduler", "schedulers"),
    "sampler-name": ("scheduler", "schedulers"),
    "sampling-method": ("scheduler", "schedulers"),
    "scale": ("cfg",),
    "size": ("width", "height"),
    "solver": ("scheduler", "schedulers"),
    "textual-inversion": ("embedding",),
    "type": ("dtype",),
    "weights": ("model",),
}
_COMMANDS = {"image": "img2img", "mask": "inpaint", "strength": "img2img"}
"""The command for an option that few commands have."""


def find_ours(name: str, known: set[str]) -> list[str]:
    """Our options for what another program calls `name`, of those that a command has.

    >>> find_ours("--guidance_scale", {"--cfg", "--seed"})
    ['--cfg']
    """
    return [f"--{ours}" for ours in _ELSEWHERE.get(_stem(name), ()) if f"--{ours}" in known]


def find_command(name: str) -> tuple[str, str] | None:
    """Which command has what is called `name`, here or elsewhere, and what it is called there.

    >>> find_command("--init_img")
    ('img2img', '--image')
    """
    stem = _stem(name)
    for ours in (stem, *_ELSEWHERE.get(stem, ())):
        if ours in _COMMANDS:
            return _COMMANDS[ours], f"--{ours}"
    return None


def _stem(name: str) -> str:
    return name.lstrip("-").lower().replace("_", "-")
