"""Studies draw one picture for each of their variations."""

from __future__ import annotations

from collections.abc import Callable

from sdcli.errors import BadRequest
from sdcli.plan import Plan
from sdcli.request import Request


def plan_single(request: Request, plan: Callable[[Request], Plan]) -> Plan:
    """The plan of a request for one picture; BadRequest where it asks for several."""
    found = plan(request)
    if found.count > 1:
        raise BadRequest(
            f"{found.count} pictures are asked for, and a study draws one of a kind",
            hint="leave the count away; `sdcli sweep --choices all` goes through all choices",
        )
    return found
