"""Which format a file or folder of weights is in, told by its content, never by its ending."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest, SdcliError
from sdcli.library.open_file import is_folder, is_ordinary_file, open_regular_file
from sdcli.weights.gguf import MAGIC, read_gguf
from sdcli.weights.pickle import read_pickle
from sdcli.weights.safetensors import Header, Tensor, damaged_file, read_safetensors
from sdcli.weights.scaled import multiply_out


def read_folder_header(path: Path) -> Header:
    """The headers of a diffusers folder as one: tensors under their folders' names."""
    if not is_folder(path / "unet") and is_ordinary_file(path / "config.json"):
        return read_component_header(path, CLIP)  # or whatever else lies in such a folder
    tensors: dict[str, Tensor] = {}
    configs: dict[str, Mapping[str, Any]] = {}
    scaled = 0
    for part in ("unet", "vae", "text_encoder", "text_encoder_2", "scheduler"):
        for config in ("config.json", "scheduler_config.json"):
            if is_ordinary_file(path / part / config):
                configs[part] = read_config(path / part / config)
        for file in _weight_files(path / part):
            found = read_header(file)
            scaled += found.scaled
            tensors |= {f"{part}.{name}": tensor for name, tensor in found.tensors.items()}
    if not any(name.startswith("unet.") for name in tensors):
        raise BadRequest(
            f"`{path}` is a folder, but not one of a diffusers model",
            hint="it would hold `unet/diffusion_pytorch_model.safetensors`; name a file in it",
        )
    return Header(path, "diffusers", tensors, configs=configs, scaled=scaled)


def read_component_header(folder: Path, kind: str) -> Header:
    """The header of one component's folder, its tensors under their own names."""
    tensors: dict[str, Tensor] = {}
    for file in _weight_files(folder):
        tensors |= read_header(file).tensors
    if not tensors:
        raise BadRequest(f"no weights lie in the folder `{folder}`", hint="name their file")
    config = folder / "config.json"
    return Header(
        folder,
        "diffusers",
        tensors,
        configs={kind: read_config(config)} if is_ordinary_file(config) else {},
    )


def _weight_files(folder: Path) -> list[Path]:
    """One component's weights: of the variants that lie side by side the best one, all its shards."""
    for ending in (".safetensors", ".bin"):
        variants: dict[tuple[str, str], list[Path]] = {}
        for file in sorted(folder.glob(f"*{ending}")):
            name = re.sub(r"-\d+-of-\d+", "", file.name.removesuffix(ending))
            stem, _, variant = name.partition(".")
            variants.setdefault((variant, stem), []).append(file)
        if variants:
            return variants[min(variants, key=lambda each: (_rank(each[0]), each))]
    return []


def _rank(variant: str) -> int:
    """The plain weights first, what was averaged or left unaveraged on purpose last."""
    return {"": 0, "fp16": 1}.get(variant, 2)


def read_config(path: Path) -> Mapping[str, Any]:
    """The JSON of a config file; an empty table where it holds something else."""
    try:
        with open_regular_file(path) as file:
            found: Any = json.loads(file.read(LONGEST_CONFIG))
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            f"`{path}` is not JSON ({error})", hint="download the folder again"
        ) from None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


# Every name is held against dozens of patterns: what is far beyond any model is not begun with.
MOST_TENSORS = 50_000
LONGEST_NAMES = 2_500_000  # letters, of all together
CLIP = "clip"
LONGEST_CONFIG = 1 << 20  # of a diffusers folder; the longest real one has 2 KB
# What a file begins with, when it is nothing that holds weights, and what to say about it.
NOT_WEIGHTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself", "run `git lfs pull`"),
    (b"<", "is a web page, not a model", "the download link wanted a log-in or a click; try again"),
    (b"\x89PNG", "is a picture, not a model", "pictures go to `--image`"),
    (b"\xff\xd8\xff", "is a picture, not a model", "pictures go to `--image`"),
    (b"RIFF", "is a picture or a sound, not a model", "pictures go to `--image`"),
    (b"GIF8", "is a picture, not a model", "pictures go to `--image`"),
    (b"\x1f\x8b", "is a gzip archive, not a model", "unpack it first"),
    (b"7z\xbc\xaf", "is a 7-Zip archive, not a model", "unpack it first"),
    (b"Rar!", "is a RAR archive, not a model", "unpack it first"),
)


def read_header(path: Path) -> Header:
    """What a file or a diffusers folder holds, told by its content and never by its ending."""
    try:
        if is_folder(path):
            return read_folder_header(path)
        with open_regular_file(path) as file:
            first = file.read(64)
        return _sniffed(path, first)
    except OSError as error:
        raise SdcliError(
            f"`{path}` cannot be read: {error.strerror}", hint="name another file"
        ) from None


def _is_text(first: bytes) -> bool:
    """Whether these bytes are written for people: a length in binary always has a zero in it."""
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = first[: error.start].decode("utf-8-sig", "replace")
        if len(first) - error.start > 3:  # the last letter may be cut off
            return False
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)


def _find_reader(first: bytes) -> Callable[[Path], Header] | None:
    """Who reads a file that begins like this."""
    if first.startswith(MAGIC):
        return read_gguf
    if first[8:9] == b"{":  # before the pickles: any byte may begin a length
        return read_safetensors
    return read_pickle if first.startswith((b"PK\x03\x04", b"\x80")) else None


def _sniffed(path: Path, first: bytes) -> Header:
    if not first:
        raise BadRequest(f"`{path.name}` is empty", hint="the download failed; fetch it again")
    if read := _find_reader(first):
        header = read(path)
        names = sum(map(len, header.tensors))
        if len(header.tensors) > MOST_TENSORS or names > LONGEST_NAMES:
            raise damaged_file(path, f"{len(header.tensors):,} tensors are more than any model has")
        return multiply_out(header)
    for magic, what, hint in NOT_WEIGHTS:
        if first.lstrip().startswith(magic):
            raise BadRequest(f"`{path.name}` {what}", hint=hint)
    if _is_text(first):
        raise BadRequest(f"`{path.name}` is a text, not a model", hint="name a file of weights")
    if len(first) < 9 or int.from_bytes(first[:8], "little") > path.stat().st_size:
        raise damaged_file(path, "it does not begin like any file of weights")
    raise BadRequest(
        f"`{path.name}` is neither safetensors nor a PyTorch file", hint="is it really a model?"
    )
