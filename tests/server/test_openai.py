"""OpenAI's image API, asked by OpenAI's own client."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.slow

MORE = {"steps": 2, "seed": 7}
SIZE: Any = "64x64"


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def start_picture() -> Image.Image:
    return Image.linear_gradient("L").resize((64, 64)).convert("RGB")


def test_pictures_are_generated(client):
    answer = client.images.generate(
        prompt="a red house",
        size=SIZE,
        n=2,
        output_format="jpeg",
        output_compression=80,
        quality="standard",
        style="vivid",
        user="somebody",
        background="auto",
        extra_body=MORE | {"negative_prompt": None, "negative": "grey", "clip_skip": 1},
    )
    assert [opened(one.b64_json).format for one in answer.data] == ["JPEG", "JPEG"]
    assert [one.seed for one in answer.data] == [7, 8]
    assert (answer.size, answer.output_format) == ("64x64", "jpeg")


def test_a_stream_shows_pictures_as_they_come_about(client):
    kinds, last = [], None
    with client.images.generate(
        prompt="a red house",
        size=SIZE,
        stream=True,
        partial_images=2,
        extra_body={"steps": 30, "seed": 7},
    ) as events:
        for event in events:
            kinds.append((event.type, getattr(event, "partial_image_index", None)))
            last = event
    assert kinds == [
        ("image_generation.partial_image", 0),
        ("image_generation.partial_image", 1),
        ("image_generation.completed", None),
    ]
    assert opened(last.b64_json).text["sdcli"]


def test_a_picture_is_edited_where_its_mask_is_transparent(client):
    start = start_picture()
    mask = Image.new("RGBA", (64, 64), (9, 9, 9, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    edited = client.images.edit(
        image=("a.png", png(start)),
        mask=("b.png", png(mask)),
        prompt="a house",
        extra_body=MORE | {"feather": 0},
    )
    result = opened(edited.data[0].b64_json)
    right = (32, 0, 64, 64)
    assert result.crop(right).tobytes() == start.crop(right).tobytes()
    assert result.crop((0, 0, 32, 64)).tobytes() != start.crop((0, 0, 32, 64)).tobytes()
    whole = client.images.edit(
        image=[("a.png", png(start))],
        prompt="a house",
        n=2,
        output_format="webp",
        output_compression=50,
        extra_body=MORE | {"strength": 0.5, "lora": ["builtin:blueprint:0.5"]},
    )
    assert [one.seed for one in whole.data] == [7, 8]
    assert opened(whole.data[0].b64_json).crop(right).tobytes() != start.crop(right).tobytes()


def test_a_picture_is_varied_and_had_by_an_address(client, server):
    varied = client.images.create_variation(
        image=("a.png", png(start_picture())), response_format="url", extra_body={"steps": 2}
    )
    path = varied.data[0].url.removeprefix(server.url)
    shown = server.ask("GET", path, sec_fetch_site="cross-site")  # an <img> on somebody's page
    assert Image.open(io.BytesIO(shown.body)).size == (64, 64)
    assert server.ask("GET", path.replace("/0", "/1")).status == 404


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()][0] == "builtin"
    assert client.models.retrieve("builtin").owned_by == "sdcli"
    for name in ("nothing", "../../etc/passwd"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve(name)
        assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"quality": "hd"}, "quality"),
        ({"style": "natural"}, "style"),
        ({"background": "transparent"}, "background"),
        ({"size": "65x64"}, "size"),
        ({"size": "99999x64"}, "size"),
        ({"n": 11}, "n"),
        ({"partial_images": 1}, "partial_images"),
        ({"output_compression": 50}, "output_compression"),
        ({"extra_body": {"steps": 0}}, "steps"),
        ({"extra_body": {"stpes": 3}}, "stpes"),
        ({"extra_body": {"n": 1, "count": 2}}, "count"),
        ({"extra_body": {"image": "aGVsbG8="}}, "image"),
        ({"extra_body": {"out": "/tmp/x.png"}}, "out"),
        ({"model": "dall-e-3"}, "model"),
    ],
    ids=str,
)
def test_what_is_not_done_is_refused_by_its_name(client, fields, named):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(**{"prompt": "a house", "size": SIZE, **fields})
    error = refused.value
    assert (error.param, error.type) == (named, "invalid_request_error")
    assert error.request_id
    assert error.response.headers["x-should-retry"] == "false"


def test_forms_are_refused_by_their_parts(client):
    opaque = png(Image.new("RGBA", (64, 64), "red"))
    for parts, named in (
        ({"image": ("a.png", b"no picture")}, None),
        ({"image": ("a.png", opaque), "mask": ("b.png", opaque)}, "mask"),
        ({"image": [("a.png", opaque)] * 2}, "image"),
        ({"image": ("a.png", opaque), "extra_body": {"steps": "many"}}, "steps"),
        ({"image": ("a.png", opaque), "extra_body": {"lora": ["/etc/passwd"]}}, "lora"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            client.images.edit(prompt="a house", **parts)
        assert refused.value.param == named
