"""What is true of a family and no tensor tells."""

from __future__ import annotations

import pytest

from sdcli.weights.families import FAMILIES
from sdcli.weights.lora.kohya_metadata import named_base
from sdcli.weights.tensor_names import TEXT, TEXT_2

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_what_a_family_is_told_beside_the_words_agrees(family):
    assert bool(family.size_numbers) == (TEXT_2 in family.components)
    assert (family.aesthetic_scores is None) == family.begins_pictures
    assert family.kohya_base
    assert family.size_of_velocity in (None, 768)


def test_only_plain_sd2_is_larger_where_it_predicts_the_velocity():
    assert [f.name for f in FAMILIES.values() if f.size_of_velocity] == ["sd2"]


def test_a_refiner_lacks_the_first_encoder():
    assert TEXT not in FAMILIES["sdxl-refiner"].components
    assert TEXT in FAMILIES["sdxl"].components


def test_the_width_of_its_text_tells_the_base_of_a_lora():
    """Where a new family has the width of another, `find_bases` must tell them apart some other way."""
    bases = {(family.text_width, family.base) for family in FAMILIES.values()}
    assert len({width for width, _ in bases}) == len(bases)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_what_the_trainer_calls_it_is_read_back(family):
    assert named_base({"ss_base_model_version": family.kohya_base}) == family.base
