"""What AWS has of the account and of each sender of texts, and what to do about it. Asked, and nothing is sent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import phonenumbers

from config.settings import Settings
from delivery.library.origination import ANYWHERE, OriginationIdentity
from delivery.providers.base import Failed, SendError
from messages.text import Text
from relay.actions.errors import (
    SENDER_GOOD,
    SENDER_REFUSED,
    SENDER_TOO_FAST,
    SENDER_UNKNOWN_TO_AWS,
    SMS_ACCOUNT,
    SMS_IS_OUTBOX,
    SMS_NO_SENDER,
    SMS_SANDBOX,
    SMS_UNASKABLE,
    ActionError,
)

_HOME = "CA"


@dataclass(frozen=True, slots=True)
class Examined:
    """`problem` is None when all is well."""

    sender: OriginationIdentity
    problem: Text | None
    detail: Text


async def account(settings: Settings, senders: Sequence[OriginationIdentity]) -> Text:
    """What the account may send. Raises ActionError."""
    if not settings.sms.traits.asks_aws:
        return Text(SMS_IS_OUTBOX, {"dir": settings.outbox.dir})
    from delivery.providers import aws_sms_account

    try:
        async with _asking(settings) as client:
            found = await aws_sms_account.account(client)
    except SendError as error:
        raise ActionError(SMS_UNASKABLE, reason=error.reason) from None
    if not senders:
        raise ActionError(SMS_NO_SENDER)
    values = {"region": settings.aws.region, "dollars": found.dollars_per_month or "?"}
    return Text(SMS_ACCOUNT if found.production else SMS_SANDBOX, values)


async def members(settings: Settings, pool: str) -> tuple[str, ...]:
    """The numbers of a pool. None where AWS sends no texts, or does not say: they are read again each hour."""
    if not settings.sms.traits.asks_aws:
        return ()
    from delivery.providers import aws_sms_account

    try:
        async with _asking(settings) as client:
            return (await aws_sms_account.members(client)).get(pool.rpartition("/")[2], ())
    except SendError:
        return ()


async def examine(settings: Settings, senders: Sequence[OriginationIdentity]) -> list[Examined]:
    """Each sender by a dry run to its first country. Nothing where AWS sends no texts, or does not answer."""
    if not settings.sms.traits.asks_aws or not senders:
        return []
    from delivery.providers import aws_sms_account

    try:
        async with _asking(settings) as client:
            rates = await aws_sms_account.rates(client)
            return [await _examined(client, settings, each, rates.get(each.identity)) for each in senders]
    except SendError as error:
        return [Examined(each, Text(SMS_UNASKABLE, {"reason": error.reason}), Text("")) for each in senders]


async def _examined(client: Any, settings: Settings, sender: OriginationIdentity, rate: float | None) -> Examined:
    from delivery.providers import aws_sms_account

    country = sender.countries[0]
    values = {"sender": sender.identity, "country": country, "rate": f"{sender.parts_per_second:g}"}
    good = Text(SENDER_GOOD, values)
    try:
        number = example(country)
        await aws_sms_account.try_out(client, sender.identity, number, settings.sms.configuration_set)
    except SendError as error:
        said = SENDER_UNKNOWN_TO_AWS if error.reason == "sms_sender_missing" else SENDER_REFUSED
        said = said if isinstance(error, Failed) or said == SENDER_UNKNOWN_TO_AWS else SMS_UNASKABLE
        return Examined(sender, Text(said, values | {"reason": error.reason}), good)
    if rate is not None and rate < sender.parts_per_second:
        return Examined(sender, Text(SENDER_TOO_FAST, values | {"granted": f"{rate:g}", "id": sender.id}), good)
    return Examined(sender, None, good)


def example(country: str) -> str:
    """A number there that is nobody's, or at least a usual one, in E.164."""
    region = _HOME if country == ANYWHERE else country
    found = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if found is None:  # no such country: what AWS says of any number
        return example(_HOME)
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


@asynccontextmanager
async def _asking(settings: Settings) -> AsyncIterator[Any]:
    from delivery.providers.aws_sms import open_sms_client  # takes long to import, and few commands need it

    async with open_sms_client(settings.aws, settings.sms, 1) as client:
        yield client
