"""What AWS grants for texts: to the account, and to each number. Asked, and nothing is sent."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from delivery.providers.aws import classify
from delivery.providers.aws_sms import ERRORS

_SPEND_LIMIT = "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT"
_PAGES = 20  # of a hundred numbers each


@dataclass(frozen=True, slots=True)
class Account:
    production: bool  # False: sandbox, verified recipients only
    dollars_per_month: int | None  # that texts may cost; None: AWS does not say


async def account(client: Any) -> Account:
    """Raises a SendError that names what is wrong."""
    try:
        attributes = await client.describe_account_attributes()
        limits = await client.describe_spend_limits()
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise classify(error, ERRORS) from None
    tiers = {each["Name"]: each["Value"] for each in attributes.get("AccountAttributes", ())}
    dollars = {each["Name"]: each["EnforcedLimit"] for each in limits.get("SpendLimits", ())}
    return Account(tiers.get("ACCOUNT_TIER") == "PRODUCTION", dollars.get(_SPEND_LIMIT))


async def rates(client: Any) -> dict[str, float]:
    """The parts a second of each number of which AWS says it. Raises a SendError."""
    told = {each["PhoneNumber"]: each.get("MessagingLimits", {}).get("RateLimits", {}).get("SMS")
            async for each in _numbers(client)}  # fmt: skip
    return {number: rate for number, rate in told.items() if rate is not None}


async def members(client: Any) -> dict[str, tuple[str, ...]]:
    """The numbers of each pool, by its id. Raises a SendError."""
    found: dict[str, tuple[str, ...]] = {}
    async for each in _numbers(client):
        if pool := each.get("PoolId"):
            found[pool] = (*found.get(pool, ()), each["PhoneNumber"])
    return {pool: tuple(sorted(numbers)) for pool, numbers in found.items()}


async def _numbers(client: Any) -> AsyncIterator[Mapping[str, Any]]:
    page: dict[str, Any] = {}
    try:
        for _ in range(_PAGES):
            page = await client.describe_phone_numbers(**({"NextToken": page["NextToken"]} if page else {}))
            for number in page.get("PhoneNumbers", ()):
                yield number
            if not page.get("NextToken"):
                break
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise classify(error, ERRORS) from None


async def try_out(client: Any, identity: str, number: str, configuration_set: str | None) -> None:
    """Whether AWS would take a text from it to this number, by a dry run. Raises a SendError."""
    fixed = {"ConfigurationSetName": configuration_set} if configuration_set else {}
    try:
        await client.send_text_message(
            DestinationPhoneNumber=number,
            OriginationIdentity=identity,
            MessageBody="Dry run",
            MessageType="TRANSACTIONAL",
            DryRun=True,
            **fixed,
        )
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise classify(error, ERRORS) from None  # its text holds numbers
