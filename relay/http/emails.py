"""The route that sends an email."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from config.memory import Memory, Portion
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.client import Client
from relay.http.documentation import body, failures
from relay.http.reading import HELD_BYTES, SHARE_BYTES, read_json
from relay.http.requests import EmailRequest, IdempotencyKey
from relay.http.sending import EmailSending
from relay.http.submissions import Submissions
from relay.http.validation import validated

_REPLAYED: dict[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true`: a request with this Idempotency-Key was answered before; nothing was sent again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def routes(
    authentication: Authentication, submissions: Submissions, sending: EmailSending, now: Callable[[], float]
) -> APIRouter:
    """`now` gives seconds since the epoch."""
    router = APIRouter(prefix="/v2/notifications/email", tags=["Messages"])
    memory = Memory(HELD_BYTES, SHARE_BYTES)

    async def read(request: Request, portion: Portion) -> EmailRequest:
        return validated(EmailRequest, await read_json(request, portion), now=now())

    @router.post(
        "",
        summary="Send an email",
        status_code=201,
        response_model=None,
        responses={
            201: {"model": responses.EmailAccepted, "headers": _REPLAYED},
            **failures(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        openapi_extra=body(EmailRequest),
    )
    async def send_email(
        request: Request,
        principal: Annotated[Principal, Depends(authentication)],
        idempotency_key: Annotated[IdempotencyKey | None, Header(alias="Idempotency-Key")] = None,
    ) -> Response:
        """Send an email made of a template. It is stored when this is answered."""
        address = request.client.host if request.client else ""
        client = Client.of(address, request.headers.get("user-agent", ""))
        with memory.portion(principal.service.id) as portion:
            with submissions.counted(principal, "request"):
                asked = await read(request, portion)
            with submissions.counted(principal, "accept"):
                answer, replayed = await sending.send(asked, principal, client, idempotency_key)
        return JSONResponse(answer, 201, {"Idempotent-Replayed": "true"} if replayed else None)

    return router
