"""Pictures drawn again, through the front door and in a process of their own: the same to the bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.library.find_by_hash import a1111_old_hash
from sdcli.library.hashes import hash_file, hash_tensors
from sdcli.metadata import a1111_format as infotext
from sdcli.metadata import record as metadata
from tests.helpers import again
from tests.helpers.again import SMALL


@pytest.fixture
def model(sd1: Path, tmp_path: Path) -> Path:
    """A model where it will not stay."""
    return Path(shutil.copy(sd1, tmp_path / "first.safetensors"))


def a_picture(tmp_path: Path) -> tuple[Path, Path]:
    image, mask = tmp_path / "in.png", tmp_path / "mask.png"
    Image.radial_gradient("L").resize((61, 70)).convert("RGB").save(image)
    white = Image.new("L", (61, 70))
    white.paste(255, (16, 16, 40, 48))
    white.save(mask)
    return image, mask


def test_everything_comes_out_the_same(
    sdcli: Callable, checkpoints: Callable, tmp_path: Path, own_folders: Path
) -> None:
    given = again.props(tmp_path / "first", checkpoints)
    drawn: list[str] = []
    for name, words in again.jobs(given):
        ran = sdcli(*words, "-o", name)
        assert ran.code == 0, ran.err
        drawn.append(name)
    again.move(given, own_folders / "models" / "somewhere" / "else", tmp_path)
    code, told, said = again.again(drawn, tmp_path / "again")
    assert code == 0, said
    assert [one["picture"] for one in told] == drawn
    assert {one["verdict"] for one in told} == {"identical"}
    assert "/somewhere/else/renamed-" in str(told[0]["differences"])


def test_what_is_set_makes_a_difference(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    ran = sdcli(
        "reproduce", "a.png", "--set", "steps=3", "--set", "seed=8", "-o", "b.png", "--json"
    )
    told = json.loads(ran.out)
    assert (told["plan"]["steps"], told["plan"]["seed"]) == (3, 8)
    assert "verdict" not in told
    assert sdcli("reproduce", "b.png", "--exact", "-o", "c.png").code == 0
    assert Path("c.png").read_bytes() != Path("a.png").read_bytes()


def test_a_changed_picture_is_told_and_fails_only_where_asked(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    with Image.open("a.png") as image:
        image.load()
        info = PngInfo()
        info.add_itxt("sdcli", image.info["sdcli"].replace('"seed":7', '"seed":8'))
        image.save("forged.png", pnginfo=info)
    ran = sdcli("reproduce", "forged.png")
    assert ran.code == 0
    assert "forged.png: different: by" in ran.err
    ran = sdcli("reproduce", "forged.png", "--exact")
    assert ran.code == 1
    assert "1 of 1 came out another" in ran.err


def test_a_picture_painted_over_since(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    with Image.open("a.png") as image:
        image.load()
        image.putpixel((3, 3), (0, 255, 0))
        info = PngInfo()
        info.add_itxt("sdcli", image.info["sdcli"])
        image.save("painted.png", pnginfo=info)
    ran = sdcli("reproduce", "painted.png", "--exact")
    assert ran.code == 1
    assert "its pixels have been changed since it was drawn" in ran.err
    assert "painted.png: different: by" in ran.err


def test_where_it_is_drawn(sdcli: Callable, model: Path, tmp_path: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    with Image.open("a.png") as image:
        said = json.loads(image.info["sdcli"])
        said["plan"]["device"], said["plan"]["offload"] = "mps", "sequential"
        info = PngInfo()
        info.add_itxt("sdcli", json.dumps(said))
        image.save("elsewhere.png", pnginfo=info)
    for words, device, dtype in (((), "auto", "auto"), (("--exact",), "cpu", "fp32")):
        told = json.loads(sdcli("reproduce", "elsewhere.png", *words, "--dry-run", "--json").out)
        plan = told["plan"]
        assert (plan["device"], plan["dtype"], plan["offload"]) == (device, dtype, "auto")
        assert told["differences"] == []
    assert sdcli("reproduce", "elsewhere.png", "--exact").code == 0


def test_several_into_one_name(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-c", 2, "-o", "{seed}.png")
    ran = sdcli("reproduce", "7.png", "8.png", "--exact", "-o", "again.jpg")
    assert (ran.code, ran.out) == (0, "again-7.jpg\nagain-8.jpg\n")
    assert sdcli("reproduce", "again-7.jpg", "--exact", "-o", "third.png").code == 0


def test_another_version_is_told(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    with Image.open("a.png") as image:
        info = PngInfo()
        said = json.loads(image.info["sdcli"])
        said["made"]["versions"]["torch"] = "1.0"
        said["plan"]["sharpness"] = 3
        info.add_itxt("sdcli", json.dumps(said))
        image.save("old.png", pnginfo=info)
    ran = sdcli("reproduce", "old.png", "--dry-run", "--json")
    differences = json.loads(ran.out)["differences"]
    assert any("drawn with torch 1.0" in line for line in differences)
    assert any("`plan.sharpness`, which this version does not know" in line for line in differences)


def test_a_missing_model(sdcli: Callable, model: Path) -> None:
    sdcli("txt2img", "a fox", "-m", model, "--seed", 7, *SMALL, "-o", "a.png")
    other = model.rename(model.with_name("second.safetensors"))
    with other.open("ab") as file:
        file.write(b" ")  # the same numbers, and another file
    for words in (("reproduce", "a.png"), ("txt2img", "--like", "a.png")):
        ran = sdcli(*words)
        assert ran.code == 1
        assert "the model `first.safetensors` is nowhere" in ran.err and "hint: " in ran.err
    ran = sdcli("reproduce", "a.png", "--set", f"model={other}", "-o", "b.png")
    assert ran.code == 0
    assert sdcli("txt2img", "--like", "a.png", "-m", other, "-o", "c.png").code == 0
    same = {Image.open(name).convert("RGB").tobytes() for name in ("a.png", "b.png", "c.png")}
    assert len(same) == 1
    # Another file in its place is not the same file.
    model.write_bytes(b"not it")
    assert sdcli("reproduce", "a.png").code == 1


def foreign(path: Path, text: str) -> Path:
    info = PngInfo()
    info.add_text("parameters", text)
    Image.new("RGB", (64, 64)).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize("how", ["sha256", "old", "name"])
def test_a_picture_of_another_program(
    sdcli: Callable, sd1: Path, tmp_path: Path, own_folders: Path, how: str
) -> None:
    model = Path(shutil.copy(sd1, own_folders / "models" / "renamed.safetensors"))
    told = {
        "sha256": f"Model hash: {hash_file(model).sha256[:10]}, Model: dream",
        "old": f"Model hash: {a1111_old_hash(model)}, Model: dream",
        "name": "Model: renamed",
    }[how]
    text = (
        "a fox\nNegative prompt: blurry\nSteps: 2, Sampler: Euler a, CFG scale: 7, Seed: 7, "
        f"Size: 64x64, {told}, ENSD: 31337, Version: v1.10.0"
    )
    picture = foreign(tmp_path / "theirs.png", text)
    ran = sdcli("reproduce", picture, "--json", "-o", "again.png")
    assert ran.code == 0, ran.err
    plan = json.loads(ran.out)["plan"]
    assert plan["model"]["sha256"] == hash_file(model).sha256
    assert (plan["rng"], plan["ensd"], plan["scheduler"]) == ("nv", 31337, "euler-a")
    assert json.loads(ran.out)["verdict"] == "different"
    # The same picture of ours carries what is needed to draw it as they would have.
    assert sdcli("reproduce", "again.png", "--exact", "-o", "third.png").code == 0


def test_loras_and_words_of_another_program_by_their_hashes(
    sdcli: Callable, checkpoints: Callable, tmp_path: Path, own_folders: Path
) -> None:
    given = again.props(own_folders / "models", checkpoints)
    ink = given.at("ink.safetensors").rename(given.at("renamed.safetensors"))
    word = hash_file(given.at("oddword.safetensors")).sha256[:12]
    text = (
        "a fox <lora:blot:0.8> oddword\nSteps: 2, Seed: 7, Size: 64x64, Model: sd1, "
        f'Lora hashes: "blot: {hash_tensors(ink)[:12]}", TI hashes: "oddword: {word}", '
        "Denoising strength: 0.5, Hires upscale: 1.5, Hires upscaler: larger, "
        'Hires prompt: "an owl <lora:blot:0.8>"'
    )
    picture = foreign(tmp_path / "theirs.png", text)
    told = json.loads(sdcli("reproduce", picture, "--json", "-o", "again.png").out)
    assert Path(told["plan"]["loras"][0]["file"]["path"]).name == "renamed.safetensors"
    assert told["plan"]["loras"][0]["te"] == 0.8
    assert told["plan"]["embeddings"][0]["word"] == "oddword"
    second = told["plan"]["task"]
    assert Path(second["hires_upscaler"]["path"]).name == "larger.safetensors"
    assert (second["hires"], second["hires_prompt"].strip()) == ("1.5", "an owl")
    assert Image.open("again.png").size == (96, 96)
    # And the text of the picture drawn says the same, for that program to find them.
    said = infotext.parse_infotext(
        metadata.read_picture_metadata(tmp_path / "again.png").texts["parameters"]
    )
    assert said.fields["Lora hashes"] == f"renamed: {hash_tensors(ink)[:12]}"
    assert said.fields["TI hashes"] == f"oddword: {word}"
    assert said.prompt.endswith("<lora:renamed:0.8>")
    assert said.fields["Hires prompt"].endswith("<lora:renamed:0.8>")
    assert (said.fields["Size"], said.fields["Hires upscaler"]) == ("64x64", "larger")
    lost = foreign(tmp_path / "lost.png", text.replace("larger", "R-ESRGAN 4x+"))
    ran = sdcli("reproduce", lost, "--dry-run")
    assert "`R-ESRGAN 4x+` is not here, and Lanczos takes its place" in ran.err


def test_tags_that_a1111_strips_are_said_and_the_picture_is_drawn(
    sdcli: Callable, checkpoints: Callable, tmp_path: Path, own_folders: Path
) -> None:
    given = again.props(own_folders / "models", checkpoints)
    given.at("ink.safetensors").rename(own_folders / "models" / "blot.safetensors")
    settings = "Steps: 2, Sampler: Euler, CFG scale: 5, Seed: 7, Size: 64x64, Model: sd1"
    tagged = "a fox<lora:blot:0.8:lbw=OUTALL><hypernet:ink:0.5><segment:face|0.3>"
    words = f"{tagged}\nNegative prompt: blue <lora:blot:1>\n{settings}"
    ran = sdcli("reproduce", foreign(tmp_path / "tags.png", words), "--json", "-o", "a.png")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    plan = told["plan"]
    assert plan["prompt"] == "a fox"
    assert [(lora["unet"], lora["te"]) for lora in plan["loras"]] == [(0.8, 0.8)]
    for tag in ("<lora:blot:0.8:lbw=OUTALL>", "<hypernet:ink:0.5>", "<segment:face|0.3>"):
        assert sum(f"`{tag}`" in line for line in told["differences"]) == 1
    # What those tags leave is the picture of the words and the LoRA alone.
    flags = ("--steps", 2, "--scheduler", "euler", "--cfg", 5, "--seed", 7, "--rng", "nv")
    model = given.at("sd1.safetensors")
    plain = r"blue <\lora:blot:1>"
    worn = ("-W", 64, "-H", 64, "--lora", "blot:0.8", "-m", model, "-n", plain, "-o", "b.png")
    assert sdcli("txt2img", "a fox", *flags, *worn).code == 0
    with Image.open("a.png") as one, Image.open("b.png") as other:
        assert one.tobytes() == other.tobytes()


def comfyui(path: Path, model: str, negative: dict, sampler: str = "euler") -> Path:
    """A picture that carries a graph of ComfyUI."""
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["1", 1]}},
        "3": negative,
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
        "5": {"class_type": "KSampler",
              "inputs": {"sampler_name": sampler, "scheduler": "normal", "steps": 3, "cfg": 5,
                         "seed": 7, "denoise": 1, "model": ["1", 0], "positive": ["2", 0],
                         "negative": ["3", 0], "latent_image": ["4", 0]}},
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0]}},
    }  # fmt: skip
    info = PngInfo()
    info.add_text("prompt", json.dumps(graph))
    Image.new("RGB", (64, 64)).save(path, pnginfo=info)
    return path


def test_rules_of_other_programs_are_drawn_recorded_and_drawn_again(
    sdcli: Callable, sdxl: Path, tmp_path: Path, own_folders: Path
) -> None:
    shutil.copy(sdxl, own_folders / "models" / "xl.safetensors")
    empty = {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}}
    zeros = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["2", 0]}}
    settings = "Steps: 3, CFG scale: 5, Seed: 7, Size: 64x64, RNG: cpu, Model: xl"
    sdcpp = f"a fox\n{settings}, Sampler: {{}}, Version: stable-diffusion.cpp"
    a1111 = f"a fox\n{settings}, Sampler: {{}}, Version: {{}}"
    theirs = {
        "encoded": comfyui(tmp_path / "1.png", "xl", empty),
        "always-zeros": comfyui(tmp_path / "2.png", "xl", zeros),
        "zero-states": foreign(tmp_path / "3.png", sdcpp.format("euler")),
        "zeros": foreign(tmp_path / "4.png", a1111.format("Euler", "v1.10.0")),
        "half": foreign(tmp_path / "5.png", a1111.format("Euler", "v1.7.0")),
        "a1111": foreign(tmp_path / "6.png", a1111.format("DPM2", "v1.10.0")),
        "none": foreign(tmp_path / "7.png", sdcpp.format("dpm2")),
    }
    pixels = {}
    for rule, picture in theirs.items():
        ran = sdcli("reproduce", picture, "--json", "-o", f"{rule}.png")
        assert ran.code == 0, ran.err
        plan = json.loads(ran.out)["plan"]
        assert rule in (plan["empty_negative"], plan["penultimate"], "half")
        assert plan["downcast_alphas"] is (rule == "half")
        with Image.open(f"{rule}.png") as image:
            pixels[rule] = image.tobytes()
        ran = sdcli("reproduce", f"{rule}.png", "--exact", "-o", "again.png", "--force")
        assert ran.code == 0, ran.err
    assert pixels["zeros"] == pixels["always-zeros"]
    assert len(set(pixels.values())) == len(pixels) - 1


def test_that_programs_clip_skip_counts_with_sd1_alone(
    sdcli: Callable, sd1: Path, sdxl: Path, tmp_path: Path, own_folders: Path
) -> None:
    for name, path in (("one", sd1), ("xl", sdxl)):
        shutil.copy(path, own_folders / "models" / f"{name}.safetensors")
        text = f"a fox\nSteps: 4, Seed: 7, Size: 64x64, Model: {name}, Clip skip: 3"
        picture = foreign(tmp_path / f"{name}.png", text)
        plan = json.loads(sdcli("reproduce", picture, "--dry-run", "--json").out)["plan"]
        assert plan["clip_skip"] == {"one": 3, "xl": 2}[name]


def test_a_picture_that_began_as_another(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    image, _ = a_picture(tmp_path)
    text = "a fox\nSteps: 4, Sampler: Euler, Seed: 7, Size: 64x64, Denoising strength: 0.5"
    picture = foreign(tmp_path / "theirs.png", text)
    changes = ("--set", f"model={sd1}", "--set", f"image={image}")
    told = json.loads(sdcli("reproduce", picture, *changes, "--dry-run", "--json").out)
    assert told["plan"]["task"]["is"] == "redraw"
    assert told["plan"]["task"]["strength"] == 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a fox\nSteps: 4, Seed: 7, Model hash: 0123456789", "no checkpoint here has the hash"),
        ("a fox\nSteps: 4, Seed: 7", "its checkpoint is not recorded"),
        ("a fox\nSteps: 4, Seed: 7, Model: dream", "there is no model `dream`"),
    ],
)
def test_a_model_that_is_not_here(sdcli: Callable, tmp_path: Path, text: str, said: str) -> None:
    ran = sdcli("reproduce", foreign(tmp_path / "theirs.png", text))
    assert ran.code in (1, 2)
    assert said in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.png"], "it carries no plan"),
        (["words.txt"], "no picture"),
        (["missing.png"], "there is no file"),
        (["a.png", "--set", "stepps=3"], "did you mean `steps`"),
        (["a.png", "--set", "steps=3", "--exact"], "say one"),
    ],
)
def test_what_cannot_be_is_refused(sdcli: Callable, tmp_path: Path, words: list, said: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "nothing.png")
    (tmp_path / "words.txt").write_text("words")
    ran = sdcli("reproduce", *words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
