"""Jobs from files of every kind, and which of them are chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcli.batch.job_file import BatchJob, UnreadableLine, make_jobs
from sdcli.batch.job_sources import read_rows
from sdcli.batch.selection import read_condition, select_jobs
from sdcli.errors import BadRequest
from sdcli.request import Draw, Request

BASE = Request(Draw(), "", steps=7)


def jobs(path: Path) -> list[BatchJob | UnreadableLine]:
    return list(make_jobs(read_rows(str(path)), BASE))


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


CSV = """prompt,steps,lora,lora,seed
"a fox, red",9,,,3
an owl,,ink:0.5,gold,
"a line
and another",,,,
"""


def test_a_row_of_csv_is_the_line_that_says_the_same(tmp_path: Path):
    lines = (
        '{"prompt": "a fox, red", "steps": 9, "seed": 3}',
        '{"prompt": "an owl", "lora": ["ink:0.5", "gold"]}',
        '{"prompt": "a line\\nand another"}',
    )
    of_csv = jobs(write(tmp_path / "jobs.csv", "\ufeff" + CSV))
    of_lines = jobs(write(tmp_path / "jobs.jsonl", "\n".join(lines)))
    assert [job.name for job in of_csv] == [job.name for job in of_lines]
    assert [job.request.seed for job in of_csv] == [job.request.seed for job in of_lines]
    assert [job.line for job in of_csv] == [2, 3, 4]


def test_what_is_wrong_with_a_row_costs_that_row(tmp_path: Path):
    data = b"prompt,steps\na fox,many\nan owl\ncaf\xe9,3\na cat,3,4,5\na dog,3\n"
    said = jobs(write(tmp_path / "jobs.csv", data))
    assert [isinstance(one, BatchJob) for one in said] == [False, True, False, False, True]
    assert "UTF-8" in said[2].error.fact and "4 cells" in said[3].error.fact
    cut = jobs(write(tmp_path / "cut.csv", b'prompt\na fox\n"an owl'))
    assert isinstance(cut[0], BatchJob) and "CSV" in cut[1].error.fact


def test_a_column_that_sets_nothing_is_named(tmp_path: Path):
    with pytest.raises(BadRequest, match="column `stepz`") as refused:
        jobs(write(tmp_path / "jobs.csv", "prompt,stepz\na fox,3\n"))
    assert "steps" in refused.value.hint


def test_parquet_says_the_same_and_a_null_says_nothing(tmp_path: Path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = arrow.table({"prompt": ["a fox", "an owl"], "steps": [9, None], "cfg": [None, 2.5]})
    parquet.write_table(table, tmp_path / "jobs.parquet")
    lines = '{"prompt": "a fox", "steps": 9}\n{"prompt": "an owl", "cfg": 2.5}'
    of_lines = jobs(write(tmp_path / "jobs.txt", lines))
    assert [job.name for job in jobs(tmp_path / "jobs.parquet")] == [job.name for job in of_lines]
    with pytest.raises(BadRequest, match="no Parquet"):
        jobs(write(tmp_path / "not.parquet", "a fox"))


@pytest.mark.parametrize(
    ("conditions", "limit", "chosen"),
    [
        ([], 2, "ab"),
        (["steps>7"], None, "bc"),
        (["steps>=7", "steps!=9"], None, "ac"),
        (["prompt~OWL"], None, "b"),
        (["seed=3"], None, "c"),
        (["seed>0", "line<3"], None, "ab"),
        (["steps=7"], 1, "a"),
    ],
)
def test_jobs_are_chosen_by_what_they_say(
    tmp_path: Path, conditions: list[str], limit: int | None, chosen: str
):
    lines = 'a fox\n{"prompt": "an owl", "steps": 9}\n{"prompt": "x", "steps": 8, "seed": 3}'
    all_jobs = jobs(write(tmp_path / "jobs.txt", lines))
    kept = select_jobs(all_jobs, [read_condition(each) for each in conditions], limit)
    assert [*kept] == [all_jobs["abc".index(letter)] for letter in chosen]


@pytest.mark.parametrize("text", ["", "steps", "stepz=3", "steps=many", "prompt>a", "line=x"])
def test_a_condition_that_cannot_be_is_refused(text: str):
    with pytest.raises(BadRequest):
        read_condition(text)
