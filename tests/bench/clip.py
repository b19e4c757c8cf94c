"""CLIPs of full size, of random numbers, against transformers' CLIPModel and torchmetrics.

    python -m tests.bench clip [--shapes ViT-B/32,ViT-L/14...]

Of each shape: is it known by its tensors alone, is every picture prepared to the bit as transformers'
own processor does it, and is every cosine within 1e-5 of that of transformers' module on the same
numbers, under transformers' names and under OpenCLIP's. ViT-bigG/14 has its true widths and four of
its layers in each tower, which is what fits beside other things. open_clip itself wants torchvision,
so that its names are judged and not its program.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from sdcli.engine import door
from sdcli.images.clip_view import as_clip_input, clip_view
from sdcli.measures.judges import find_judges
from sdcli.measures.measure import cosine
from sdcli.prompts.tokenizer import END_TOKEN, START_TOKEN, clip_tokenizer
from sdcli.weights.clip_file import read_clip
from tests.bench.results import record_figures
from tests.helpers import clips


@dataclass(frozen=True)
class Shape:
    """One shape in numbers: width, layers, heads, patch, image and so on."""

    vision: dict[str, int]
    text: dict[str, int]
    shared: int
    activation: str
    cut: bool = False  # fewer layers than it has


def _vision(width: int, layers: int, heads: int, patch: int, image: int = 224) -> dict[str, int]:
    return {"width": width, "layers": layers, "heads": heads, "patch": patch, "image": image}


def _text(width: int, layers: int = 12) -> dict[str, int]:
    return {"width": width, "layers": layers, "heads": width // 64}


SHAPES = {
    "ViT-B/32": Shape(_vision(768, 12, 12, 32), _text(512), 512, "quick_gelu"),
    "ViT-B/16": Shape(_vision(768, 12, 12, 16), _text(512), 512, "gelu"),
    "ViT-L/14": Shape(_vision(1024, 24, 16, 14), _text(768), 768, "quick_gelu"),
    "ViT-L/14@336px": Shape(_vision(1024, 24, 16, 14, 336), _text(768), 768, "quick_gelu"),
    "ViT-H/14": Shape(_vision(1280, 32, 16, 14), _text(1024, 24), 1024, "gelu"),
    "ViT-bigG/14": Shape(
        {**_vision(1664, 4, 16, 14), "inner": 8192}, _text(1280, 4), 1280, "gelu", cut=True
    ),
}
NAMED = {"quick_gelu": "openai", "gelu": "laion2b"}  # what a file is called by those who trained it
TEXTS = ("a red fox in the snow", "a house by the sea at night")


def pictures() -> list[Image.Image]:
    """Noise of two sizes, smooth enough to be scaled."""
    dice = np.random.default_rng(3)
    return [
        Image.fromarray(dice.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize(size)
        for size in ((512, 512), (768, 432))
    ]


@torch.no_grad()
def by_transformers(model: CLIPModel, images: list[Image.Image]) -> np.ndarray:
    """Every cosine by transformers' module, on pictures that its own processor prepared."""
    size = model.config.vision_config.image_size
    sides = {"height": size, "width": size}
    processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size=sides)
    pixels = processor(images, return_tensors="np")["pixel_values"]
    ours = np.stack([as_clip_input(clip_view(one, size)) for one in images])
    assert np.array_equal(pixels, ours), "a picture is prepared otherwise"
    rows = torch.full((len(TEXTS), 77), END_TOKEN)
    for row, text in zip(rows, TEXTS, strict=True):
        ids = [token.id for token in clip_tokenizer().encode(text)]
        row[: len(ids) + 1] = torch.tensor([START_TOKEN, *ids])
    found = model(input_ids=rows, pixel_values=torch.from_numpy(pixels))
    return (found.logits_per_image / model.logit_scale.exp()).numpy()


