"""A file of arrays that one process fills while others read what is there already: how far it is
stands beside it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Growing:
    """How many of `NAME-SIZE.npy`'s rows are there."""

    def __init__(self, folder: Path, name: str, size: int) -> None:
        self.about = folder / f"{name}-{size}.json"
        self._seen, self._when = 0, -1e9

    def read(self) -> dict[str, Any]:
        """What was told last; nothing is there before."""
        return json.loads(self.about.read_text()) if self.about.exists() else {"done": 0}

    def wait(self) -> None:
        """Until something is there."""
        while not self.about.exists():
            time.sleep(2)

    def done(self, most: int) -> int:
        """How many of `most` are there by now; looks no more often than is worth it."""
        if self._seen < most and time.monotonic() - self._when > 20:
            self._seen, self._when = self.read()["done"], time.monotonic()
        return self._seen

    def tell(self, done: int, count: int, **facts: int) -> None:
        """That so many of them are there, and what else is to be known of them."""
        part = self.about.with_suffix(".part")
        part.write_text(json.dumps({"done": done, "count": count, **facts}))
        part.rename(self.about)
        print(f"{self.about.stem}: {done} of {count}", flush=True)
