"""AWS End User Messaging: one text to one number per call (SendTextMessage of pinpoint-sms-voice-v2).

It has no client token either: the context lets an event name the attempt whose answer was lost.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from config.providers import SmsProvider
from config.settings import Aws, Sms
from delivery.providers.aws import Errors, Meaning, called, classify, open_client
from delivery.providers.base import Begun, Deferred, Failed, Held, Receipt, Throttled, TooFast, Unknown, nothing
from messages.message import Message
from messages.status import Status

SERVICE = "pinpoint-sms-voice-v2"
LIVES_SECONDS = (5, 259_200)  # what TimeToLive may be
OPTED_OUT = "opted-out"
_GREETING_SECONDS = 2.0

# Those of AWS's reasons by which it refuses one text for good; ours is the same in lower case. Notify's words for it
# are technical-failure; GC Notify says provider-failure, with such a reason beside it.
_CONFLICTS = (
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",  # the account is in the sandbox
    "NO_ORIGINATION_IDENTITIES_FOUND",
    "RESOURCE_NOT_ACTIVE",
    "NUMBER_CAPABILITIES_MISMATCH",
    "MESSAGE_TYPE_MISMATCH",
)
_INVALID = (
    "DESTINATION_COUNTRY_BLOCKED",
    "COUNTRY_NOT_ENABLED",
    "INTERNATIONAL_SENDING_NOT_SUPPORTED",
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY",
    "MAXIMUM_SIZE_EXCEEDED",
    "PRICE_OVER_THRESHOLD",
    "SENDER_ID_NOT_REGISTERED",
    "SENDER_ID_NOT_SUPPORTED",
    "SENDER_ID_REQUIRES_REGISTRATION",
)


def _for_good(code: str, reasons: tuple[str, ...]) -> Errors:
    return tuple((code, reason, Meaning(Failed, reason.lower().replace("_", "-"))) for reason in reasons)


ERRORS: Errors = (
    ("ThrottlingException", "", Meaning(TooFast, "aws_rate", 1)),
    (
        "ConflictException",
        "DESTINATION_PHONE_NUMBER_OPTED_OUT",
        Meaning(Failed, OPTED_OUT, status=Status.PERMANENT_FAILURE),
    ),
    *_for_good("ConflictException", _CONFLICTS),
    ("ConflictException", "", Meaning(Failed, "conflict")),
    *_for_good("ValidationException", _INVALID),
    # Of the month, in dollars: AWS raises it on request.
    ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT", Meaning(Held, "sms_spend_limit", 900)),
    ("ServiceQuotaExceededException", "", Meaning(Held, "sms_quota", 900)),
    ("AccessDeniedException", "ACCOUNT_DISABLED", Meaning(Held, "sms_account_disabled", 900)),
    ("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION", Meaning(Held, "sms_account_reputation", 900)),
    ("ResourceNotFoundException", "configuration-set", Meaning(Throttled, "sms_configuration_missing", 300)),
    ("ResourceNotFoundException", "", Meaning(Deferred, "sms_sender_missing", 300)),
)


class AwsSmsProvider:
    """Sends texts by AWS. The status stays `sending` until an event tells more. `now` gives seconds since the epoch."""

    name = SmsProvider.AWS.value
    idempotent = False
    paced = True

    def __init__(self, client: Any, aws: Aws, settings: Sms, stack: AsyncExitStack, now: Callable[[], float]) -> None:
        self._client = client
        self._stack = stack
        self._now = now
        self._timeout_seconds = aws.connect_timeout_seconds + aws.read_timeout_seconds
        fixed = {"ConfigurationSetName": settings.configuration_set, "MaxPrice": settings.max_price}
        self._fixed = {name: value for name, value in fixed.items() if value}

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        try:
            async with called(self._timeout_seconds, begun):
                answer = await self._client.send_text_message(**self._call(message, content, attempt_id, origin))
        except (ClientError, BotoCoreError, ResponseParserError, TimeoutError) as error:
            raise classify(error, ERRORS) from None  # its text holds numbers
        provider_id = answer.get("MessageId")
        if not provider_id:
            raise Unknown("aws_no_message_id")
        return Receipt(str(provider_id))

    def _call(self, message: Message, content: bytes, attempt_id: UUID, origin: str | None) -> dict[str, Any]:
        least, most = LIVES_SECONDS
        return {
            "DestinationPhoneNumber": str(message.recipient),
            "MessageBody": content.decode(),
            "MessageType": "TRANSACTIONAL",
            "TimeToLive": min(max(int(message.expires_at - self._now()), least), most),
            "Context": {"message_id": str(message.id), "attempt_id": str(attempt_id)},
            **({"OriginationIdentity": origin} if origin else {}),
            **self._fixed,
        }

    async def greet(self) -> None:
        with contextlib.suppress(ClientError, BotoCoreError, ResponseParserError, TimeoutError):
            async with asyncio.timeout(_GREETING_SECONDS):
                await self._client.describe_account_attributes()

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None:
        await self._stack.aclose()


def open_sms_client(aws: Aws, settings: Sms, concurrency: int) -> AbstractAsyncContextManager[Any]:
    """A client as `open_client` makes it; SES's own address is not that of texts."""
    return open_client(SERVICE, aws.model_copy(update={"endpoint_url": settings.endpoint_url}), concurrency)


async def open_provider(aws: Aws, settings: Sms, concurrency: int, now: Callable[[], float]) -> AwsSmsProvider:
    """For at most `concurrency` sends at once. Close it on the same event loop."""
    stack = AsyncExitStack()
    client = await stack.enter_async_context(open_sms_client(aws, settings, concurrency))
    return AwsSmsProvider(client, aws, settings, stack, now)
