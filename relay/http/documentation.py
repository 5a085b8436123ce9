"""The OpenAPI document, and a page that shows it without a script or anything of another host."""

from collections.abc import Iterator
from importlib import resources
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from jinja2 import Environment
from pydantic import BaseModel

from relay.http import responses

_FAILURES = {
    400: "The request cannot be used as it is",
    401: "No authentication",
    403: "The authentication, the key or the service does not allow it",
    404: "There is none",
    408: "The request took too long to arrive",
    413: "The request is too large",
    415: "The request is not JSON",
    422: "The Idempotency-Key was used for another request",
    429: "Over a limit; nothing was stored",
    500: "Our fault",
    503: "Not now; nothing was stored",
}
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
            "description": _FAILURES[status],
            **({"headers": _RETRY} if status in (429, 503) else {}),
        }
        for status in statuses
    }


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
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def page(document: dict[str, Any]) -> str:
    """The document for people, as one HTML page."""
    source = resources.files("relay.http").joinpath("docs.html").read_text()
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(document=document, operations=list(operations(document)))
