"""The route that sends an email."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from config.memory import Memory, Portion
from relay.http import responses, validation
from relay.http.authentication import Authentication
from relay.http.client import Client
from relay.http.documentation import failures
from relay.http.errors import ApiError
from relay.http.reading import HELD_BYTES, SHARE_BYTES, read_json
from relay.http.requests import EmailRequest, IdempotencyKey
from relay.http.sending import EmailSending
from relay.http.submissions import Submissions

_REPLAYED: dict[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true`: a request with this Idempotency-Key was answered before; nothing was sent again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_EMAIL_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": EmailRequest.model_json_schema()}},
    }
}


def routes(
    authentication: Authentication, submissions: Submissions, sending: EmailSending, now: Callable[[], float]
) -> APIRouter:
    """`now` gives seconds since the epoch."""
    router = APIRouter(prefix="/v2/notifications/email", tags=["Messages"])
    memory = Memory(HELD_BYTES, SHARE_BYTES)

    async def read(request: Request, portion: Portion) -> EmailRequest:
        data = await read_json(request, portion)
        try:
            return EmailRequest.model_validate(data, context={"now": now()})
        except ValidationError as error:
            raise ApiError.invalid(validation.texts(error.errors(include_url=False))) from None

    @router.post(
        "",
        summary="Send an email",
        status_code=201,
        response_model=None,
        responses={
            201: {"model": responses.EmailAccepted, "headers": _REPLAYED},
            **failures(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        openapi_extra=_EMAIL_BODY,
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

    @router.get("", include_in_schema=False)
    async def refuse() -> Response:
        """Or `email` would be taken for a message's id."""
        raise HTTPException(405, headers={"Allow": "POST"})

    return router
