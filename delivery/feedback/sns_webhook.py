"""Amazon SNS posts what SES tells: an application for POST / and nothing else.

SNS reaches it through a proxy that speaks TLS. It tries again after a 5xx, and never after a 4xx.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from config.database import OUTAGES
from config.memory import Memory, NoRoomError, Portion
from config.settings import Aws
from delivery.feedback.base import MAX_CHARACTERS, Unreadable
from delivery.feedback.learner import Learner
from delivery.feedback.sns import (
    NOTIFICATION,
    SUBSCRIPTION,
    CertificateUnavailable,
    SnsEnvelope,
    Untrusted,
    Verifier,
    parse,
    region,
)
from delivery.metrics import DeliveryMetrics
from delivery.providers.aws import classify, open_client
from delivery.providers.base import SendError

_HELD_BYTES = 16 * 1024 * 1024  # of bodies that did not end yet; nobody who sends them has proved anything
_SHARE_BYTES = _HELD_BYTES // 4  # of one address
_BODY_SECONDS = 10.0  # SNS itself gives a call up after 15

Confirm = Callable[[str, str], Awaitable[None]]  # topic ARN and token; raises SendError


class Webhook:
    """Takes what SNS posts. `confirm` completes the subscription of one of our topics."""

    def __init__(self, verifier: Verifier, learner: Learner, confirm: Confirm, metrics: DeliveryMetrics) -> None:
        self._verifier = verifier
        self._learner = learner
        self._confirm = confirm
        self._metrics = metrics
        self._memory = Memory(_HELD_BYTES, _SHARE_BYTES)
        self._log = structlog.get_logger("feedback")

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/", self._post, methods=["POST"])])

    async def _post(self, request: Request) -> Response:
        client_ip = request.client.host if request.client else ""
        try:
            with self._memory.portion(client_ip) as portion:
                body = await _body(request, portion)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        except NoRoomError:
            return Response(status_code=503)
        if body is None:
            return Response(status_code=413)
        return Response(status_code=await self._take(body, request.headers.get("x-amz-sns-message-type", "")))

    async def _take(self, body: bytes, header_type: str) -> int:
        """The HTTP status."""
        try:
            envelope = parse(body)
        except Unreadable:
            self._refused("malformed")
            return 400
        try:
            await self._verifier.verify(envelope, header_type)
            return await self._act(envelope)
        except Untrusted as error:
            self._refused(error.reason)
            return 403
        except Unreadable:  # said by the learner
            return 400
        except CertificateUnavailable:
            self._log.warning("webhook.certificate_unavailable")
        except SendError as error:
            self._log.warning("webhook.not_confirmed", reason=error.reason)
        except OUTAGES as error:
            self._log.warning("feedback.database_unavailable", error=type(error).__name__)
        return 503

    def _refused(self, reason: str) -> None:
        self._metrics.event_fates.labels("refused").inc()
        self._log.warning("webhook.refused", reason=reason)

    async def _act(self, envelope: SnsEnvelope) -> int:
        if envelope.type == NOTIFICATION:
            told = self._learner.read(envelope.message, "webhook")
            if told:
                await self._learner.learn(told)
        elif envelope.type == SUBSCRIPTION:
            await self._confirm(envelope.topic_arn, envelope.token or "")
            self._log.info("webhook.subscribed", topic=envelope.topic_arn)
        else:  # somebody ended the subscription: only its owner can, or whoever holds a key of the account
            self._log.warning("webhook.unsubscribed", topic=envelope.topic_arn)
        return 200


async def _body(request: Request, portion: Portion) -> bytes | None:
    """None when it is too large: then the rest is not read."""
    body = bytearray()
    async with asyncio.timeout(_BODY_SECONDS):
        async for chunk in request.stream():
            portion.add(len(chunk))
            body += chunk
            if len(body) > MAX_CHARACTERS:
                return None
    return bytes(body)


def confirming(settings: Aws) -> Confirm:
    """Confirms by the API. SubscribeURL is never fetched: it would let a stranger choose where we connect to."""

    async def confirm(topic_arn: str, token: str) -> None:
        there = settings.model_copy(update={"region": region(topic_arn), "endpoint_url": settings.sns_endpoint_url})
        async with open_client("sns", there, 1) as client:
            try:
                # Ending the subscription then takes a key of the account, not only the URL that SNS prints everywhere.
                await client.confirm_subscription(TopicArn=topic_arn, Token=token, AuthenticateOnUnsubscribe="true")
            except (ClientError, BotoCoreError, ResponseParserError, TimeoutError) as error:
                raise classify(error) from None

    return confirm
