"""The OpenAPI document: made from the table of options, so that it never says what is not so."""

from __future__ import annotations

from typing import Any

from sdcli import __version__
from sdcli.images.formats.table import FORMATS
from sdcli.server.http.hand_over import media_type
from sdcli.server.http.job import State
from sdcli.server.http.option_schema import PICTURE_SCHEMA, object_schema, option_schema
from sdcli.server.http.read_request import TASKS, client_options
from sdcli.server.http.settings import MOST_PICTURES


def make_document(*, has_key: bool) -> dict[str, Any]:
    """What can be asked of this server, for programs."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sdcli",
            "version": __version__,
            "description": "Pictures from words. Models, LoRAs and the like are named as they are listed.",
        },
        "paths": _paths(),
        "components": {
            "schemas": {
                "Order": order_schema(),
                "Job": _job_schema(),
                "Failure": _failure_schema(),
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        **({"security": [{"key": []}]} if has_key else {}),
    }


def order_schema() -> dict[str, Any]:
    """Everything that can be said of a job."""
    options = {name.replace("-", "_"): option_schema(o) for name, o in client_options().items()}
    options["count"]["maximum"] = MOST_PICTURES
    yes = {"type": "boolean", "default": False}
    own = {
        "task": {"type": "string", "enum": list(TASKS)},
        "quality": {"type": "integer", "minimum": 0, "maximum": 100},
        "preview": {**yes, "description": "Show the picture at every step of the events."},
        "save": {**yes, "description": "Save the pictures in the server's folder, too."},
        "stream": {**yes, "description": "Answer with the events; hanging up ends the job."},
        "plan": {"type": "object", "description": "A whole plan, as pictures carry it."},
        "pictures": {
            "type": "array",
            "items": PICTURE_SCHEMA,
            "description": "Those that it names.",
        },
    }
    return {"type": "object", "properties": {**options, **own}, "additionalProperties": False}


def _paths() -> dict[str, Any]:
    job, name = _json({"$ref": "#/components/schemas/Job"}), _parameter("job_id")
    known = {"200": {"description": "The job as it is now.", **job}}
    order = {"required": True, **_json({"$ref": "#/components/schemas/Order"})}
    return {
        "/v1/jobs": {
            "post": _operation(
                "Put a job into the queue.",
                {"202": {"description": "It waits.", **job}, "200": _EVENTS},
                requestBody=order,
            )
        },
        "/v1/jobs/{job_id}": {
            "parameters": [name],
            "get": _operation("A job as it is now.", known),
            "delete": _operation("End a job; what is drawn of it is kept.", known),
        },
        "/v1/jobs/{job_id}/events": {
            "parameters": [name],
            "get": _operation("What happens to a job, from its beginning on.", {"200": _EVENTS}),
        },
        "/v1/jobs/{job_id}/pictures/{index}": {
            "parameters": [name, _parameter("index")],
            "get": _operation("A finished picture.", {"200": _FILE}),
        },
        "/v1/models": {
            "get": _operation(
                "The checkpoints that a job can name.",
                {"200": {"description": "Their names.", **_json({"type": "object"})}},
            )
        },
    }


def _operation(summary: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    refused = {
        "description": "A fact and a hint.",
        **_json({"$ref": "#/components/schemas/Failure"}),
    }
    failures = {status: refused for status in REFUSALS}
    return {"summary": summary, "responses": {**answers, **failures}, **more}


# The request cannot be; no key; a stranger; nothing there; not done; too slow, large or foreign; full.
REFUSALS = ("400", "401", "403", "404", "405", "408", "413", "415", "503")
_EVENTS = {
    "description": "Server-sent events: position, stage, note, step, picture; the last one is done,"
    " failed or cancelled.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
_FILE = {
    "description": "Its file.",
    "content": {
        media_type(name): {"schema": {"type": "string", "format": "binary"}} for name in FORMATS
    },
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _job_schema() -> dict[str, Any]:
    maybe = {"type": ["number", "null"]}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "state": {"type": "string", "enum": [str(state) for state in State]},
            "position": {"type": "integer", "description": "How many jobs are before it."},
            "created": {"type": "number"},
            "started": maybe,
            "ended": maybe,
            "eta": maybe,
            "progress": {"type": "object"},
            "notes": {"type": "array", "items": {"type": "string"}},
            "plan": {"type": ["object", "null"]},
            "pictures": {"type": "array", "items": {"type": "object"}},
            "error": {"type": ["object", "null"]},
        },
        "required": ["id", "state", "pictures", "error"],
    }


def _failure_schema() -> dict[str, Any]:
    return object_schema(("error",), error={"type": "object", "required": ["message"]})
