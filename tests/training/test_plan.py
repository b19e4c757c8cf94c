from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sdcli.errors import BadRequest
from sdcli.training.batches import BatchOrder, draw_example
from sdcli.training.fit import fit_to_bucket
from sdcli.training.options import EMBEDDING, LORA, TRAINING_OPTIONS
from sdcli.training.plan import TrainingPlan, TrainingRequest, draw_nothing, plan_training
from sdcli.training.schedule import rate_at
from sdcli.training.settings import TrainingSettings
from tests.helpers import learnt


def planned(folder: Path, kind: str = LORA, **more) -> TrainingPlan:
    """A plan for the built-in model, of which nothing is read but its header."""
    out = Path(folder.parent / "new.safetensors")
    named = {name: more.pop(name) for name in ("word", "regularisation") if name in more}
    values = {name.replace("_", "-"): value for name, value in more.items()}
    return plan_training(TrainingRequest(kind, folder, out, draw_nothing(), values, **named))


def test_every_setting_is_a_row_of_the_table():
    fields = set(TrainingSettings.__dataclass_fields__)
    assert {row.field for row in TRAINING_OPTIONS.values()} == fields


def test_a_round_shows_each_picture_as_often_as_it_is_repeated_in_batches_of_one_shape(tmp_path):
    folder = tmp_path / "pictures"
    learnt.folder(folder)
    learnt.draw(folder / "3_fox" / "more.png", (96, 64), 7)
    plan = planned(folder, batch=2)
    order = BatchOrder(plan)
    batches = [order.batch(number) for number in range(order.batches_per_round)]
    shown = Counter(one.picture.file.path.name for batch in batches for one in batch)
    assert shown == {"red.png": 1, "old.png": 1, "big.png": 1, "more.png": 3}
    assert all(len({one.picture.placement.bucket for one in batch}) == 1 for batch in batches)
    later = [order.batch(number) for number in range(order.batches_per_round, 60)]
    assert len({tuple(one.picture.file.path.name for one in batch) for batch in later}) > 3


def test_a_step_hangs_on_its_number_alone(tmp_path):
    plan = planned(learnt.folder(tmp_path / "pictures"), crop="random", flip=True, shuffle=True)
    whole = [BatchOrder(plan).batch(number) for number in range(9)]
    again = BatchOrder(plan)
    assert [again.batch(number) for number in (8, 3, 0)] == [whole[8], whole[3], whole[0]]


def test_regularisation_pictures_are_shown_as_often_as_all_the_others(tmp_path):
    folder = learnt.folder(tmp_path / "pictures")
    beside = tmp_path / "beside"
    learnt.draw(beside / "1_fox" / "one.png")
    plan = planned(folder, regularisation=beside, repeats=4)
    order = BatchOrder(plan)
    shown = [order.batch(number)[0] for number in range(order.batches_per_round)]
    assert sum(one.picture.regular for one in shown) == 12 == len(shown) / 2


def test_where_there_are_more_regularisation_pictures_than_others_none_is_left_out(tmp_path):
    folder = learnt.folder(tmp_path / "pictures")
    beside = tmp_path / "beside"
    for number in range(8):
        learnt.draw(beside / "1_fox" / f"{number}.png")
    order = BatchOrder(planned(folder, regularisation=beside))
    shown = [order.batch(number)[0].picture for number in range(order.batches_per_round)]
    regular = [one.file.path.name for one in shown if one.regular]
    assert len(set(regular)) == 8 and len(regular) == len(shown) / 2


def test_words_of_a_batch_are_dropped_shuffled_and_kept_by_lot(tmp_path):
    folder = learnt.folder(tmp_path / "pictures", {"a.png": "fox, one, two, three"})
    plan = planned(folder, caption_dropout=0.25, shuffle=True, keep=1)
    drawn = [draw_example(plan.settings, plan.pictures[0], n, 0) for n in range(400)]
    captions = Counter(one.caption for one in drawn)
    assert 60 < captions.pop("") < 140
    assert len(captions) == 6 and all(text.startswith("fox, ") for text in captions)
    assert len({one.timestep for one in drawn}) > 300 and max(one.timestep for one in drawn) < 1000


