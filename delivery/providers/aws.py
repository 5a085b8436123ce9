"""AWS for every provider: how a client is made, and what each of its errors means to a message.

Knows nothing of messages. Text from AWS holds addresses and account names: it is looked at here and never passed on.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientConnectorError
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload
from botocore import exceptions as boto
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError

from config.settings import Aws
from delivery.providers.base import Begun, Deferred, Failed, SendError, Throttled, Unknown
from messages.status import Status


@asynccontextmanager
async def open_client(service: str, settings: Aws, concurrency: int) -> AsyncIterator[Any]:
    """A client for `concurrency` calls at once; one per process and service. Region and endpoint from `settings`.

    Raises a SendError where none can be made of what the environment says, such as a profile that is not there.
    """
    config = AioConfig(
        # One call, one request. The default sends one mail up to five times when SES is slow to answer; the queue
        # does the retrying, where each attempt is written down first.
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        max_pool_connections=concurrency,
        # AWS closes an idle connection after about 20 s; whoever closes first need not guess whether a send got out.
        connector_args={"keepalive_timeout": 12, "use_dns_cache": True, "ttl_dns_cache": 60},
        parameter_validation=False,  # with the fixed user agent a third of the CPU of a call
        user_agent="notify-relay",
        warm_up_loader_caches=True,  # the models are read from disk off the loop
    )
    where = {"region_name": settings.region, "endpoint_url": settings.endpoint_url}
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(_session().create_client(service, config=config, **where))
        except (boto.BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
            raise (CREDENTIALS if isinstance(error, boto.ProfileNotFound) else UNUSABLE).error() from None
        client.meta.events.register("before-send", _leave)
        yield client


class _Leaving(BytesPayload):
    """The body of a request, without which nobody can take it: tells when it goes out."""

    def __init__(self, body: bytes, begun: Begun) -> None:
        super().__init__(body)
        self._begun = begun

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._begun()
        await super().write_with_length(writer, content_length)


@dataclass(slots=True)
class _Call:
    begun: Begun
    is_signed: bool = False


_call: ContextVar[_Call | None] = ContextVar("call", default=None)


def _leave(request: Any, **_: Any) -> None:
    """Called by the client with what it has signed. It may yet have to wait for a connection."""
    if (call := _call.get()) is not None:
        call.is_signed = True
        request.body = _Leaving(request.body, call.begun)


@asynccontextmanager
async def called(limit_seconds: float, begun: Begun) -> AsyncIterator[None]:
    """For one request: `begun` is called when it goes out.

    The client's own timeouts bound single reads, not the call; this raises TimeoutError. Raises Throttled where it was
    not even signed: credentials did not come.
    """
    call = _Call(begun)
    token = _call.set(call)
    try:
        async with asyncio.timeout(limit_seconds):
            yield
    except TimeoutError:
        if call.is_signed:
            raise
        raise CREDENTIALS.error() from None
    finally:
        _call.reset(token)


def _session() -> Any:
    """Of one client, which is then as its environment says; the models of services are read once per process."""
    session = get_session()  # type: ignore[no-untyped-call]
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    return session


_models = cache(create_loader)


# -- Errors --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is to the message: the exception to raise, its reason, and when to come back."""

    kind: type[SendError]
    reason: str
    retry_after_seconds: float | None = None
    status: Status = Status.TECHNICAL_FAILURE  # that the message ends with, where it fails

    def error(self) -> SendError:
        if issubclass(self.kind, Failed):
            return self.kind(self.reason, status=self.status)
        return self.kind(self.reason, self.retry_after_seconds)


RATE = Meaning(Throttled, "aws_rate", 1)
DAILY_QUOTA = Meaning(Throttled, "aws_daily_quota", 900)
CREDENTIALS = Meaning(Throttled, "aws_credentials", 10)  # roles are refreshed by the session
ACCESS_DENIED = Meaning(Throttled, "aws_access_denied", 60)
CLOCK = Meaning(Throttled, "aws_clock", 60)
MALFORMED = Meaning(Failed, "aws_malformed")
UNUSABLE = Meaning(Throttled, "aws_configuration", 60)
SERVER_ERROR = Meaning(Unknown, "aws_server_error")

