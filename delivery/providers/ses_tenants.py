"""SES tenants: what one service sends has its own reputation there, and SES pauses that one alone."""

import asyncio
import time
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from delivery.providers.aws import classify
from delivery.providers.base import SendError

_PAUSED = "DISABLED"
_KNOWN_SECONDS = 10.0
MISSING = "NotFoundException"


def name(prefix: str, service_id: UUID) -> str:
    return f"{prefix}{service_id}"


async def sends(client: Any, tenant: str) -> bool:
    """Whether SES sends for it: not where it is paused, or is not there. Raises a SendError that names what is wrong.

    `client` is of `sesv2`.
    """
    try:
        answer = await client.get_tenant(TenantName=tenant)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == MISSING:
            return False
        raise classify(error) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise classify(error) from None
    return bool(answer.get("Tenant", {}).get("SendingStatus") != _PAUSED)


class Tenants:
    """What a worker's messages were told lately: SES takes few questions, and many messages have the same one."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asking = asyncio.Lock()
        self._known: dict[str, tuple[bool, float]] = {}

    async def sends(self, tenant: str) -> bool:
        """As `sends`; where SES does not say, it is taken to send: then the account is meant."""
        async with self._asking:
            known, at = self._known.get(tenant, (True, -_KNOWN_SECONDS))
            if time.monotonic() - at < _KNOWN_SECONDS:
                return known
            try:
                known = await sends(self._client, tenant)
            except SendError:
                return True
            self._known[tenant] = known, time.monotonic()
            return known
