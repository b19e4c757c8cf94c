"""Jobs cut into shards: names that stay, parts that cover, models that change seldom."""

from __future__ import annotations

import pytest

from sdcli.batch.job_file import BatchJob, read_jobs
from sdcli.batch.shards import (
    LARGEST_SHARD,
    Part,
    Sample,
    count_shards,
    cut_into_shards,
    list_samples,
    read_part,
    together_key,
)
from sdcli.errors import BadRequest
from sdcli.request import Draw, Request

BASE = Request(Draw(), "")


def samples(*lines: str) -> list[Sample]:
    jobs = read_jobs([line.encode() for line in lines], BASE)
    return list_samples(job for job in jobs if isinstance(job, BatchJob))


def test_a_picture_is_called_by_what_its_job_says_wherever_that_stands():
    one, other = samples("a fox", "an owl")
    assert [each.key for each in samples("# hm", "an owl", "a fox")] == [other.key, one.key]
    first, *_, last = samples('{"prompt": "a fox", "count": 12}')
    assert first.key.endswith("-00") and last.key.endswith("-11") and last.index == 11
    assert "." not in first.key and first.key[:-3] == last.key[:-3] != one.key


def test_pictures_of_one_model_and_then_those_of_one_kind_are_in_a_row():
    said = samples(
        '{"prompt": "1", "model": "a", "steps": 9}',
        '{"prompt": "2", "model": "b"}',
        '{"prompt": "3", "model": "a"}',
        '{"prompt": "4", "model": "a", "steps": 9}',
    )
    assert [each.request.prompt for each in said] == ["1", "4", "3", "2"]


def test_words_and_seeds_can_be_drawn_together_and_nothing_else():
    one, other, tagged, wide = (
        together_key(each.request)
        for each in samples(
            "a fox",
            '{"prompt": "an owl", "negative": "rain", "seed": 3}',
            "a fox <lora:ink:1>",
            '{"prompt": "a fox", "width": 64}',
        )
    )
    assert one == other and len({one, tagged, wide}) == 3


@pytest.mark.parametrize(("pictures", "shards"), [(10, 4), (3, 5), (0, 2), (1000, 7)])
def test_shards_and_their_parts_cover_everything_once(pictures: int, shards: int):
    all_samples = samples(*(f"fox {number}" for number in range(pictures)))
    cut = cut_into_shards(all_samples, shards)
    assert [one for shard in cut for one in shard.samples] == all_samples
    assert len(cut) == shards and len({len(shard.samples) // 2 for shard in cut}) <= 2
    parts = [one for number in range(1, 4) for one in Part(number, 3).take(cut)]
    assert parts == cut


def test_there_are_enough_shards_for_the_workers_and_none_is_too_large():
    assert count_shards(0, 1) == 1 and count_shards(8, 2) == 8
    assert count_shards(100, 1) == 13
    for workers in (1, 8):
        assert count_shards(100_000, workers) * LARGEST_SHARD >= 100_000
    assert count_shards(400, 8) >= 32


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_part_that_there_is_not_is_refused(text: str):
    with pytest.raises(BadRequest):
        read_part(text)


def test_a_part_is_read():
    assert read_part(" 2/4 ") == Part(2, 4)
