"""Brandings: what a service's messages look like, in versions that never change; some are built in.

A branding belongs to one service, or every service may use it. Knows nothing of how one looks (letterheads.py).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    false,
    func,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.keys import keys
from auth.services import services
from config.database import Database, Id, metadata
from delivery.library.letterheads import Letterheads
from delivery.library.versions import FRESH_SECONDS, Versions
from messages.email.branding import Branding
from messages.message import Language, parse_id
from messages.picture import Picture
from messages.variant import BUILT_IN, BrandType, Variant, VariantError, checked

MAX_ENTRIES = 128  # of up to 240 KB each
MAX_PICTURES = 32  # the same: those that mail readers asked for last
MAX_UNKNOWN = 1000  # guesses
FIELDS = ("name", "brand_type", "colour", "text", "alt_text_en", "alt_text_fr", "logo")

T = TypeVar("T")

brandings = Table(
    "brandings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("service_id", Id, index=True),
    Column("name", Text, nullable=False),
    Column("brand_type", Text, nullable=False),
    Column("colour", Text),
    Column("text", Text),
    Column("alt_text_en", Text),
    Column("alt_text_fr", Text),
    Column("logo", LargeBinary),
    Column("logo_name", Text, index=True),
    Column("logo_media_type", Text),
    Column("logo_width", Integer),
    Column("logo_height", Integer),
    Column("archived", Boolean, nullable=False, server_default=false()),
    Column("created_at", Double, nullable=False),
)


async def create(connection: AsyncConnection, service_id: UUID | None, now: float, **fields: Any) -> Variant:
    """A new branding in its first version, of one service or of all; `fields` are FIELDS.

    Raises VariantError when they cannot be used.
    """
    branding_id = uuid4()
    await _add(connection, branding_id, 1, service_id, now, dict.fromkeys(FIELDS) | fields)
    return await find(connection, branding_id)


async def update(connection: AsyncConnection, branding_id: UUID, now: float, **changes: Any) -> Variant:
    """A new version with what is named; messages accepted before keep theirs. Raises VariantError."""
    old = await _lock(connection, branding_id)
    fields = {name: getattr(old, name) for name in FIELDS} | changes
    await _add(connection, branding_id, old.version + 1, old.service_id, now, fields)
    return await find(connection, branding_id)


async def archive(connection: AsyncConnection, branding_id: UUID) -> Variant:
    """Doors take no more messages with it, within 2 seconds; those accepted are sent.

    Raises VariantError while a service or key has it: all that it sends would be refused.
    """
    await _lock(connection, branding_id)
    users = 0
    for column, living in ((services.c.branding, true()), (keys.c.branding, keys.c.revoked_at.is_(None))):
        counted = select(func.count()).where(column == str(branding_id), living)
        users += (await connection.execute(counted)).scalar_one()
    if users:
        raise VariantError("{count} services or keys have branding {id}; give them another first",
                           count=users, id=branding_id)  # fmt: skip
    await connection.execute(brandings.update().where(brandings.c.id == branding_id).values(archived=True))
    return await find(connection, branding_id)


async def find(connection: AsyncConnection, branding_id: UUID, version: int | None = None) -> Variant:
    """A version, the latest unless one is named. Raises VariantError when there is none."""
    variant = await _load(connection, branding_id, version)
    if variant is None:
        raise VariantError("there is no branding {id}", id=branding_id)
    return variant


async def list_all(connection: AsyncConnection, service_id: UUID | None = None) -> list[Variant]:
    """The built-in ones, then the latest versions of the others by name, without archived ones.

    With a service those that it may use.
    """
    latest = select(brandings.c.id, func.max(brandings.c.version).label("version")).group_by(brandings.c.id).subquery()
    statement = (
        _select()
        .join(latest, (latest.c.id == brandings.c.id) & (latest.c.version == brandings.c.version))
        .where(~brandings.c.archived)
    )
    if service_id is not None:
        statement = statement.where(or_(brandings.c.service_id == service_id, brandings.c.service_id.is_(None)))
    found = map(_variant, (await connection.execute(statement)).mappings())
    return [*BUILT_IN.values(), *sorted(found, key=lambda variant: (variant.name.casefold(), str(variant.id)))]


async def usable(connection: AsyncConnection, service_id: UUID | None, asked: str) -> str:
    """The id of the branding that has this id or name, if the service may use it; None: a service that is yet to be.

    Raises VariantError.
    """
    found = [
        str(variant.id)
        for variant in await list_all(connection, service_id)
        if asked in (str(variant.id), variant.name) and variant.service_id in (None, service_id)
    ]
    if not found:
        raise VariantError("the service has no branding {asked}", asked=asked)
    return _only(found, asked)


async def named(connection: AsyncConnection, asked: str) -> UUID:
    """The id of the branding that has this id, or alone this name. Raises VariantError."""
    if asked in BUILT_IN:
        raise VariantError("branding {id} is built in: make another one", id=asked)
    if (branding_id := parse_id(asked)) is not None:
        return branding_id
    found = [each.id for each in await list_all(connection) if each.name == asked and isinstance(each.id, UUID)]
    if not found:
        raise VariantError("there is no branding {id}", id=asked)
    return _only(found, asked)


def _only(found: list[T], asked: str) -> T:
    if len(found) > 1:
        raise VariantError("several brandings have the name {asked}; use the id of one", asked=asked)
    return found[0]


class Brandings:
    """What doors and workers take brandings from. Without a database the built-in ones."""

    def __init__(
        self,
        letterheads: Letterheads | None = None,
        database: Database | None = None,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._letterheads = letterheads or Letterheads()
        self._database = database
        self._versions: Versions[Variant] = Versions(self._load, now, MAX_ENTRIES)
        self._now = now
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()  # names that no picture had, and when

    async def find(self, service_id: UUID, asked: str, version: int | None = None) -> Variant | None:
        """A version of a branding by its id, the latest unless one is named; None when the service may not use it."""
        branding_id = parse_id(asked)
        if branding_id is None:
            return BUILT_IN.get(asked)
        variant = await self._versions.find(branding_id, version)
        return variant if variant is not None and variant.service_id in (None, service_id) else None

    def render(self, variant: Variant, service_name: str, language: Language) -> Branding:
        return self._letterheads.render(variant, service_name, language)

    def embedded(self, variant: Variant, service_name: str, language: Language) -> Branding:
        """With its pictures in it."""
        return self._letterheads.embedded(variant, service_name, language)

    def get(self, name: str, service_name: str, language: Language) -> Branding:
        """A built-in one. Raises KeyError when there is none of that name."""
        return self.render(BUILT_IN[name], service_name, language)

    async def picture(self, name: str) -> Picture | None:
        """A picture that some message may show, by the name that it has in links."""
        known = self._letterheads.pictures.get(name) or self._pictures.get(name)
        if name in self._pictures:
            self._pictures.move_to_end(name)
        if known or self._database is None or self._is_unknown(name):
            return known
        statement = select(brandings).where(brandings.c.logo_name == name).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        found = None if row is None else _picture(row)
        if found:
            _remember(self._pictures, name, found, MAX_PICTURES)
        else:
            _remember(self._unknown, name, self._now(), MAX_UNKNOWN)
        return found

    def _is_unknown(self, name: str) -> bool:
        return 0 <= self._now() - self._unknown.get(name, -FRESH_SECONDS) < FRESH_SECONDS

    async def _load(self, branding_id: UUID, version: int | None) -> Variant | None:
        if self._database is None:
            return None
        async with self._database.read() as connection:
            return await _load(connection, branding_id, version)


def _remember(entries: OrderedDict[str, T], name: str, value: T, most: int) -> None:
    """Keeps those that were used last."""
    entries[name] = value
    entries.move_to_end(name)
    while len(entries) > most:
        entries.popitem(last=False)


_first = brandings.alias("first")


def _select() -> Select[Any]:
    """Rows with the time at which their first version was made."""
    return select(brandings, _first.c.created_at.label("first_created_at")).join(
        _first, (_first.c.id == brandings.c.id) & (_first.c.version == 1)
    )


async def _load(connection: AsyncConnection, branding_id: UUID, version: int | None) -> Variant | None:
    statement = _select().where(brandings.c.id == branding_id).order_by(brandings.c.version.desc()).limit(1)
    if version is not None:
        statement = statement.where(brandings.c.version == version)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _variant(row)


async def _lock(connection: AsyncConnection, branding_id: UUID) -> Variant:
    """The latest version, with the right to be the only one who changes the branding until the transaction ends."""
    first = (brandings.c.id == branding_id) & (brandings.c.version == 1)
    await connection.execute(select(brandings.c.id).where(first).with_for_update())
    variant = await find(connection, branding_id)
    if variant.archived:
        raise VariantError("branding {id} is archived", id=branding_id)
    return variant


async def _add(
    connection: AsyncConnection, id_: UUID, version: int, service_id: UUID | None, now: float, fields: dict[str, Any]
) -> None:
    logo: Picture | None = fields["logo"]
    values: dict[str, Any] = checked(**fields) | {"brand_type": fields["brand_type"].value}
    if logo is not None:
        values |= {"logo_name": logo.name, "logo_media_type": logo.media_type}
        values |= {"logo": logo.octets, "logo_width": logo.width, "logo_height": logo.height}
    await connection.execute(
        insert(brandings).values(id=id_, version=version, service_id=service_id, created_at=now, **values)
    )


def _variant(row: RowMapping) -> Variant:
    c = brandings.c
    return Variant(
        id=row[c.id],
        version=row[c.version],
        service_id=row[c.service_id],
        name=row[c.name],
        brand_type=BrandType(row[c.brand_type]),
        colour=row[c.colour],
        text=row[c.text],
        alt_text_en=row[c.alt_text_en],
        alt_text_fr=row[c.alt_text_fr],
        logo=_picture(row),
        created_at=row["first_created_at"],
        updated_at=row[c.created_at] if row[c.version] > 1 else None,
        archived=row[c.archived],
    )


def _picture(row: RowMapping) -> Picture | None:
    c = brandings.c
    octets = row[c.logo]
    return octets and Picture(octets, row[c.logo_media_type], row[c.logo_width], row[c.logo_height])
