"""CLIPs from every kind of file, against transformers' own module on the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdcli.engine.clip_encoder import ClipEncoder
from sdcli.errors import BadRequest
from sdcli.images.clip_view import as_clip_input, clip_view
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.weights.clip_file import join_clips, read_clip, require_whole
from tests.helpers import clips, tiny

TEXTS = ("a red fox", "a house by the sea at night")


def pictures() -> list[Image.Image]:
    dice = np.random.default_rng(0)
    sizes = [(40, 40), (50, 40), (31, 90)]
    return [Image.fromarray(dice.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]


def tokens() -> list[list[int]]:
    return [[token.id for token in clip_tokenizer().encode(text)] for text in TEXTS]


@torch.no_grad()
def by_transformers(activation: str) -> tuple[np.ndarray, np.ndarray]:
    """The vectors that transformers' CLIPModel makes of the same pictures and texts."""
    model = clips.model(activation)
    pixels = [as_clip_input(clip_view(one, clips.VISION["image"])) for one in pictures()]
    rows = torch.full((len(TEXTS), 77), 49407)
    for row, ids in zip(rows, tokens(), strict=True):
        row[: len(ids) + 1] = torch.tensor([49406, *ids])
    seen = model.get_image_features(pixel_values=torch.from_numpy(np.stack(pixels)))
    read = model.get_text_features(input_ids=rows)
    return tuple(getattr(one, "pooler_output", one).numpy() for one in (seen, read))


def written(way: str, folder: Path, activation: str) -> Path:
    model = clips.model(activation)
    theirs, own = clips.as_open_clip(model), clips.as_transformers(model)
    if way == "folder":
        return clips.write_folder(folder / "clip", model)
    if way == "archive":
        return clips.write_archive(folder / "clip.pt", theirs)
    tensors = own if way == "transformers" else theirs
    return clips.write_file(folder / "clip.safetensors", tensors, activation)


@pytest.mark.parametrize(
    ("way", "activation"),
    [
        *(("folder", one) for one in ("quick_gelu", "gelu")),
        *(("transformers", one) for one in ("quick_gelu", "gelu")),
        *(("open clip", one) for one in ("quick_gelu", "gelu")),
        ("archive", "quick_gelu"),  # nobody but OpenAI shares archives
    ],
)
def test_every_file_sees_and_reads_as_transformers_does(
    tmp_path: Path, way: str, activation: str
) -> None:
    encoder = ClipEncoder(require_whole(read_clip(written(way, tmp_path, activation))))
    seen = encoder.see([clip_view(one, clips.VISION["image"]) for one in pictures()])
    read = encoder.read(tokens())
    near = 1e-2 if way == "archive" else 1e-5  # an archive's numbers are halves
    for found, judged in zip((seen, read), by_transformers(activation), strict=True):
        assert np.abs(found - judged).max() < near
    other = by_transformers("gelu" if activation == "quick_gelu" else "quick_gelu")
    assert np.abs(seen - other[0]).max() > near, "the other activation would have passed, too"


def test_two_halves_are_the_whole(tmp_path: Path) -> None:
    tensors = clips.as_transformers(clips.model())
    halves = {"vision": {}, "text": {}}
    for name, tensor in tensors.items():
        halves["vision" if name.startswith("visi") or name.startswith("visu") else "text"][name] = (
            tensor
        )
    paths = {kind: clips.write_file(tmp_path / f"{kind}.safetensors", half, "quick_gelu")
             for kind, half in halves.items()}  # fmt: skip
    seeing, reading = (read_clip(paths[kind]) for kind in ("vision", "text"))
    for joined in (join_clips(seeing, reading), join_clips(reading, seeing)):
        assert (
            np.abs(ClipEncoder(joined).read(tokens()) - by_transformers("quick_gelu")[1]).max()
            < 1e-5
        )
    with pytest.raises(BadRequest, match="no text tower"):
        require_whole(seeing)
    with pytest.raises(BadRequest, match="not its image tower"):
        require_whole(reading)
    with pytest.raises(BadRequest, match="not two halves"):
        join_clips(seeing, seeing)


def test_sdxl_second_text_tower_is_a_half_and_sd1_has_none(tmp_path: Path) -> None:
    wide = read_clip(tiny.write(tmp_path / "xl.safetensors", "sdxl"))
    assert wide.has_text_projection and wide.activation == "gelu"
    vision = clips.write_file(
        tmp_path / "vision.safetensors",
        {
            n: t
            for n, t in clips.as_transformers(clips.model("gelu")).items()
            if n.startswith("vis")
        },
        "gelu",
    )
    with pytest.raises(BadRequest, match="do not meet"):
        join_clips(read_clip(vision), wide)
    with pytest.raises(BadRequest, match="without the projection") as refused:
        require_whole(read_clip(tiny.write(tmp_path / "sd1.safetensors", "sd1")))
    assert "openai/clip-vit-large-patch14" in refused.value.hint


def test_what_nothing_tells_is_refused_and_can_be_said(tmp_path: Path) -> None:
    path = clips.write_file(tmp_path / "clip.safetensors", clips.as_transformers(clips.model()))
    with pytest.raises(BadRequest, match="which activation"):
        require_whole(read_clip(path))
    assert require_whole(read_clip(path, "gelu")).activation == "gelu"


def test_what_is_no_clip_or_a_damaged_one_is_named(tmp_path: Path, sd1: Path) -> None:
    whole = clips.as_open_clip(clips.model())
    strange = tmp_path / "siglip.safetensors"
    lacking = {n: t for n, t in whole.items() if "class_embedding" not in n}
    clips.write_file(strange, lacking, "gelu")
    with pytest.raises(BadRequest, match="not a CLIP's"):
        read_clip(strange)
    damaged = tmp_path / "damaged.safetensors"
    clips.write_file(damaged, {n: t for n, t in whole.items() if n != "visual.ln_pre.bias"}, "gelu")
    with pytest.raises(BadRequest, match=r"lacks the tensor `visual\.ln_pre\.bias`"):
        ClipEncoder(require_whole(read_clip(damaged)))
    lora = tmp_path / "lora.safetensors"
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(2, 2)}, lora)
    with pytest.raises(BadRequest, match="is a LoRA, not a CLIP"):
        read_clip(lora)
