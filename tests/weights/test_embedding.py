from __future__ import annotations

import base64
import json

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save_file

from sdcli.errors import BadRequest
from sdcli.weights import embedding

pytestmark = pytest.mark.slow


def pt(path, inside):
    torch.save(inside, path)
    return path


def st(path, **tensors):
    save_file({name.replace("__", "."): tensor for name, tensor in tensors.items()}, path)
    return path


def png(path, text, name="sd-ti-embedding"):
    info = PngInfo()
    info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def in_text(rows):
    inside = {"string_to_param": {"*": {"TORCHTENSOR": rows}}, "name": "x"}
    return base64.b64encode(json.dumps(inside).encode()).decode()


def a1111(tensor, key="*", box=dict):
    return {
        "string_to_token": {key: 265},
        "string_to_param": box({key: tensor}),
        "name": "somebody else's name",
        "step": 1000,
        "sd_checkpoint": None,
        "sd_checkpoint_name": "v1-5",
    }


ROWS = torch.arange(3 * 768, dtype=torch.float32).reshape(3, 768)
LAYOUTS = {
    "a1111": lambda path: pt(path / "Word.pt", a1111(ROWS)),
    "a1111, another key": lambda path: pt(path / "Word.pt", a1111(ROWS, "sks")),
    "a1111, token a tensor": lambda path: pt(
        path / "Word.pt", a1111(ROWS) | {"string_to_token": {"*": torch.tensor(265)}}
    ),
    "a1111, parameters": lambda path: pt(
        path / "Word.pt", a1111(torch.nn.Parameter(ROWS), box=torch.nn.ParameterDict)
    ),
    "emb_params": lambda path: st(path / "Word.safetensors", emb_params=ROWS),
    "picture": lambda path: png(path / "Word.png", in_text(ROWS.tolist())),
    "diffusers, several": lambda path: pt(path / "Word.bin", {"<word>": ROWS}),
    "diffusers, safetensors": lambda path: st(path / "Word.safetensors", **{"<word>": ROWS}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_word_and_its_vectors(layout, tmp_path):
    from sdcli.engine.embeddings import load_embeddings
    from sdcli.plan import Embedding, File

    path = LAYOUTS[layout](tmp_path)
    found = embedding.read_embedding(path)
    assert (found.word, found.vectors, dict(found.widths)) == ("word", 3, {"": 768})
    assert found.made_for == "Stable Diffusion 1"
    word = Embedding(File(path, ""), found.word, found.vectors)
    assert torch.equal(load_embeddings([word], ["clip_l"])["word"]["clip_l"], ROWS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no text in it holds an embedding"),
        ("%%%", "cannot be read"),
        (in_text([]), "cannot be read"),
        (in_text([[1.0, 2.0], [3.0]]), "cannot be read"),
        (in_text([["a"]]), "cannot be read"),
        (base64.b64encode(b'{"string_to_param": []}').decode(), "cannot be read"),
    ],
)
def test_a_picture_without_an_embedding_is_refused(text, said, tmp_path):
    with pytest.raises(BadRequest, match=said):
        embedding.read_embedding(png(tmp_path / "x.png", text))


def test_an_embedding_of_the_package_is_called_without_its_prefix(tmp_path):
    path = st(tmp_path / "builtin-Glow.safetensors", emb_params=torch.zeros(1, 768))
    assert embedding.read_embedding(path).word == "glow"


def test_a_single_vector_may_lie_flat(tmp_path):
    path = pt(tmp_path / "cat.bin", {"<cat>": torch.zeros(768)})
    assert embedding.read_embedding(path).vectors == 1


def test_a_pair_is_for_sdxl(tmp_path):
    path = st(tmp_path / "p.safetensors", clip_g=torch.zeros(2, 1280), clip_l=torch.zeros(2, 768))
    found = embedding.read_embedding(path)
    assert dict(found.widths) == {"clip_l": 768, "clip_g": 1280}
    assert (found.vectors, found.made_for) == (2, "Stable Diffusion XL")


@pytest.mark.parametrize(
    "inside",
    [
        {"clip_l": torch.zeros(2, 768), "clip_g": torch.zeros(3, 1280)},
        {"clip_l": torch.zeros(2, 768), "clip_l_out": torch.zeros(2, 768)},
        {"<one>": torch.zeros(768), "<two>": torch.zeros(768)},
        {"emb_params": torch.zeros(1, 2, 768)},
        {"emb_params": torch.zeros(0, 768)},
        {"lora_unet_x.lora_down.weight": torch.zeros(4, 4)},
    ],
)
def test_what_is_not_one_word_is_refused(inside, tmp_path):
    save_file(inside, tmp_path / "x.safetensors")
    with pytest.raises(BadRequest) as refusal:
        embedding.read_embedding(tmp_path / "x.safetensors")
    assert refusal.value.hint


SD1, SD2, SDXL = {"clip_l": 768}, {"clip_h": 1024}, {"clip_l": 768, "clip_g": 1280}
REFINER = {"clip_g": 1280}


@pytest.mark.parametrize(
    ("shapes", "fit"),
    [
        ({"emb_params": 768}, [SD1]),
        ({"emb_params": 1024}, [SD2]),
        ({"emb_params": 1280}, [REFINER]),
        ({"clip_l": 768, "clip_g": 1280}, [SDXL, REFINER]),
        ({"clip_l": 768}, [SD1]),
        ({"clip_g": 1280}, [REFINER]),
    ],
)
def test_an_embedding_fits_the_family_it_was_made_for(shapes, fit, tmp_path):
    save_file({name: torch.zeros(1, n) for name, n in shapes.items()}, tmp_path / "x.safetensors")
    found = embedding.read_embedding(tmp_path / "x.safetensors")
    assert [m for m in (SD1, SD2, SDXL, REFINER) if embedding.embedding_fits(found, m)] == fit
