"""The commands that draw, through the front door, on tiny real checkpoints."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

SMALL = ("--steps", 2, "-W", 64, "-H", 64)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.radial_gradient("L").resize((61, 70)).convert("RGB").save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    image = Image.new("L", (61, 70))
    image.paste(255, (16, 16, 40, 48))
    image.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def pixels(path: Path) -> bytes:
    return Image.open(path).convert("RGB").tobytes()


def test_a_picture_from_words(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("txt2img", "a red fox", "-m", sd1, "--seed", 7, *SMALL)
    assert (ran.code, ran.out) == (0, "outputs/a-red-fox-7.png\n")
    assert Image.open("outputs/a-red-fox-7.png").size == (64, 64)


def test_the_same_words_draw_the_same_picture(sdcli: Callable, sd1: Path) -> None:
    for name in ("a.png", "b.png"):
        sdcli("txt2img", "a fox", "-m", sd1, "--seed", 7, "-o", name, *SMALL)
    sdcli("txt2img", "a fox", "-m", sd1, "--seed", 8, "-o", "c.png", *SMALL)
    assert pixels(Path("a.png")) == pixels(Path("b.png")) != pixels(Path("c.png"))


@pytest.mark.parametrize("scheduler", ["euler-a", "dpm++2m-karras"])
def test_a_picture_of_many_is_the_same_alone(sdcli: Callable, sd1: Path, scheduler: str) -> None:
    same = ("-m", sd1, "--scheduler", scheduler, *SMALL)
    sdcli("txt2img", "a fox", *same, "--seed", 7, "-c", 3, "-o", "{seed}.png")
    sdcli("txt2img", "a fox", *same, "--seed", 9, "-o", "alone.png")
    assert pixels(Path("9.png")) == pixels(Path("alone.png"))


def test_variations_keep_the_seed_and_count_the_other(sdcli: Callable, sd1: Path) -> None:
    flags = ("-m", sd1, "--seed", 7, "--variation-strength", 0.3, "-o", "{index}.png", *SMALL)
    assert sdcli("txt2img", "a fox", *flags, "--variation-seed", 4, "-c", 3).code == 0
    sdcli("txt2img", "a fox", "-m", sd1, "--seed", 7, "-o", "plain.png", *SMALL)
    sdcli("txt2img", "a fox", *flags, "--variation-seed", 6, "-o", "alone.png")
    assert len({pixels(Path(f"{name}.png")) for name in (0, 1, 2, "plain")}) == 4
    assert pixels(Path("2.png")) == pixels(Path("alone.png"))
    sdcli("txt2img", "a fox", *flags, "--variation-seed", 4, "-c", 3, "--batch", 3, "--force")
    ran = sdcli("reproduce", "1.png", "--exact")
    assert ran.code == 0, ran.err


def test_a_variation_seed_wants_a_strength(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--variation-seed", 4)
    assert ran.code == 2
    assert "nothing says how much\nhint: `--variation-strength 0.2`" in ran.err


@pytest.mark.parametrize(
    "layout",
    ["sd1", "sd1-inpaint", "sd2", "sd2-v", "sd2-inpaint", "sdxl", "sdxl-inpaint", "ssd-1b"],
)
def test_every_family_draws_redraws_and_repaints(
    sdcli: Callable, checkpoints: Callable, layout: str, picture: Path, mask: Path
) -> None:
    same = ("-m", checkpoints(layout), "--steps", 2, "--seed", 1)
    assert sdcli("txt2img", "a fox", *same, "-W", 64, "-H", 72, "-o", "t.png").code == 0
    assert sdcli("img2img", "a fox", *same, "--image", picture, "-o", "i.png").code == 0
    over = ("--image", picture, "--mask", mask, "-o", "p.png")
    assert sdcli("inpaint", "a fox", *same, *over).code == 0
    assert Image.open("t.png").size == (64, 72)
    assert Image.open("i.png").size == (61, 70)
    old, new = Image.open(picture), Image.open("p.png")
    kept = [
        before == after
        for before, after, white in zip(
            old.get_flattened_data(),
            new.get_flattened_data(),
            Image.open(mask).get_flattened_data(),
            strict=True,
        )
        if white == 0
    ]
    assert all(kept)
    assert pixels(picture) != new.tobytes()


def test_strength_keeps_or_ignores_the_picture(sdcli: Callable, sd1: Path, picture: Path) -> None:
    """The tiny VAE garbles what it is given, so a picture is compared with what it makes of it."""
    same = ("img2img", "a fox", "-m", sd1, "--image", picture, "--steps", 4, "--seed", 1)
    made = []
    for strength in (0, 0.01, 1):
        words = ("--strength", strength, "--rules", 1, "-o", f"{strength}.png")
        assert sdcli(*same, *words).code == 0
        made.append(Image.open(f"{strength}.png"))
    kept, near, far = ([*image.convert("L").get_flattened_data()] for image in made)
    distance = lambda other: sum(abs(a - b) for a, b in zip(kept, other, strict=True))  # noqa: E731
    assert distance(near) < distance(far)


@pytest.mark.parametrize("task", ["img2img", "inpaint"])
def test_at_strength_zero_the_picture_is_the_one_handed_in(
    sdcli: Callable, sd1: Path, picture: Path, mask: Path, task: str
) -> None:
    masked = ("--mask", mask) if task == "inpaint" else ()
    same = ("-m", sd1, "--image", picture, "--steps", 4, "--strength", 0)
    ran = sdcli(task, "a fox", *same, *masked, "-o", "o.png")
    assert ran.code == 0, ran.err
    assert pixels("o.png") == pixels(picture)
    again = sdcli("reproduce", "o.png", "--exact", "-o", "again.png")
    assert again.code == 0, again.err
    assert "--rules" not in sdcli("show", "o.png").out
    first = sdcli("reproduce", "o.png", "--set", "rules=1", "-o", "first.png")
    assert first.code == 0, first.err
    assert pixels("first.png") != pixels(picture)  # what the VAE made of it
    assert "--rules 1" in sdcli("show", "first.png").out


def test_the_refiner_finishes_and_does_not_begin(
    sdcli: Callable, checkpoints: Callable, picture: Path
) -> None:
    refiner = checkpoints("sdxl-refiner")
    assert sdcli("img2img", "x", "-m", refiner, "--image", picture, "--steps", 2).code == 0
    ran = sdcli("txt2img", "x", "-m", refiner)
    assert ran.code == 2 and "refiner" in ran.err and "img2img" in ran.err


def test_json_says_what_was_drawn(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--seed", 3, "-c", 2, "--json", *SMALL)
    facts = [json.loads(line) for line in ran.out.splitlines()]
    assert [fact["seed"] for fact in facts] == [3, 4]
    assert [fact["index"] for fact in facts] == [0, 1]
    assert all(Path(fact["path"]).is_file() for fact in facts)
    assert facts[0]["plan"]["prompt"] == "a fox" and facts[0]["plan"]["seed"] == 3


def test_a_random_seed_is_recorded(sdcli: Callable, sd1: Path) -> None:
    facts = [
        json.loads(sdcli("txt2img", "a fox", "-m", sd1, "--json", *SMALL).out) for _ in range(2)
    ]
    assert facts[0]["seed"] != facts[1]["seed"]


def test_a_dry_run_draws_nothing(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--seed", 3, "--dry-run")
    assert ran.code == 0 and "a fox" in ran.out
    assert sorted(tmp_path.iterdir()) == before


def test_cfg_one_is_no_guidance_and_the_negative_prompt_steers(sdcli: Callable, sd1: Path) -> None:
    same = ("txt2img", "a fox", "-m", sd1, "--seed", 3, *SMALL)
    for name, more in {
        "one": ("--cfg", 1),
        "one-negative": ("--cfg", 1, "-n", "a wolf"),
        "seven": ("--cfg", 7),
        "seven-negative": ("--cfg", 7, "-n", "a wolf"),
    }.items():
        assert sdcli(*same, *more, "-o", f"{name}.png").code == 0
    assert pixels(Path("one.png")) == pixels(Path("one-negative.png"))
    assert pixels(Path("seven.png")) != pixels(Path("seven-negative.png"))
    assert pixels(Path("one.png")) != pixels(Path("seven.png"))


def test_the_prompt_comes_from_stdin(
    sdcli: Callable, sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("a blue fox\n"))
    ran = sdcli("txt2img", "-", "-m", sd1, "--seed", 1, *SMALL)
    assert ran.out == "outputs/a-blue-fox-1.png\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert sdcli("txt2img", "-", "-m", sd1).code == 2


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png"])
def test_formats(sdcli: Callable, sd1: Path, name: str) -> None:
    assert sdcli("txt2img", "a fox", "-m", sd1, "-o", name, *SMALL).code == 0
    assert Image.open(name).format == {"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}[name[2:]]


def test_quiet_is_quiet(sdcli: Callable, sd1: Path) -> None:
    assert sdcli("txt2img", "a fox", "-m", sd1, "-q", *SMALL).err == ""


def test_what_a_file_does_not_tell_can_be_said(sdcli: Callable, sd1: Path) -> None:
    same = ("txt2img", "a fox", "-m", sd1, "--seed", 3, *SMALL)
    drawn = []
    for more in ((), ("--prediction", "v"), ("--zero-snr",), ("--no-zero-snr",)):
        ran = sdcli(*same, *more, "-o", f"{len(drawn)}.png")
        assert ran.code == 0, ran.err
        drawn.append(pixels(Path(f"{len(drawn)}.png")))
    assert drawn[0] == drawn[3] and len(set(drawn)) == 3


def test_a_dry_run_says_where_each_value_comes_from(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--steps", 9, "--seed", 3, "--dry-run")
    found = {line.split()[0]: line.split() for line in ran.out.splitlines()}
    assert found["steps"] == ["steps", "9", "said"]
    assert found["cfg"][-1] == "sd1" and found["rng"][-1] == "default"
    assert ran.out.splitlines()[-1].startswith("command ")


def test_at_strength_one_the_picture_decides_nothing(sdcli: Callable, sd1: Path) -> None:
    made = []
    for colour in ("red", "blue"):
        Image.new("RGB", (64, 64), colour).save("in.png")
        same = ("img2img", "a fox", "-m", sd1, "--image", "in.png", "--seed", 1, "--steps", 2)
        assert sdcli(*same, "--strength", 1, "-o", f"{colour}.png").code == 0
        made.append(pixels(Path(f"{colour}.png")))
    sdcli("txt2img", "a fox", "-m", sd1, "--seed", 1, *SMALL, "-o", "words.png")
    assert made[0] == made[1] == pixels(Path("words.png"))


def test_only_what_the_mask_covers_is_drawn_at_full_size(
    sdcli: Callable, sd1: Path, picture: Path, mask: Path
) -> None:
    same = ("inpaint", "a fox", "-m", sd1, "--image", picture, "--mask", mask, "--seed", 1)
    part = (*same, "--steps", 3, "--only-masked", 4)
    ran = sdcli(*part, "-W", 64, "-H", 64, "-o", "o.png")
    assert ran.code == 0, ran.err
    old, new = Image.open(picture), Image.open("o.png").convert("RGB")
    assert new.size == old.size
    inside = Image.open(mask)
    assert Image.composite(new, old, inside).tobytes() == new.tobytes()  # outside nothing changed
    assert new.tobytes() != old.tobytes()
    again = sdcli("reproduce", "o.png", "--exact", "-o", "again.png")
    assert again.code == 0, again.err
    kept = sdcli(*part, "-W", 64, "-H", 64, "--strength", 0, "-o", "kept.png")
    assert kept.code == 0, kept.err
    assert pixels("kept.png") == pixels(picture)