# (code, words that its text, Reason or ResourceType must hold, meaning): the first row that fits counts, those of the
# service before these. Only answers below 500 are looked up. What stops the whole account throttles; what stops one
# sender's domain or number defers that message alone, or one service with a broken domain would stop the mail of all.
Errors = tuple[tuple[str, str, Meaning], ...]
ERRORS: Errors = (
    ("TooManyRequestsException", "daily", DAILY_QUOTA),
    ("TooManyRequestsException", "", RATE),
    ("LimitExceededException", "daily", DAILY_QUOTA),
    ("LimitExceededException", "", Meaning(Throttled, "aws_limit", 60)),
    ("ThrottlingException", "daily", DAILY_QUOTA),
    ("ThrottlingException", "", RATE),
    ("Throttling", "daily", DAILY_QUOTA),
    ("Throttling", "", RATE),
    ("BadRequestException", "", MALFORMED),
    ("InvalidParameterValue", "", MALFORMED),
    ("ValidationException", "", MALFORMED),
    ("ExpiredToken", "", CREDENTIALS),
    ("ExpiredTokenException", "", CREDENTIALS),
    ("UnrecognizedClientException", "", CREDENTIALS),
    ("InvalidClientTokenId", "", CREDENTIALS),
    ("MissingAuthenticationToken", "", CREDENTIALS),
    ("MissingAuthenticationTokenException", "", CREDENTIALS),
    ("IncompleteSignature", "", CREDENTIALS),
    ("InvalidSignatureException", "expired", CLOCK),
    ("InvalidSignatureException", "", CREDENTIALS),
    ("SignatureDoesNotMatch", "", CREDENTIALS),
    ("RequestExpired", "", CLOCK),
    ("AccessDenied", "", ACCESS_DENIED),
    ("AccessDeniedException", "", ACCESS_DENIED),
    ("OptInRequired", "", ACCESS_DENIED),
)

# By HTTP status where the code is not in the table. An unknown 4xx was certainly not sent, and may yet be: deferred.
STATUSES = {403: CREDENTIALS, 413: Meaning(Failed, "aws_too_large"), 429: RATE}
REFUSED = Meaning(Deferred, "aws_refused")

# What the client raises without an answer: the first class that fits counts. Unknown unless nothing can have been sent.
LOST = Meaning(Unknown, "aws_connection_lost")
NO_ANSWER = Meaning(Unknown, "aws_no_answer")
UNREACHABLE = Meaning(Deferred, "aws_unreachable")
UNEXPECTED = Meaning(Unknown, "aws_unexpected")
NO_ANSWERS: tuple[tuple[type[Exception], Meaning], ...] = (
    (boto.ConnectTimeoutError, Meaning(Deferred, "aws_connect_timeout")),
    (boto.ProxyConnectionError, UNREACHABLE),
    (boto.SSLError, Meaning(Deferred, "aws_tls")),  # raised in the handshake only
    (boto.EndpointConnectionError, LOST),  # unless its cause says otherwise
    (boto.ReadTimeoutError, NO_ANSWER),
    (boto.HTTPClientError, LOST),
    (TimeoutError, NO_ANSWER),
    (boto.NoCredentialsError, CREDENTIALS),
    (boto.PartialCredentialsError, CREDENTIALS),
    (boto.CredentialRetrievalError, CREDENTIALS),
    (boto.TokenRetrievalError, CREDENTIALS),
    (ResponseParserError, Meaning(Unknown, "aws_unreadable_answer")),
)


def classify(error: Exception, of_service: Errors = ()) -> SendError:
    """The SendError for what a client call raised. Unknown unless it is certain that nothing was sent."""
    if isinstance(error, boto.ClientError):
        return _answer(error.response, of_service).error()
    return _no_answer(error).error()


def _answer(response: dict[str, Any], of_service: Errors) -> Meaning:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if not 400 <= status < 500:
        return SERVER_ERROR
    details = response.get("Error", {})
    code = str(details.get("Code", ""))
    said = (details.get("Message"), response.get("Reason"), response.get("ResourceType"))
    text = " ".join(str(each) for each in said if each).lower()
    for known, words, meaning in (*of_service, *ERRORS):
        if code == known and words.lower() in text:
            return meaning
    return STATUSES.get(status, REFUSED)


def _no_answer(error: Exception) -> Meaning:
    # "Nobody listens" and "reset after the request went out" are one class: its cause tells them apart.
    if isinstance(error, boto.EndpointConnectionError) and isinstance(
        error.kwargs.get("error"), (ClientConnectorError, socket.gaierror)
    ):
        return UNREACHABLE
    return next((meaning for kind, meaning in NO_ANSWERS if isinstance(error, kind)), UNEXPECTED)
