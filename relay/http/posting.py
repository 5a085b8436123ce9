"""The route that sends, one for each channel: the request read within its share of memory, the answer with 201."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from config.memory import Memory, Portion
from relay.http.authentication import Authentication
from relay.http.client import Client
from relay.http.documentation import body, failures
from relay.http.reading import read_json
from relay.http.requests import IdempotencyKey
from relay.http.sending import Asked, Sending
from relay.http.submissions import Submissions
from relay.http.validation import validated

_REPLAYED: dict[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true`: a request with this Idempotency-Key was answered before; nothing was sent again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def routes(
    kind: type[Asked],
    accepted: type[BaseModel],
    authentication: Authentication,
    submissions: Submissions,
    sending: Sending[Asked],
    memory: Memory,
    now: Callable[[], float],
) -> APIRouter:
    """`kind` is what is asked for, `accepted` what is answered; `now` gives seconds since the epoch."""
    channel = sending.channel.value
    router = APIRouter(prefix=f"/v2/notifications/{channel}", tags=["Messages"])

    async def read(request: Request, portion: Portion) -> Asked:
        return validated(kind, await read_json(request, portion), now=now())

    @router.post(
        "",
        name=f"send_{channel}",
        summary=sending.summary,
        status_code=201,
        response_model=None,
        description=sending.__doc__,
        responses={
            201: {"model": accepted, "headers": _REPLAYED},
            **failures(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        openapi_extra=body(kind),
    )
    async def send(
        request: Request,
        principal: Annotated[Principal, Depends(authentication)],
        idempotency_key: Annotated[IdempotencyKey | None, Header(alias="Idempotency-Key")] = None,
    ) -> Response:
        address = request.client.host if request.client else ""
        client = Client.of(address, request.headers.get("user-agent", ""))
        with memory.portion(principal.service.id) as portion:
            with submissions.counted(principal, "request"):
                submissions.admit(principal, sending.channel)
                asked = await read(request, portion)
            with submissions.counted(principal, "accept"):
                answer, replayed = await sending.send(asked, principal, client, idempotency_key)
        return JSONResponse(answer, 201, {"Idempotent-Replayed": "true"} if replayed else None)

    return router
