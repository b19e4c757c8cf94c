"""Models on the Hugging Face hub: fetched only when one is asked for by its name there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest, SdcliError
from sdcli.library.open_file import is_ordinary_file, is_there

# The parts of a diffusers model that are read; never the many copies that lie beside them.
PATTERNS = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "*/config.json",
    "unet/diffusion_pytorch_model*.safetensors",
    "vae/diffusion_pytorch_model*.safetensors",
    "text_encoder/model*.safetensors",
    "text_encoder_2/model*.safetensors",
)
ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
UNWANTED = ("*.fp16*", "*non_ema*", "*.ema*", "safety_checker/*", "*flax*")


def is_hub_name(name: str) -> bool:
    """Whether a name could be one on the hub: `owner/name`, or `owner/name/file.safetensors`.

    A mistyped path is none: that a file is missing is no reason to go to the network.
    """
    found = re.fullmatch(r"(\w[\w.-]*)/(\w[\w.-]*)(/[\w./-]+\.(safetensors|ckpt))?", name)
    if found is None or is_there(Path(found[1])):
        return False
    return found[3] is not None or not found[2].lower().endswith(ENDINGS)


def fetch_from_hub(name: str, folder: Path) -> Path:
    """The model of that name in the folder of models, downloaded if it is not there yet."""
    owner, repo, *file = name.split("/", 2)
    place = folder / f"{owner}--{repo}"
    wanted = place / file[0] if file else place / "model_index.json"
    if not is_ordinary_file(wanted):
        _download(f"{owner}/{repo}", file[0] if file else None, place)
    return wanted if file else place


def _download(repo: str, file: str | None, place: Path) -> None:
    import huggingface_hub as package  # half a second, and only ever for a name on the hub
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    client: Any = package
    try:
        if file:
            client.hf_hub_download(repo, file, local_dir=place)
        else:
            client.snapshot_download(
                repo, local_dir=place, allow_patterns=list(PATTERNS), ignore_patterns=list(UNWANTED)
            )
    except (RepositoryNotFoundError, HFValidationError):
        raise BadRequest(
            f"there is no file `{repo}`, and no model of that name on the hub",
            hint="check the path, or the name on huggingface.co",
        ) from None
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise SdcliError(
            f"there is no file `{repo}`, and the hub cannot be asked for a model of that name",
            hint=f"check the path, or the network ({type(error).__name__})",
        ) from None
    if not file and not is_ordinary_file(place / "model_index.json"):
        raise BadRequest(
            f"`{repo}` on the hub is no diffusers model",
            hint="name a file in it: `owner/name/FILE`",
        )
