"""Who may ask, and how much: looked at before anything of a request is read.

* Host: only the names by which this server is meant, so that no page reaches it under a name of its own
  (DNS rebinding).
* Origin, Sec-Fetch-Site: a web page may ask only if it is this server's, or one that was named.
* The key, where there is one: as a bearer token, or as the password of HTTP Basic.
* The size of what is sent, how long it may take, and how much of it is held at once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sdcli.errors import SdcliError
from sdcli.server.http.failures import HttpFailure
from sdcli.server.http.settings import MOST_BODY, ServeSettings

MOST_HELD = 8 * MOST_BODY  # bytes of all requests at once
BODY_PATIENCE = 60.0  # seconds for the next piece of a request
FILES = "/v1/files/"  # pictures under names that nobody can guess, which are shown anywhere
_LINKED = ("/",)  # what a link on another site may lead to
_PAGE = ("/", "/page.css", "/page.js")  # which says nothing, and asks for the key itself
_SAFE_SITES = ("same-origin", "none")
_SENT_ALONG = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

Answer = Callable[[str, SdcliError], Response]  # a failure in the words of the path's dialect


class Guard:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, answer: Answer) -> None:
        self._app = app
        self._settings = settings
        self._answer = answer
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        send = self._marked(send, headers)
        try:
            self._check(scope, headers)
        except HttpFailure as failure:
            await self._answer(scope["path"], failure)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
            return
        body = _Body(self, receive)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._held -= body.length

    def hold(self, more: int) -> None:
        """Count bytes of a request that is being read."""
        self._held += more
        if self._held > MOST_HELD:
            raise HttpFailure(
                503, "too much is sent at once", hint="ask again in a moment", retry_after=5
            )

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_host(headers)
        if not scope["path"].startswith(FILES):
            self._check_origin(scope, headers)
            if scope["method"] != "OPTIONS" and scope["path"] not in _PAGE:
                self._check_key(headers)
        _check_length(headers)

    def _check_host(self, headers: Headers) -> None:
        named = headers.getlist("host")
        host = host_name(named[0]) if len(named) == 1 else ""
        known = host in self._settings.hosts or (self._settings.any_address and _is_address(host))
        if not known:
            raise HttpFailure(
                403,
                "this server is not called that",
                hint="call it by the address that it printed; `--allow-host NAME` adds a name",
                code="host_refused",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse web pages of others. Programs that are no browser send neither header."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None:
            own = urlsplit(origin).netloc.lower() == headers["host"].lower()
            if own or origin.lower() in self._settings.origins:
                return
        elif site is None or site in _SAFE_SITES or _is_link(scope, headers):
            return
        raise HttpFailure(
            403,
            "web pages of other sites may not ask here",
            hint="`--allow-origin` names those that may",
            code="origin_refused",
        )

    def _check_key(self, headers: Headers) -> None:
        key = self._settings.key
        if key is None:
            return
        given = _given_key(headers.get("authorization", ""))
        if not hmac.compare_digest(given.encode(), key.encode()):
            raise HttpFailure(
                401,
                "this server asks for its key",
                hint="send it as `Authorization: Bearer KEY`, or as the password of HTTP Basic",
                code="invalid_api_key",
            )

    def _marked(self, send: Send, headers: Headers) -> Send:
        """Send with the headers that every answer has."""
        mark = secrets.token_hex(8)
        origin = headers.get("origin", "")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["x-request-id"] = mark
                for name, value in _SENT_ALONG.items():
                    answer.setdefault(name, value)
                if message["status"] == 401:
                    answer["www-authenticate"] = 'Basic realm="sdcli", charset="UTF-8"'
                if origin.lower() in self._settings.origins:
                    answer["access-control-allow-origin"] = origin
                    answer["vary"] = "Origin"
            await send(message)

        return marked


class _Body:
    """What is sent with a request, counted as it comes."""

    def __init__(self, guard: Guard, receive: Receive) -> None:
        self._guard = guard
        self._receive = receive
        self._complete = False
        self.length = 0

    async def receive(self) -> Message:
        """The next piece, or a failure where it is too much or too slow."""
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_PATIENCE)
        except TimeoutError:
            raise HttpFailure(408, "the request does not go on", hint="send it at once") from None
        more = len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        self.length += more
        if self.length > MOST_BODY:
            raise too_long()
        self._guard.hold(more)
        return message


def host_name(text: str) -> str:
    """A `Host` header, or an address, without its port; in lower case, IPv6 without brackets."""
    try:
        return (urlsplit(f"//{text}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def too_long() -> HttpFailure:
    """The refusal of a request that is larger than any can be."""
    return HttpFailure(
        413, f"more than {MOST_BODY // 2**20} MB are not read", hint="send smaller pictures"
    )


def _check_length(headers: Headers) -> None:
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 15 or int(length) > MOST_BODY:
        raise too_long()
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpFailure(415, "packed requests are not read", hint="send it as it is")


def _is_address(host: str) -> bool:
    """Whether a name is an IP address, which no foreign name server can give another meaning."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether somebody followed a link to a page of ours, which tells the other site nothing."""
    wants_page = headers.get("sec-fetch-mode") == "navigate"
    top = headers.get("sec-fetch-dest") == "document"
    return scope["method"] == "GET" and scope["path"] in _LINKED and wants_page and top


def _given_key(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


_PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
}