class Unwrapped(torch.nn.Module):
    """The module as torchmetrics 1.9 knows it: since transformers 5 its features come in a wrapper."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model, self.config = model, model.config

    def get_image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures' vectors."""
        return self.model.get_image_features(pixels).pooler_output

    def get_text_features(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Texts' vectors."""
        return self.model.get_text_features(rows, mask).pooler_output


@torch.no_grad()
def by_torchmetrics(model: CLIPModel, images: list[Image.Image]) -> np.ndarray | None:
    """The scores of each picture with the text of its place, by torchmetrics; None without it."""
    if find_spec("torchmetrics") is None:
        return None
    from torchmetrics.functional.multimodal.clip_score import _clip_score_update

    size = model.config.vision_config.image_size

    class Processor:
        """What torchmetrics asks of a processor."""

        tokenizer = None

        def __call__(self, text=None, images=None, **_):  # noqa: ANN001, ANN003, ANN204
            found = {}
            if images is not None:
                arrays = [Image.fromarray(np.asarray(i).transpose(1, 2, 0)) for i in images]
                views = [as_clip_input(clip_view(one, size)) for one in arrays]
                found["pixel_values"] = torch.from_numpy(np.stack(views))
            if text is not None:
                ids = [[t.id for t in clip_tokenizer().encode(one)] for one in text]
                rows = torch.full((len(ids), 77), END_TOKEN)
                for row, some in zip(rows, ids, strict=True):
                    row[: len(some) + 1] = torch.tensor([START_TOKEN, *some])
                found |= {"input_ids": rows, "attention_mask": torch.ones_like(rows)}
            return found

    tensors = [torch.from_numpy(np.asarray(one).transpose(2, 0, 1).copy()) for one in images]
    scores, _ = _clip_score_update(tensors, list(TEXTS), Unwrapped(model), Processor())
    return scores.numpy()


def by_ours(names: list[str], images: list[Image.Image]) -> np.ndarray:
    """Every cosine by the program."""
    judge = door.open_judges(find_judges(names), {"clip"}, "cpu")
    return np.array(
        [[cosine(seen["clip"]) for seen in judge.look(images, [text] * len(images))]
         for text in TEXTS]
    ).T  # fmt: skip


def judge_shape(name: str, shape: Shape, folder: Path) -> dict[str, float]:
    """How far the program is from its judges, under each spelling."""
    model = clips.random_model(shape.vision, shape.text, shape.shared, shape.activation, seed=1)
    model = model.half().float()  # what a file of halves holds
    images = pictures()
    wanted = by_transformers(model, images)
    figures: dict[str, float] = {}
    for way, tensors in (
        ("transformers", clips.as_transformers),
        ("open clip", clips.as_open_clip),
    ):
        path = folder / f"{NAMED[shape.activation]}-{way.replace(' ', '-')}.safetensors"
        save_file({n: t.half().contiguous() for n, t in tensors(model).items()}, path)
        if shape.cut:  # which no table knows
            (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
        known = read_clip(path)
        assert shape.cut or known.title == name, known.title
        assert known.activation == shape.activation and known.is_whole
        figures[f"{name}, {way}"] = float(np.abs(by_ours([str(path)], images) - wanted).max())
        path.unlink()
    scores = by_torchmetrics(model, images)
    if scores is not None:
        figures[f"{name}, torchmetrics"] = float(np.abs(scores / 100 - wanted.diagonal()).max())
    return figures


def main(words: Sequence[str]) -> None:
    """Judge every shape, and tell."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--shapes", default=",".join(SHAPES))
    asked = flags.parse_args(words)
    for name in asked.shapes.split(","):
        with TemporaryDirectory() as folder:
            figures = judge_shape(name, SHAPES[name], Path(folder))
        for what, apart in figures.items():
            print(f"{what}: cosines {apart:.1e} apart at most", flush=True)
            assert apart < 1e-5, what
        record_figures("clip", vars(asked), figures)
