"""A picture that is here, drawn again: its plan, as far as the server's own files and bounds allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from secrets import randbelow
from typing import Any

from sdcli.library.listed_only import listed_only
from sdcli.plan import Plan
from sdcli.planning.resolve import SEEDS
from sdcli.reproduce.recall import recall_picture
from sdcli.server.http.planning import check_bounds
from sdcli.server.http.settings import ServeSettings


def recall_plan(
    path: Path, changes: Mapping[str, Any], settings: ServeSettings, *, same: bool = False
) -> Plan:
    """The plan of a picture with these options changed. Where nothing is changed, the seed is: unless
    it is to be the `same` picture."""
    values = dict(changes)
    count = values.pop("count", 1)
    if not values and not same:
        values["seed"] = randbelow(SEEDS)
    with listed_only(settings.more_models):
        plan, _ = recall_picture(path).make_plan(values)
    plan = replace(plan, count=count)
    check_bounds(plan)
    return plan
