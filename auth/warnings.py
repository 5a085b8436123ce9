"""Warnings: a service has used most, or all, of what it may send in a fiscal year, and its contact is told once.

Noted in the transaction that counts. Knows nothing of how it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import notices
from auth.notices import Kind, Notice
from messages.message import Channel

PERCENTS = (80, 100)


@dataclass(frozen=True, slots=True)
class Reached:
    """So much of a year's limit is used."""

    service_id: UUID
    channel: Channel
    year: int  # that the fiscal year begins in
    percent: int
    per_year: int  # emails, or parts of text messages
    used: int
    reached_at: float

    @property
    def notice(self) -> Notice:
        # Of another limit it is another warning.
        about = f"{self.service_id} {self.channel} {self.year} {self.percent} {self.per_year}"
        said = {"channel": self.channel.value, "year": self.year, "percent": self.percent}
        said |= {"per_year": self.per_year, "used": self.used}
        return Notice(Kind.LIMIT, about, self.service_id, said, self.reached_at)

    @classmethod
    def of(cls, notice: Notice) -> "Reached":
        assert notice.service_id is not None
        said = {**notice.said, "channel": Channel(notice.said["channel"])}
        return cls(service_id=notice.service_id, reached_at=notice.noted_at, **said)


@dataclass(frozen=True, slots=True)
class Warned:
    """What became of one."""

    reached: Reached
    ended_at: float | None
    message_id: UUID | None


def percent_reached(used: int, limit: int) -> int | None:
    """The last of PERCENTS that was reached; None before the first."""
    return max((percent for percent in PERCENTS if used * 100 >= percent * limit), default=None)


def note(connection: Connection, reached: Sequence[Reached]) -> None:
    """Inside the transaction that counted. What was noted before stays as it was."""
    notices.note(connection, [each.notice for each in reached])


async def of_year(connection: AsyncConnection, service_id: UUID, year: int) -> list[Warned]:
    """A service's, oldest first."""
    fates = await notices.of_service(connection, service_id, Kind.LIMIT)
    warned = [Warned(Reached.of(fate.notice), fate.ended_at, fate.message_id) for fate in fates]
    return [each for each in warned if each.reached.year == year]
