"""Requests to go live: what a service is for and how much it will send, until somebody decides. One is open at a time.

Who may decide, and what has to be done before, is not known here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Select, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import BAD_VOLUME, LONG_USE_CASE, NO_USE_CASE, REQUEST_UNKNOWN, AuthError
from auth.principal import Service
from auth.services import service, services
from config.database import Id, metadata
from config.settings import Limits

MAX_CHARACTERS = 2000
MAX_VOLUME = 2**31 - 1  # what a column of integers holds
_AT_ONCE = 100  # on the list of those who decide

requests = Table(
    "go_live_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False, index=True),
    Column("purposes", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("emails_per_day", Integer, nullable=False),
    Column("emails_per_year", Integer, nullable=False),
    Column("texts_per_day", Integer, nullable=False),
    Column("texts_per_year", Integer, nullable=False),
    Column("asked_by", Id),  # a user, who accepted the terms; null: it is being written
    Column("asked_at", Double),
    Column("decided_by", Id),  # a user
    Column("decided_at", Double),
    Column("approved", Boolean),
    Column("remark", Text),  # of who decided
)
_c = requests.c
_OPEN = _c.decided_at.is_(None)
Index("go_live_requests_open", _c.service_id, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


class UseCase(TypedDict):
    """What for, to whom, and how much at most."""

    purposes: str
    recipients: str
    emails_per_day: int
    emails_per_year: int
    texts_per_day: int
    texts_per_year: int


@dataclass(frozen=True, slots=True)
class GoLiveRequest:
    """Times are seconds since the epoch."""

    id: UUID
    service_id: UUID
    purposes: str
    recipients: str
    emails_per_day: int
    emails_per_year: int
    texts_per_day: int
    texts_per_year: int
    asked_by: UUID | None
    asked_at: float | None
    decided_by: UUID | None
    decided_at: float | None
    approved: bool | None
    remark: str | None

    @property
    def waits(self) -> bool:
        """For a decision."""
        return self.asked_at is not None and self.decided_at is None

    @property
    def use_case(self) -> UseCase:
        return UseCase(
            purposes=self.purposes,
            recipients=self.recipients,
            emails_per_day=self.emails_per_day,
            emails_per_year=self.emails_per_year,
            texts_per_day=self.texts_per_day,
            texts_per_year=self.texts_per_year,
        )


async def latest(connection: AsyncConnection, service_id: UUID) -> GoLiveRequest | None:
    """The one that is open, else the one decided last."""
    mine = select(requests).where(_c.service_id == service_id)
    return await _one(connection, mine.order_by(_OPEN.desc(), _c.decided_at.desc()).limit(1))


async def get(connection: AsyncConnection, request_id: UUID) -> GoLiveRequest:
    """One that was asked. Raises AuthError."""
    found = await _one(connection, select(requests).where(_c.id == request_id, _c.asked_at.is_not(None)))
    if found is None:
        raise AuthError(REQUEST_UNKNOWN)
    return found


async def waiting(
    connection: AsyncConnection, limits: Limits, organisation_ids: Collection[UUID] | None = None
) -> list[tuple[GoLiveRequest, Service]]:
    """Those that wait for a decision, the oldest of them; of the services of these organisations alone, or of all."""
    asked = select(requests, services).join_from(requests, services).where(_OPEN, _c.asked_at.is_not(None))
    if organisation_ids is not None:
        asked = asked.where(services.c.organisation_id.in_(organisation_ids))
    rows = await connection.execute(asked.order_by(_c.asked_at, _c.id).limit(_AT_ONCE))
    return [(GoLiveRequest(**{each.name: row[each] for each in _c}), service(row, limits)) for row in rows.mappings()]


async def write(connection: AsyncConnection, service_id: UUID, use_case: UseCase) -> GoLiveRequest:
    """In place of what was written before. Raises AuthError when it is unusable. Whoever calls holds the service's row,
    and has seen that none waits.
    """
    values = _checked(use_case)
    found = await latest(connection, service_id)
    if found is None or found.decided_at is not None:
        await connection.execute(insert(requests).values(id=uuid4(), service_id=service_id, **values))
    else:
        await connection.execute(update(requests).where(_c.id == found.id).values(**values))
    written = await latest(connection, service_id)
    assert written is not None
    return written


async def ask(connection: AsyncConnection, request: GoLiveRequest, user_id: UUID, now: float) -> GoLiveRequest:
    """From now on it waits for a decision."""
    await connection.execute(update(requests).where(_c.id == request.id).values(asked_by=user_id, asked_at=now))
    return await get(connection, request.id)


async def decide(
    connection: AsyncConnection, request: GoLiveRequest, user_id: UUID, now: float, *, approved: bool, remark: str
) -> GoLiveRequest:
    """Raises AuthError when somebody else was quicker."""
    mine = update(requests).where(_c.id == request.id, _OPEN)
    decided = {"decided_by": user_id, "decided_at": now, "approved": approved, "remark": remark or None}
    if not (await connection.execute(mine.values(**decided))).rowcount:
        raise AuthError(REQUEST_UNKNOWN)
    return await get(connection, request.id)


def _checked(use_case: UseCase) -> UseCase:
    purposes, recipients = use_case["purposes"].strip(), use_case["recipients"].strip()
    if not purposes or not recipients:
        raise AuthError(NO_USE_CASE)
    if max(len(purposes), len(recipients)) > MAX_CHARACTERS:
        raise AuthError(LONG_USE_CASE, limit=MAX_CHARACTERS)
    for number in use_case.values():
        if isinstance(number, int) and not 0 <= number <= MAX_VOLUME:
            raise AuthError(BAD_VOLUME, most=MAX_VOLUME)
    return UseCase(**use_case | {"purposes": purposes, "recipients": recipients})


async def _one(connection: AsyncConnection, statement: Select[tuple[object, ...]]) -> GoLiveRequest | None:
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else GoLiveRequest(**row)