def test_a_trigger_stands_before_every_caption_and_a_word_in_each(tmp_path):
    folder = learnt.folder(tmp_path / "pictures", {"a.png": "a fox", "b.png": "sks by night"})
    plan = planned(folder, trigger="sks")
    assert [one.caption for one in plan.pictures] == ["sks, a fox", "sks by night"]
    assert plan.trigger == "sks"
    word = planned(folder, EMBEDDING, word="new")
    assert [one.caption for one in word.pictures] == ["a fox, new", "sks by night, new"]
    assert (word.settings.lr, word.settings.caption_dropout, word.settings.vectors) == (5e-3, 0, 4)


def test_what_is_worth_knowing_is_said_before_it_begins(tmp_path):
    folder = learnt.folder(tmp_path / "pictures", {"a.png": "a red house", "b.png": "a zzyzx"})
    learnt.draw(folder / "again.png")
    (folder / "again.txt").write_text("a tree")
    (folder / "a.png").write_bytes((folder / "again.png").read_bytes())
    notes = planned(folder).notes
    assert [note for note in notes if "a.png, again.png are the same" in note]
    assert [
        note for note in notes if "never learnt" in note and "zzyzx" in note and "red" not in note
    ]
    assert [note for note in notes if "of 3 pictures will be enlarged" in note]


def test_what_cannot_be_is_refused_before_anything_is_loaded(tmp_path):
    silent = learnt.folder(tmp_path / "pictures", {"a.png": "a fox", "b.png": ""})
    with pytest.raises(BadRequest, match="no words for `b.png`"):
        planned(silent)
    with pytest.raises(BadRequest, match="would be worn as `new`"):
        planned(silent, EMBEDDING, word="other")
    for word in ("", "two words", "../up"):
        with pytest.raises(BadRequest, match="can be no word"):
            planned(silent, EMBEDDING, word=word)
    (tmp_path / "new.safetensors").write_bytes(b"")
    with pytest.raises(BadRequest, match="exists"):
        planned(silent, trigger="sks")


def test_the_rate_rises_and_falls_as_it_is_told(tmp_path):
    folder = learnt.folder(tmp_path / "pictures")
    shapes = {}
    for schedule in ("constant", "linear", "cosine"):
        settings = planned(folder, schedule=schedule, steps=110, warmup=10).settings
        shapes[schedule] = [round(rate_at(settings, step), 3) for step in (0, 4, 9, 10, 60, 109)]
    assert shapes["constant"] == [0.1, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert shapes["linear"] == [0.1, 0.5, 1.0, 1.0, 0.5, 0.01]
    assert shapes["cosine"] == [0.1, 0.5, 1.0, 1.0, 0.5, 0.0]


def test_a_picture_is_cut_mirrored_and_masked(tmp_path):
    from PIL import Image

    wide = Image.new("RGBA", (256, 128), (255, 0, 0, 255))
    wide.paste((0, 0, 255, 0), (128, 0, 256, 128))  # its right half is blue, and transparent
    folder = tmp_path / "pictures"
    folder.mkdir()
    wide.save(folder / "a.png")
    (picture,) = planned(folder, caption="x", buckets=False, size=128).pictures
    left = fit_to_bucket(picture, 0.0, 0.5, flipped=False, masked=True)
    right = fit_to_bucket(picture, 1.0, 0.5, flipped=False, masked=True)
    middle = fit_to_bucket(picture, 0.5, 0.5, flipped=True, masked=True)
    assert left.image.size == (128, 128) and (left.left, right.left) == (0, 128)
    assert left.image.getpixel((64, 64)) == (255, 0, 0)
    assert right.image.getpixel((64, 64)) == (255, 255, 255)  # what is transparent is white
    assert (left.mask.getextrema(), right.mask.getextrema()) == ((255, 255), (0, 0))
    assert middle.image.getpixel((100, 64)) == (255, 0, 0)
    assert middle.mask.getpixel((100, 64)) == 255 and middle.mask.getpixel((20, 64)) == 0
