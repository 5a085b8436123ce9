"""The OpenAPI document. What stands in it is what people read under /docs, in English: relay.http.pages translates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from messages.text import Text
from relay.http import responses


@dataclass(frozen=True, slots=True)
class Failing:
    """When a status is answered, and what to do about it."""

    when: Text
    cure: Text


FAILURES = {
    400: Failing(
        Text("The request cannot be used as it is"),
        Text("Change the request as the message says; sent again as it is, it fails again."),
    ),
    401: Failing(Text("No authentication"), Text("Send the header Authorization.")),
    403: Failing(
        Text("The authentication, the key or the service does not allow it"),
        Text("Look at the key and at your clock. A wrong key and a service that is not there are told alike."),
    ),
    404: Failing(Text("There is none"), Text("Look at the id: it may be of another service.")),
    405: Failing(Text("The path has no such method"), Text("The header Allow names those that it has.")),
    408: Failing(
        Text("The request took too long to arrive"),
        Text("Send it again: 8 KiB may take 10 seconds, all of it 30."),
    ),
    413: Failing(Text("The request is too large"), Text("Send at most 2 MiB.")),
    415: Failing(Text("The request is not JSON"), Text("Send JSON, with Content-Type: application/json.")),
    422: Failing(
        Text("The Idempotency-Key was used for another request"), Text("Make a new Idempotency-Key for each message.")
    ),
    429: Failing(
        Text("Over a limit; nothing was stored"), Text("Wait as long as Retry-After says, then send it again.")
    ),
    500: Failing(
        Text("Our fault"), Text("Send it again with the same Idempotency-Key; tell the operator if it goes on.")
    ),
    503: Failing(
        Text("Not now; nothing was stored"),
        Text(
            "Wait as long as Retry-After says, then send it again. It hits who has over 16 MiB under way at once, too."
        ),
    ),
}
_DONE = "Successful Response"  # FastAPI's own word for what nobody described
_RETRY = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
_DESCRIPTION = """\
Send messages made of templates, and ask what became of them.

Published clients of GOV.UK Notify work with it as they are. Authenticate with a JSON Web Token signed with an API key
(`Authorization: Bearer <token>`; HS256, `iss` the service's id, `iat` now; the secret is the key's last 36 characters)
or with the key itself (`Authorization: ApiKey-v1 <key>`).

A live key reaches everybody. A team key, and every key of a service in trial mode, reaches the service's guest list
only. A test key reaches nobody: its messages end in a simulator.

Every failure is `{"status_code": ..., "errors": [{"error": ..., "message": ...}]}`; `message` is in the language of
`Accept-Language`, English or French."""
_SECURITY_SCHEMES = {
    "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`ApiKey-v1 <key>`"},
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`."""
    return {
        status: {
            "model": responses.Errors,
            "description": FAILURES[status].when.source,
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
        for status in statuses
    }


@cache
def body(model: type[BaseModel]) -> dict[str, Any]:
    """For a route that reads its body itself."""
    schema = {"schema": model.model_json_schema()}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


def openapi(app: FastAPI, root: str) -> dict[str, Any]:
    """The document of what this process serves at `root`."""
    document = get_openapi(
        title="notify-relay",
        version=version("notify-relay"),
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": root.rstrip("/")}],
    )
    kept = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own 422, which nobody here is answered
        kept.pop(name, None)
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for _, _, operation in operations(document):
        operation["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]
        for answer in operation["responses"].values():
            if answer["description"] == _DONE and "content" in answer:
                schema = resolve(document, answer["content"]["application/json"]["schema"])
                answer["description"] = schema.get("description", _DONE)
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, where it is named only; what is said beside the name counts."""
    if "$ref" not in schema:
        return schema
    named: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**named, **{name: value for name, value in schema.items() if name != "$ref"}}
