"""What SES grants the account."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from delivery.providers.aws import classify


@dataclass(frozen=True, slots=True)
class Account:
    """What SES grants us in this region. Quotas count recipients; None is no limit."""

    max_per_second: float
    max_per_day: float | None
    sent_last_day: float
    sending_enabled: bool
    production: bool  # False: sandbox, verified recipients only


async def account(client: Any) -> Account:
    """Asks SES (a `sesv2` client; about one call a second is allowed). Raises a SendError that names what is wrong."""
    try:
        answer = await client.get_account()
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise classify(error) from None
    quota = answer.get("SendQuota", {})
    max_per_day = quota.get("Max24HourSend", 0.0)
    return Account(
        max_per_second=quota.get("MaxSendRate", 0.0),
        max_per_day=None if max_per_day < 0 else max_per_day,
        sent_last_day=quota.get("SentLast24Hours", 0.0),
        sending_enabled=answer.get("SendingEnabled", False),
        production=answer.get("ProductionAccessEnabled", False),
    )
