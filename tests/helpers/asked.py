"""The server's application without its socket and its worker: a request is a call, nothing is drawn."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sdcli.server.http import start
from sdcli.server.http.app import make_app
from sdcli.server.http.jobs import Jobs
from tests.helpers.serving import Answer


class Asked:
    """An application of these settings: Asked(queue=2).ask("POST", "/v1/jobs", {"prompt": "a fox"})."""

    def __init__(self, **wanted: Any) -> None:
        self.settings = start.make_settings(start.Wanted(**{"host": "127.0.0.1", **wanted}))
        self.jobs = Jobs(self.settings)
        self._app = make_app(self.settings, self.jobs)

    def ask(self, method: str, path: str, body: Any = b"", **headers: str | None) -> Answer:
        """The answer to one request; `x_y=` is the header `x-y`, None one that is not sent."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers.setdefault("content_type", "application/json")
        sent = {"host": "127.0.0.1:7860", **headers}
        return asyncio.run(
            self._ask(method, path, body if isinstance(body, list) else [body], sent)
        )

    async def _ask(self, method: str, path: str, parts: list[bytes], headers: dict) -> Answer:
        raw = [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in headers.items()
            if value is not None
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": raw,
        }
        coming, heard = list(parts), []

        async def receive() -> dict:
            if not coming:
                await asyncio.sleep(3600)
            part = coming.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(coming)}

        async def send(message: dict) -> None:
            heard.append(message)

        await self._app(scope, receive, send)
        status = next(one["status"] for one in heard if one["type"] == "http.response.start")
        named = {k.decode(): v.decode() for k, v in heard[0]["headers"]}
        return Answer(status, named, b"".join(one.get("body", b"") for one in heard))
