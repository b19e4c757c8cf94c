"""JSON that somebody else wrote into a file of weights: a table, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast


def parse_json_table(text: str | bytes) -> Mapping[str, Any]:
    """The object that a text holds; an empty one where it holds anything else, or no JSON."""
    try:
        table: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", table) if isinstance(table, dict) else {}
