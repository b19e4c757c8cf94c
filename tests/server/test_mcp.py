"""The assistant's door: the real client of the protocol's own package, over the pipes of a real command."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from sdcli.metadata.record import read_picture_metadata
from tests.helpers.process import ROOT
from tests.helpers.serving import end_workers

pytest.importorskip("mcp")
anyio = pytest.importorskip("anyio")
pytestmark = pytest.mark.slow

SMALL = {"steps": 2, "width": 64, "height": 64}


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the resident process of a test, with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="sdcli-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    end_workers(folder)
    shutil.rmtree(folder, ignore_errors=True)


def talk(tmp_path: Path, model: Path, use: Callable[[Any], Awaitable[None]], *words: str) -> None:
    """Start the server as an assistant's program does, in `tmp_path`, and let `use` call its tools."""
    from mcp import Client, StdioServerParameters, stdio_client

    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "sdcli", "serve", "--mcp", "-m", str(model), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
    )

    async def run() -> None:
        async with Client(stdio_client(command)) as client:
            await use(client)

    asyncio.run(asyncio.wait_for(run(), 120))


def facts(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content
    text, *_ = result.content
    assert json.loads(text.text) == result.structured_content
    return result.structured_content


def shown(result: Any) -> list[Image.Image]:
    data = [part.data for part in result.content if part.type == "image"]
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in data]


