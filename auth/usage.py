"""What a service has used of its limits, for people. A few reads by key; nothing is counted here."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import limits, warnings
from auth.fiscal_year import FiscalYear
from auth.limits import DAY_SECONDS, Charge
from auth.principal import Service
from auth.warnings import Warned
from messages.message import Channel


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one limit in its present window. Times are seconds since the epoch."""

    period: str  # day or year
    counts: str  # emails, parts (of text messages) or tests (messages of its test keys)
    used: int
    limit: int
    lifts_at: float
    warned_percent: int | None  # the last that was reached of this limit, with or without somebody to tell; of a year
    warned_at: float | None  # when the contact was told of it; None: nobody was, or not yet


async def of_service(connection: AsyncConnection, service: Service, now: float) -> list[Usage]:
    """All its limits: what the door counts by, read from the rows in which it counts."""
    charges = [charge for channel in Channel for charge in limits.of_service(service, channel)]
    charges.append(limits.of_tests(service))
    used = await limits.used_of(connection, charges, now)
    year = FiscalYear.at(now, service.time_zone).begins_in
    warned = await warnings.of_year(connection, service.id, year)
    return [_usage(charge, count, warned, now) for charge, count in zip(charges, used, strict=True)]


def _usage(charge: Charge, used: int, warned: Sequence[Warned], now: float) -> Usage:
    last = _last(charge, warned)
    return Usage(
        period="day" if charge.span_seconds == DAY_SECONDS else "year",
        counts=charge.counts.value,
        used=used,
        limit=charge.limit,
        lifts_at=charge.lifts_at(now),
        warned_percent=last.reached.percent if last else None,
        warned_at=last.ended_at if last and last.message_id else None,
    )


def _last(charge: Charge, warned: Sequence[Warned]) -> Warned | None:
    """Of those of this limit as it is."""
    if charge.zone is None:
        return None
    mine = (each for each in warned if each.reached.channel is charge.channel and each.reached.per_year == charge.limit)
    return max(mine, key=lambda each: each.reached.percent, default=None)
