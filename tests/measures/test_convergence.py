"""Which plans tend to one picture as their steps become many."""

from __future__ import annotations

from dataclasses import replace

from sdcli.measures.convergence import has_limit, is_deterministic
from sdcli.plan import Control, File
from tests.helpers.plans import a_plan


def test_what_has_a_limit():
    still = a_plan(scheduler="heun", eta=0.0)
    assert is_deterministic(still) and has_limit(still)
    assert not is_deterministic(replace(still, scheduler="euler-a", eta=1.0))
    assert is_deterministic(replace(still, scheduler="euler-a", eta=0.0))
    assert not is_deterministic(replace(still, scheduler="lcm"))
    assert not has_limit(replace(still, prompt="a [cat:dog:0.5]"))
    assert not has_limit(replace(still, negative="[a|b]"))
    assert has_limit(replace(still, prompt="a [cat:dog:0.5]", syntax="plain"))
    file = still.model
    assert not has_limit(
        replace(still, controls=(Control(file, File(file.path, "0"), 1, 0, 0.5, False),))
    )
