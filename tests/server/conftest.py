"""What tests of the server share: one server with the built-in model, for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.serving import Served, served


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """A real `sdcli serve` on this machine: server.ask("GET", "/v1/models").data."""
    with served() as running:
        yield running
