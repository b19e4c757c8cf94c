"""Lines as jobs: names that stay, seeds that are said, and no line that ends the reading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sdcli.batch.job_file import BatchJob, UnreadableLine, read_jobs
from sdcli.request import Draw, Request

BASE = Request(Draw(), "")


def jobs(text: str | bytes, base: Request = BASE) -> list[BatchJob | UnreadableLine]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_jobs(data.split(b"\n"), base))


def test_a_seed_is_made_from_what_the_job_says_and_how_often():
    one, two, other = jobs('a fox\na fox\n{"prompt": "a fox", "steps": 9}')
    seeds = [job.request.seed for job in (one, two, other)]
    assert len(set(seeds)) == 3 and len({job.name for job in (one, two, other)}) == 3
    assert [job.request.seed for job in jobs("# hm\n\na fox\na fox")] == seeds[:2]
    assert one.request.sources["seed"] == "the job's name"


def test_a_seed_that_is_said_is_every_jobs_unless_its_line_says_another():
    first, second = jobs('a fox\n{"prompt": "a fox", "seed": 3}', Request(Draw(), "", seed=7))
    assert (first.request.seed, second.request.seed) == (7, 3)
    assert second.request.sources["seed"] == "line 2" and "seed" not in first.request.sources


def test_a_line_is_what_ends_with_a_line_feed_and_nothing_else():
    (job,) = jobs('{"prompt": "a\u2028fox\x85"}')
    assert job.request.prompt == "a\u2028fox\x85"
    assert [one.line for one in jobs("a fox\r\n\r\nan owl\r\n")] == [1, 3]
    assert jobs(b"\xef\xbb\xbfa fox")[0].request.prompt == "a fox"


@pytest.mark.parametrize(
    "line",
    [
        b"caf\xe9",
        b'{"prompt": "x", "steps": 1e999}',
        b'{"prompt": "x", "steps": ' + b"9" * 5000 + b"}",
        b'{"prompt": {"a": 1}}',
        b'{"prompt": null}',
        b'{"": ""}',
        b"{" * 3000,
        b'{"prompt": [["a"]]}',
        b'{"prompt": "x", "seed": -1}',
        b'{"prompt": "x", "seed": true}',
        b'{"prompt": ["a", "b"]}',
        b'{"prompt": "x", "batch": 2}',
    ],
)
def test_a_line_that_cannot_be_read_costs_itself(line: bytes):
    first, bad, last = jobs(b"a fox\n" + line + b"\nan owl")
    assert isinstance(bad, UnreadableLine) and bad.line == 2
    assert isinstance(first, BatchJob) and isinstance(last, BatchJob) and last.line == 3


def test_jobs_are_there_before_the_next_line_is():
    def lines() -> Iterator[bytes]:
        yield b"a fox\n"
        pytest.fail("read too far")

    assert isinstance(next(read_jobs(lines(), BASE)), BatchJob)
