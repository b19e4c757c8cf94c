"""Many pictures from a file: begun, stopped, begun again."""

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

SMALL = ("--steps", 1, "-W", 64, "-H", 64)
JOBS = """
# a comment, and an empty line

a red fox
{"prompt": "a blue fox", "steps": 2, "seed": 7, "count": 2}
a red fox
"""


def pixels(path: str | Path) -> bytes:
    return Image.open(path).tobytes()


def jobs(text: str = JOBS) -> str:
    Path("jobs.txt").write_text(text)
    return "jobs.txt"


def test_every_line_is_drawn(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("batch", jobs(), "-m", sd1, "--json", *SMALL)
    facts = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0 and len(facts) == 4
    assert [fact["plan"]["prompt"] for fact in facts] == [
        "a red fox",
        *["a blue fox"] * 2,
        "a red fox",
    ]
    assert [fact["seed"] for fact in facts][1:3] == [7, 8]
    assert [fact["index"] for fact in facts] == [0, 0, 1, 0]
    assert facts[1]["plan"]["steps"] == 2 and facts[0]["plan"]["steps"] == 1
    assert facts[0]["seed"] != facts[3]["seed"]  # said twice, drawn twice


def test_a_run_begun_again_goes_on_where_it_stopped(sdcli: Callable, sd1: Path) -> None:
    first = sdcli("batch", jobs(), "-m", sd1, *SMALL).out.split()
    again = sdcli("batch", jobs(), "-m", sd1, *SMALL)
    assert again.out == "" and "0 pictures to draw, 4 finished before" in again.err
    lost = Path(first[2])
    before = pixels(lost)
    lost.unlink()
    third = sdcli("batch", jobs(), "-m", sd1, *SMALL)
    assert third.out.split() == [str(lost)] and pixels(lost) == before
    assert sdcli("batch", jobs(), "-m", sd1, "--cfg", 3, *SMALL).out.count("\n") == 4  # other jobs


def test_a_job_is_what_the_command_draws(sdcli: Callable, sd1: Path) -> None:
    sdcli("batch", jobs('{"prompt": "a fox", "seed": 3}'), "-m", sd1, "-o", "b.png", *SMALL)
    sdcli("txt2img", "a fox", "-m", sd1, "--seed", 3, "-o", "t.png", *SMALL)
    assert pixels("b.png") == pixels("t.png")


def test_a_job_may_start_from_a_picture(sdcli: Callable, sd1: Path) -> None:
    Image.radial_gradient("L").resize((64, 64)).save("in.png")
    line = '{"prompt": "a fox", "image": "in.png", "strength": 0.5}'
    ran = sdcli("batch", jobs(line), "-m", sd1, "--steps", 2, "--json")
    assert json.loads(ran.out)["plan"]["task"]["strength"] == 0.5


def test_what_is_wrong_with_a_line_costs_that_line(sdcli: Callable, sd1: Path) -> None:
    text = 'a fox\n{"stepz": 3}\n{"prompt": "x", "scheduler": "eular"}\n{"prompt": \nan owl'
    ran = sdcli("batch", jobs(text), "-m", sd1, *SMALL)
    assert ran.code == 3 and len(ran.out.split()) == 2
    for words in ("line 2: ", "steps", "line 3: no scheduler", "line 4: ", "3 jobs failed"):
        assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_dry_run_draws_nothing(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("batch", jobs(), "-m", sd1, "--dry-run", "--json")
    assert len(ran.out.splitlines()) == 3 and not Path("outputs").exists()


def test_a_file_that_is_not_there(sdcli: Callable) -> None:
    ran = sdcli("batch", "gone.txt")
    assert ran.code == 2 and "gone.txt" in ran.err
