"""Amazon SES, API v2: one raw message to one recipient per call.

The header section is ours to the last octet: no parameter that makes SES rewrite From or Reply-To is given, so that our
signature holds. SES has no idempotency token; the tags let an event name the attempt whose answer was lost.
"""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from typing import Any, Protocol
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from config.providers import EmailProvider
from config.settings import Aws
from delivery.providers import ses_tenants
from delivery.providers.aws import Errors, Meaning, called, classify, open_client
from delivery.providers.base import (
    Begun,
    Deferred,
    Failed,
    Held,
    QuotaSpent,
    Receipt,
    TenantHeld,
    Throttled,
    TooFast,
    Unknown,
    nothing,
)
from delivery.providers.ses_tenants import Tenants
from messages.message import Message

_SPENT = Meaning(QuotaSpent, "aws_daily_quota", 60)  # the queue waits, not this message alone: it is not last then
_TOO_FAST = Meaning(TooFast, "aws_rate")
ERRORS: Errors = (
    ("TooManyRequestsException", "daily", _SPENT),
    ("TooManyRequestsException", "", _TOO_FAST),
    ("LimitExceededException", "daily", _SPENT),
    ("ThrottlingException", "daily", _SPENT),
    ("ThrottlingException", "", _TOO_FAST),
    ("Throttling", "daily", _SPENT),
    ("Throttling", "", _TOO_FAST),
    ("SendingPausedException", "", Meaning(Held, "ses_sending_paused", 300)),
    ("AccountSuspendedException", "", Meaning(Held, "ses_account_suspended", 900)),
    ("NotFoundException", "", Meaning(Throttled, "ses_configuration_missing", 300)),
    ("MailFromDomainNotVerifiedException", "", Meaning(Deferred, "ses_mail_from_not_verified", 300)),
    ("MessageRejected", "not verified", Meaning(Deferred, "ses_identity_not_verified", 300)),
    ("MessageRejected", "", Meaning(Failed, "ses_message_rejected")),
)
# What SES says of the account, too: who is meant, it says when it is asked for the tenant.
_OF_TENANTS = ("ses_sending_paused", "ses_configuration_missing")
UPLOAD_BYTES_PER_SECOND = 1024 * 1024  # slower than that counts as hanging
_GREETING_SECONDS = 2.0


class SesTransport(Protocol):
    """One request to SES and its answer. Raises what `Provider.send` raises."""

    async def send_raw(
        self, content: bytes, recipient: str, tags: dict[str, str], service_id: UUID, begun: Begun
    ) -> str:
        """The SES message id."""
        ...

    async def greet(self) -> None: ...

    async def close(self) -> None: ...


class SesProvider:
    """Relays mail through SES. The status stays `sending` until an event tells more."""

    name = EmailProvider.SES.value
    idempotent = False
    paced = False

    def __init__(self, transport: SesTransport, region: str) -> None:
        self._transport = transport
        self._domain = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        recipient = str(message.recipient)
        if not recipient.isascii():  # SES has no SMTPUTF8 (RFC 6531)
            raise Failed("recipient_not_ascii")
        tags = {"message_id": str(message.id), "attempt_id": str(attempt_id)}
        return Receipt(await self._transport.send_raw(content, recipient, tags, message.service_id, begun))

    async def greet(self) -> None:
        await self._transport.greet()

    def message_id(self, provider_id: str) -> str | None:
        return f"<{provider_id}@{self._domain}>"  # SES puts it in place of the message's own

    async def close(self) -> None:
        await self._transport.close()


class AiobotocoreTransport:
    """The SDK's client. Made by `open`; one per process and event loop, for at most `concurrency` calls at once."""

    def __init__(self, client: Any, settings: Aws, stack: AsyncExitStack) -> None:
        self._client = client
        self._stack = stack
        self._timeout_seconds = settings.connect_timeout_seconds + settings.read_timeout_seconds
        self._fixed = {"ConfigurationSetName": settings.configuration_set} if settings.configuration_set else {}
        self._tenant_prefix = settings.tenant_prefix
        self._tenants = Tenants(client)

    @classmethod
    async def open(cls, settings: Aws, concurrency: int) -> "AiobotocoreTransport":
        """Makes the client; no request goes out yet."""
        stack = AsyncExitStack()
        client = await stack.enter_async_context(open_client("sesv2", settings, concurrency))
        return cls(client, settings, stack)

    async def send_raw(
        self, content: bytes, recipient: str, tags: dict[str, str], service_id: UUID, begun: Begun
    ) -> str:
        prefix = self._tenant_prefix
        tenant = None if prefix is None else ses_tenants.name(prefix, service_id)
        limit = self._timeout_seconds + len(content) / UPLOAD_BYTES_PER_SECOND
        try:
            async with called(limit, begun):
                answer = await self._client.send_email(
                    # No FromEmailAddress or ReplyToAddresses: SES would replace the fields that we signed.
                    Destination={"ToAddresses": [recipient]},
                    Content={"Raw": {"Data": content}},
                    EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                    **self._fixed,
                    **({} if tenant is None else {"TenantName": tenant}),
                )
        except (ClientError, BotoCoreError, ResponseParserError, TimeoutError) as error:
            said = classify(error, ERRORS)  # its text holds addresses
            if tenant is not None and said.reason in _OF_TENANTS and not await self._tenants.sends(tenant):
                raise TenantHeld("ses_tenant_paused") from None
            raise said from None
        provider_id = answer.get("MessageId")
        if not provider_id:
            raise Unknown("ses_no_message_id")
        return str(provider_id)

    async def greet(self) -> None:
        with contextlib.suppress(ClientError, BotoCoreError, ResponseParserError, TimeoutError):
            async with asyncio.timeout(_GREETING_SECONDS):
                await self._client.get_account()

    async def close(self) -> None:
        await self._stack.aclose()


async def open_provider(settings: Aws, concurrency: int) -> SesProvider:
    """SES by the SDK, for at most `concurrency` sends at once. Close it on the same event loop."""
    return SesProvider(await AiobotocoreTransport.open(settings, concurrency), settings.region)
