"""Failures with the status that HTTP has for them."""

from __future__ import annotations

from sdcli.errors import BadRequest, SdcliError

LONGEST = 500  # characters of a message


class HttpFailure(SdcliError):
    """A refusal with a status of its own; `field` is what of the request it is about."""

    def __init__(
        self,
        status: int,
        fact: str,
        *,
        hint: str,
        field: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(fact, hint=hint)
        self.status = status
        self.field = field
        self.code = code
        self.retry_after = retry_after  # seconds; None: the same again would end the same


def bad_field(field: str, fact: str, *, hint: str) -> HttpFailure:
    """A refusal of one field of a request."""
    return HttpFailure(400, f"`{field}`: {fact}", hint=hint, field=field)


def status_of(error: SdcliError) -> int:
    """The status of any failure: the client's fault, or ours."""
    if isinstance(error, HttpFailure):
        return error.status
    return 400 if isinstance(error, BadRequest) else 500


def message_of(error: SdcliError) -> str:
    """The fact and the hint, as one text of bounded length: it may quote what was sent."""
    fact = error.fact if len(error.fact) <= LONGEST else f"{error.fact[:LONGEST]}..."
    return f"{fact}; {error.hint[:LONGEST]}" if error.hint else fact


def failure_headers(error: SdcliError) -> dict[str, str]:
    """Whether the client is to ask again, and when: what is wrong once is wrong the next time."""
    wait = error.retry_after if isinstance(error, HttpFailure) else None
    if wait is None:
        return {"x-should-retry": "false"}
    return {"x-should-retry": "true", "retry-after": str(wait)}


def stopping() -> HttpFailure:
    """What is said to whoever comes while the server ends."""
    return HttpFailure(503, "the server is stopping", hint="ask again later", retry_after=5)
