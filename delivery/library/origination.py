"""Origination identities: the numbers and pools that texts come from, each with its pace. On the command line: senders.

Shared, or of one service. Several that are the default for one country share its texts. Knows nothing of AWS's answers.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Connection, Double, Table, delete, false, insert, or_, select, update
from sqlalchemy import Text as TextType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Database, Id, metadata
from messages.message import Language
from messages.text import Text, TextError

ANYWHERE = "*"  # in place of a country: all that no other of them names
MAX_PARTS_PER_SECOND = 1000
KEEP_SECONDS = 5.0

origination_identities = Table(
    "origination_identities",
    metadata,
    Column("id", Id, primary_key=True),  # UUIDv4: published API clients check it
    Column("kind", TextType, nullable=False),
    Column("identity", TextType, nullable=False, unique=True),
    Column("service_id", Id, index=True),  # null: shared
    Column("countries", TextType, nullable=False),  # with spaces between them
    Column("preferred", Boolean, nullable=False),
    Column("parts_per_second", Double, nullable=False),
    Column("language", TextType, nullable=False),
    Column("self_managed_opt_outs", Boolean, nullable=False, server_default=false()),
    Column("created_at", Double, nullable=False),
    Column("members", TextType, nullable=False, server_default=""),  # a pool's numbers, with spaces between them
    # The pace, by the database's clock: when the next part may leave, and until when AWS wants to hear of none.
    Column("next_at", Double, nullable=False, server_default="0"),
    Column("held_until", Double, nullable=False, server_default="0"),
)
_c = origination_identities.c
_PACE = {"next_at", "held_until"}
_COLUMNS = [column for column in origination_identities.c if column.name not in _PACE]


class Kind(StrEnum):
    """Of a number, or of several behind one name. What each is granted at first by AWS stands in `_DEFAULTS`."""

    LONG_CODE = "long-code"
    SHORT_CODE = "short-code"
    TOLL_FREE = "toll-free"
    POOL = "pool"


# Parts a second and countries, unless somebody says otherwise. Toll-free numbers reach the United States only.
_DEFAULTS: dict[Kind, tuple[float, tuple[str, ...]]] = {
    Kind.LONG_CODE: (1, ("CA",)),
    Kind.SHORT_CODE: (100, ("CA",)),
    Kind.TOLL_FREE: (3, ("US",)),
    Kind.POOL: (1, ("CA",)),
}
_NUMBER = (re.compile(r"\+[1-9][0-9]{7,14}"), Text("a number in E.164, as +16135550100"))
_WRITTEN = {
    Kind.LONG_CODE: _NUMBER,
    Kind.SHORT_CODE: (re.compile(r"[0-9]{5,6}"), Text("five or six digits")),
    Kind.TOLL_FREE: _NUMBER,
    Kind.POOL: (
        re.compile(r"(pool-|arn:)[A-Za-z0-9_:/-]{1,250}"),
        Text("AWS's id or ARN of it, as pool-0123456789abcdef"),
    ),
}
_COUNTRY = re.compile(r"[A-Z]{2}|\*")


class OriginationError(TextError):
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class OriginationIdentity:
    id: UUID
    kind: Kind
    identity: str  # as AWS knows it
    service_id: UUID | None  # that alone may use it; None: shared
    countries: tuple[str, ...]  # that it may send to, in ISO 3166
    preferred: bool  # taken where nobody names one: by its service, or by all
    parts_per_second: float
    language: Language  # of what it answers to keywords
    self_managed_opt_outs: bool  # as it is set in AWS: we answer keywords; else AWS does, and keeps a list of its own
    created_at: float
    members: tuple[str, ...] = ()  # the numbers of a pool, as AWS told last

    def is_written_to_at(self, number: str) -> bool:
        return number == self.identity or number in self.members

    def serves(self, country: str) -> bool:
        return country in self.countries or ANYWHERE in self.countries

    def is_usable_by(self, service_id: UUID) -> bool:
        return self.service_id in (None, service_id)


# -- As people change them -----------------------------------------------------------------------------------------
async def add(
    connection: AsyncConnection,
    now: float,
    *,
    kind: Kind,
    identity: str,
    service_id: UUID | None = None,
    countries: Sequence[str] = (),
    preferred: bool = True,
    parts_per_second: float | None = None,
    language: Language = Language.BOTH,
    self_managed_opt_outs: bool = False,
    members: Sequence[str] = (),
) -> OriginationIdentity:
    """Raises OriginationError."""
    rate, usual = _DEFAULTS[kind]
    written, example = _WRITTEN[kind]
    if not written.fullmatch(identity):
        raise OriginationError("{identity} cannot be used: a {kind} is {example}", identity=identity, kind=kind,
                               example=example)  # fmt: skip
    values = _checked(countries=countries or usual, parts_per_second=parts_per_second or rate, preferred=preferred,
                      language=language, self_managed_opt_outs=self_managed_opt_outs)  # fmt: skip
    row = {"id": uuid4(), "kind": kind, "identity": identity, "service_id": service_id, "created_at": now,
           "members": " ".join(members)}  # fmt: skip
    taken = await connection.scalar(select(_c.id).where(_c.identity == identity))
    try:
        if taken is None:
            await connection.execute(insert(origination_identities).values(**row, **values))
    except IntegrityError:
        taken = row["id"]
    if taken is not None:
        raise OriginationError("{identity} was added before", identity=identity)
    return await find(connection, str(row["id"]))


async def find(connection: AsyncConnection, named: str) -> OriginationIdentity:
    """By its id, or as AWS knows it. Raises OriginationError."""
    for each in await list_all(connection):
        if named in (str(each.id), each.identity):
            return each
    raise OriginationError("there is no sender {named}", named=named)


async def list_all(connection: AsyncConnection, service_id: UUID | None = None) -> list[OriginationIdentity]:
    """Oldest first; of a service those it may use."""
    statement = select(*_COLUMNS).order_by(_c.created_at, _c.id)
    if service_id is not None:
        statement = statement.where(or_(_c.service_id.is_(None), _c.service_id == service_id))
    return [_identity(row) for row in await connection.execute(statement)]


def owners(connection: Connection, numbers: Collection[str]) -> dict[str, UUID | None]:
    """Which service has each of these numbers for itself; None: they share it. Missing where it was never added, be it
    by itself or in a pool.
    """
    return {number: row.service_id for number, row in _behind(connection, numbers).items()}


def self_managed(connection: Connection, numbers: Collection[str]) -> frozenset[str]:
    """Those of these numbers at which we answer keywords ourselves."""
    return frozenset(number for number, row in _behind(connection, numbers).items() if row.self_managed_opt_outs)


def _behind(connection: Connection, numbers: Collection[str]) -> dict[str, Any]:
    """The identity of each of these numbers: what is said of a number itself comes before what is said of its pool."""
    columns = select(_c.identity, _c.service_id, _c.self_managed_opt_outs, _c.members)
    found: dict[str, Any] = {}
    for row in connection.execute(columns.where(_c.members != "").order_by(_c.created_at, _c.id)):
        found |= dict.fromkeys({*row.members.split()} & {*numbers}, row)
    return found | {row.identity: row for row in connection.execute(columns.where(_c.identity.in_(numbers)))}


def note_members(connection: Connection, members: Mapping[str, Sequence[str]]) -> list[str]:
    """Writes which numbers are behind each pool, by its id at AWS; returns the pools where that is new."""
    pools = connection.execute(select(_c.id, _c.identity, _c.members).where(_c.kind == Kind.POOL))
    told = {row: " ".join(members.get(row.identity.rpartition("/")[2], ())) for row in pools}
    changed = {row: numbers for row, numbers in told.items() if numbers != row.members}
    for row, numbers in changed.items():
        connection.execute(update(origination_identities).where(_c.id == row.id).values(members=numbers))
    return [row.identity for row in changed]


async def change(connection: AsyncConnection, identity_id: UUID, **changes: Any) -> OriginationIdentity:
    """Writes what is named of what `add` takes from `countries` on. Raises OriginationError."""
    values = _checked(**changes)
    await connection.execute(update(origination_identities).where(_c.id == identity_id).values(**values))
    return await find(connection, str(identity_id))


async def remove(connection: AsyncConnection, identity_id: UUID) -> None:
    await connection.execute(delete(origination_identities).where(_c.id == identity_id))


def _checked(**values: Any) -> dict[str, Any]:
    """As the table keeps them. Raises OriginationError."""
    rate, countries = values.get("parts_per_second"), values.get("countries")
    if rate is not None and not 0 < rate <= MAX_PARTS_PER_SECOND:
        raise OriginationError("a sender has more than 0 and at most {most} parts a second", most=MAX_PARTS_PER_SECOND)
    if countries is not None:
        upper = sorted({each.upper() for each in countries})
        if not upper or not all(map(_COUNTRY.fullmatch, upper)):
            raise OriginationError("a country is two letters, as CA; {anywhere} is all others", anywhere=ANYWHERE)
        values["countries"] = " ".join(upper)
    return values


def _identity(row: Any) -> OriginationIdentity:
    return OriginationIdentity(
        id=row.id,
        kind=Kind(row.kind),
        identity=row.identity,
        service_id=row.service_id,
        countries=tuple(row.countries.split()),
        preferred=row.preferred,
        parts_per_second=row.parts_per_second,
        language=Language(row.language),
        self_managed_opt_outs=row.self_managed_opt_outs,
        created_at=row.created_at,
        members=tuple(row.members.split()),
    )


# -- Which of them a text may leave from ---------------------------------------------------------------------------
def candidates(
    identities: Sequence[OriginationIdentity], service_id: UUID, country: str, asked: UUID | None
) -> Sequence[OriginationIdentity]:
    """The one that is asked for; else the service's own, else everybody's, for a country. None: none of them is there.

    Of those that name the country, before those for anywhere.
    """
    usable = [each for each in identities if each.is_usable_by(service_id)]
    if asked is not None:
        return [each for each in usable if each.id == asked]
    serving = [each for each in usable if each.preferred and each.serves(country)]
    for found in ([each for each in serving if country in each.countries], serving):
        if found:
            return [each for each in found if each.service_id is not None] or found
    return ()


# -- As doors and workers read them --------------------------------------------------------------------------------
class OriginationIdentities:
    """All of them, read again after five seconds. One per process; `now` gives seconds since the epoch."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._read_at = float("-inf")
        self._all: Sequence[OriginationIdentity] = ()

    async def all(self) -> Sequence[OriginationIdentity]:
        """Raises as the database does."""
        if not 0 <= self._now() - self._read_at <= KEEP_SECONDS:  # below 0: the clock was set back
            async with self._database.read() as connection:
                self._all, self._read_at = await list_all(connection), self._now()
        return self._all

    async def find(self, service_id: UUID, identity_id: UUID) -> OriginationIdentity | None:
        """The one with this id, where the service may use it. Raises as the database does."""
        return next(iter(candidates(await self.all(), service_id, "", identity_id)), None)

    async def number(self, service_id: UUID, country: str, asked: UUID | None) -> str | None:
        """The number that a text leaves from, where there is no choice; None: it is chosen when the text leaves.

        Raises as the database does.
        """
        found = candidates(await self.all(), service_id, country, asked)
        return found[0].identity if len(found) == 1 and found[0].kind is not Kind.POOL else None
