"""Plans of every shape, for the tests of whatever writes and reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from sdcli import plan as plans
from sdcli.images.preprocessors import PREPROCESSORS
from sdcli.images.upscalers import UPSCALERS
from sdcli.metadata import codec, record
from sdcli.options.parse import Real, Switch, Whole, Word
from sdcli.options.table import Option, plain_options
from sdcli.picture import Picture, Provenance
from sdcli.plan import Plan

AWKWARD = (
    'say "cheese"\nNegative prompt: not this\nSteps: 20, Sampler: Euler a',
    "colon: comma, {brace} [square] (round:1.3) <lora:x:1> \\ back\\\\slash BREAK",
    "🦊🏳️‍🌈 fox, فنجان قهوة ‏, 狐狸, e\u0301\u0000\u001f\u2028",
    "\udc80 half of a pair",
    "",
)

texts = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(), max_size=300))
reals = st.floats(-1000, 1000, allow_nan=False)
shares = st.floats(0, 1, allow_nan=False)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
paths = st.one_of(
    st.sampled_from([Path.home() / "models/a.safetensors", Path("~"), Path("~/x"), Path("a b,c")]),
    st.text(st.characters(exclude_characters="\0"), max_size=60).map(Path),
)
files = st.builds(plans.File, paths, hashes)
drawings = st.builds(
    plans.Draw,
    hires=st.sampled_from(["", "1.5", "1024x0"]),
    hires_upscaler=st.sampled_from(sorted(UPSCALERS)),
    hires_steps=st.integers(0, 1_000),
    hires_strength=shares,
    hires_scheduler=st.sampled_from(["", "euler"]),
    hires_cfg=st.floats(0, 1_000),
    hires_prompt=texts,
    hires_negative=texts,
)
tasks = st.one_of(
    drawings,
    st.builds(plans.Redraw, files, shares),
    st.builds(plans.Repaint, files, files, shares, st.integers(0, 256)),
    st.builds(
        plans.Outpaint,
        files,
        *[st.integers(0, 16_384)] * 4,
        st.sampled_from(["edge", "mirror", "noise"]),
        shares,
        st.integers(0, 256),
        st.integers(0, 256),
        st.integers(-1, 16_384),
    ),
    st.builds(plans.Edit, files, reals),
)
loras = st.builds(plans.Lora, files, reals, reals, shares)
embeddings = st.builds(plans.Embedding, files, texts, st.integers(0, 75))
preprocessors = st.sampled_from(sorted(PREPROCESSORS))
controls = st.builds(plans.Control, files, files, reals, shares, shares, preprocessors)


def some(strategy: Any) -> Any:
    """A few of them, as a tuple."""
    return st.lists(strategy, max_size=3).map(tuple)


def values_of(option: Option) -> st.SearchStrategy[Any] | None:
    """Every value that an option takes, where its row tells."""
    match option.parse:
        case _ if option.many:
            return None
        case Whole(least, most, multiple):
            return st.integers(least // multiple, most // multiple).map(lambda n: n * multiple)
        case Real(least, most):
            return st.floats(least, most)
        case Word():
            return st.sampled_from(option.parse.words)
        case Switch():
            return st.booleans()
        case _:
            return None


def any_plan() -> st.SearchStrategy[Plan]:
    """Every plan there can be."""
    return st.builds(
        Plan,
        task=tasks,
        prompt=texts,
        negative=texts,
        scheduler=st.sampled_from(["euler", "dpm++2m-karras", "euler-a"]),
        eta=st.floats(0, 1),
        seed=st.integers(0, 2**64 - 1),
        width=st.integers(1, 512).map(lambda n: n * 8),
        height=st.integers(1, 512).map(lambda n: n * 8),
        model=files,
        vae=files,
        loras=some(loras),
        embeddings=some(embeddings),
        controls=some(controls),
        words=some(st.builds(plans.PictureWords, texts, texts, some(loras))),
        template=texts,
        negative_template=texts,
        output=st.just(plans.Output()),
        **{row.field: values for row in plain_options() if (values := values_of(row)) is not None},
    )


def a_plan(**changes: Any) -> Plan:
    """One ordinary plan, with whatever should be different."""
    model = plans.File(Path("models/fox.safetensors"), "ab" * 32)
    settings: dict[str, Any] = {
        "task": plans.Draw(),
        "prompt": "a red fox",
        "negative": "blurry",
        "syntax": "a1111",
        "emphasis": "original",
        "model": model,
        "family": "sd1",
        "vae": model,
        "prediction": "eps",
        "zero_snr": False,
        "scheduler": "euler-a",
        "steps": 20,
        "cfg": 7.0,
        "eta": 1.0,
        "seed": 42,
        "count": 1,
        "width": 64,
        "height": 64,
        "clip_skip": 1,
        "rng": "cpu",
        "ensd": 0,
        "loras": (),
        "embeddings": (),
        "controls": (),
        "device": "cpu",
        "dtype": "fp32",
        "offload": "none",
    }
    return Plan(**{**settings, **changes})


def a_picture(plan: Plan | None = None) -> Picture:
    """A small picture of no particular content."""
    image = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    made = Provenance("cpu", "fp32", 1.25, {"torch": "2.13.0"}, ("the VAE again in fp32",))
    return Picture(image, plan or a_plan(), made)


def read_back(plan: Plan) -> Plan:
    """The plan as it is read from the JSON that a picture of it carries."""
    data = codec.from_json(record.compose_record(a_picture(plan)))["plan"]
    return codec.DataReader(record.BOUNDS).read(Plan, data)