async def refused(client: Any, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    (text,) = result.content
    assert result.is_error and "hint: " in text.text, text.text
    assert "Traceback" not in text.text
    return text.text


def test_an_assistant_draws_redraws_repaints_varies_and_looks(
    sdcli, runtime, sd1, checkpoints, own_folders, tmp_path
):
    shutil.copy(checkpoints("sd2-upscale"), own_folders / "models" / "x4.safetensors")
    (tmp_path / "outputs").mkdir()
    Image.radial_gradient("L").resize((8, 8)).save(tmp_path / "outputs" / "tiny.png")

    async def use(client: Any) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {
            *("draw", "redraw", "inpaint", "outpaint", "upscale", "vary", "show", "list_models"),
        }
        models = facts(await client.call_tool("list_models", {}))
        assert models["drawn with unless said"] == sd1.stem
        assert sd1.stem in models["checkpoint"] and "euler-karras" in models["schedulers"]

        progress: list[float] = []

        async def hear(done: float, of: float | None, text: str | None) -> None:
            progress.append(done / (of or 1))

        drawn = await client.call_tool(
            "draw", {"prompt": "a fox", "seed": 7, "count": 2, **SMALL}, progress_callback=hear
        )
        first, second = facts(drawn)["pictures"]
        assert [first["seed"], second["seed"]] == [7, 8]
        assert Path(first["path"]).parent == tmp_path / "outputs"
        assert [image.size for image in shown(drawn)] == [(64, 64), (64, 64)]
        assert progress[-1] == 1 and progress == sorted(progress)

        again = {"image": first["name"], "prompt": "a wolf", "seed": 1, "steps": 2}
        redrawn = facts(await client.call_tool("redraw", {**again, "strength": 0.5}))["pictures"]
        assert redrawn[0]["size"] == "64x64"
        repainted = facts(await client.call_tool("inpaint", {**again, "box": [0, 0, 32, 64]}))
        was, now = (Image.open(one["path"]) for one in (first, repainted["pictures"][0]))
        left, top, right, _ = ImageChops.difference(was, now).getbbox()
        assert (left, top) == (0, 0) and right <= 32
        wider = facts(await client.call_tool("outpaint", {**again, "right": 32}))["pictures"][0]
        assert wider["size"] == "96x64" and wider["command"].startswith("sdcli outpaint")
        enlarged = await client.call_tool("upscale", {"image": first["name"], "scale": 2})
        (larger,) = facts(enlarged)["pictures"]
        assert larger["size"] == "128x128" and shown(enlarged)[0].size == (128, 128)
        assert read_picture_metadata(Path(larger["path"])).enlarged
        drawn = {"image": "tiny.png", "with": "x4", "prompt": "a fox", "steps": 1, "seed": 3}
        (drawn,) = facts(await client.call_tool("upscale", drawn))["pictures"]
        plan = read_picture_metadata(Path(drawn["path"])).plan
        assert (drawn["size"], plan.prompt, plan.seed) == ("32x32", "a fox", 3)
        varied = facts(await client.call_tool("vary", {"picture": first["name"]}))["pictures"][0]
        assert varied["seed"] != 7 and varied["prompt"] == "a fox" and varied["steps"] == 2
        changed = {"picture": first["name"], "prompt": "a hen"}
        varied = facts(await client.call_tool("vary", changed))["pictures"][0]
        assert (varied["seed"], varied["prompt"]) == (7, "a hen")

        seen = await client.call_tool("show", {"picture": first["name"]})
        assert facts(seen)["prompt"] == "a fox" and len(shown(seen)) == 1
        newest = facts(await client.call_tool("show", {}))["newest"]
        assert first["name"] in newest and len(newest) == 10

    talk(tmp_path, sd1, use)
    ran = sdcli("reproduce", *sorted(Path("outputs").glob("a-*.png")), "--exact", "-o", "again/")
    assert ran.code == 0, ran.err


@pytest.mark.thorough
def test_a_call_that_is_taken_back_draws_nothing_more(runtime, sd1, tmp_path):
    async def use(client: Any) -> None:
        await client.call_tool("draw", {"prompt": "a fox", **SMALL})
        with anyio.move_on_after(3):
            await client.call_tool("draw", {"prompt": "a goat", **SMALL, "steps": 1000})
        drawn = facts(await client.call_tool("draw", {"prompt": "a cow", **SMALL}))["pictures"]
        newest = facts(await client.call_tool("show", {}))["newest"]
        assert newest[0] == drawn[0]["name"] and len(newest) == 2

    talk(tmp_path, sd1, use)


def test_what_an_assistant_says_wrongly_is_a_fact_and_a_hint(runtime, sd1, tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (64, 64), "red").save(secret)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "link.png").symlink_to(secret)
    (tmp_path / "more").mkdir()
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "more" / "blue.png")

    async def use(client: Any) -> None:
        for name in ("../secret.png", str(secret), "secret.png", "link.png", "..", "", "x" * 5000):
            assert "no picture is called" in await refused(client, "show", picture=name)
            text = await refused(client, "redraw", image=name, prompt="a fox")
            assert "no picture is called" in text
        assert facts(await client.call_tool("show", {"picture": "blue.png"}))["pixels"] == "64x64"
        assert "cfg" in await refused(client, "draw", prompt="a fox", cfg=5000)
        assert "stepps" in await refused(client, "draw", prompt="a fox", stepps=3)
        assert "server to say" in await refused(client, "draw", prompt="a fox", out="/tmp/x.png")
        assert "no model" in await refused(client, "draw", prompt="a fox", model=str(secret))
        assert "nowhere" in await refused(client, "draw", prompt="a fox", lora=["nowhere"])
        assert "too many" in await refused(client, "draw", prompt="a fox", count=9)
        assert "not said" in await refused(client, "redraw", image="blue.png")
        assert "box" in await refused(client, "inpaint", image="blue.png", prompt="x")
        box = [0, 0, 65, 10]
        text = await refused(client, "inpaint", image="blue.png", prompt="x", box=box)
        assert "64x64" in text
        assert "not said" in await refused(client, "outpaint", image="blue.png", prompt="x")
        blue = {"image": "blue.png"}
        assert "there is no upscaler" in await refused(client, "upscale", **blue, **{"with": "no"})
        assert "`steps` is for" in await refused(client, "upscale", **blue, steps=3)
        assert "`out` has no meaning" in await refused(client, "upscale", **blue, out="/tmp/x.png")
        assert "out of bounds" in await refused(client, "upscale", **blue, scale=99)
        assert "carries no plan" in await refused(client, "vary", picture="blue.png")
        assert "no tool" in await refused(client, "delete", picture="blue.png")

    talk(tmp_path, sd1, use, "--pictures", str(tmp_path / "more"))
    assert sorted(one.name for one in (tmp_path / "outputs").iterdir()) == ["link.png"]


def test_only_the_protocol_is_on_stdout_and_flags_of_the_network_are_refused(sdcli, sd1):
    for words in (("--port", 80), ("--host", "0.0.0.0"), ("--queue", 3)):
        ran = sdcli("serve", "--mcp", *words)
        assert ran.code == 2 and "nothing listens" in ran.err and ran.out == ""
    ran = sdcli("serve", "--pictures", ".")
    assert ran.code == 2 and "--mcp" in ran.err
    assert sdcli("serve", "--mcp", "-m", "nowhere").out == ""
