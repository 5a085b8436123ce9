"""Brandings on both databases: versions that never change, whose they are, and what doors and workers read."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from auth import keys, services
from auth.domains import names
from config.database import Database
from config.keyring import Keyring
from delivery.library import brandings
from delivery.library.brandings import MAX_PICTURES, Brandings
from delivery.library.versions import FRESH_SECONDS
from messages.message import KeyType, Language
from messages.picture import Picture
from messages.variant import BUILT_IN, BrandType, Variant, VariantError
from tests.fakes.auth import DEFAULTS, NOW, FixedClock, counted
from tests.fakes.pictures import png

SERVICE, OTHER = UUID(int=1), UUID(int=2)
LOGO = Picture.parse(png(300, 100))
FIELDS: dict[str, Any] = {"name": "Parks", "brand_type": BrandType.CUSTOM_LOGO, "logo": LOGO, "colour": "#2B5A2B"}


async def create(database: Database, service_id: UUID | None = SERVICE, **fields: Any) -> Variant:
    async with database.write() as connection:
        return await brandings.create(connection, service_id, NOW, **FIELDS | fields)


async def update(database: Database, id_: UUID | str, **fields: Any) -> Variant:
    assert isinstance(id_, UUID)
    async with database.write() as connection:
        return await brandings.update(connection, id_, NOW + 10, **fields)


async def archive(database: Database, id_: UUID | str) -> Variant:
    assert isinstance(id_, UUID)
    async with database.write() as connection:
        return await brandings.archive(connection, id_)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def reader(database: Database, clock: FixedClock) -> Brandings:
    return Brandings(database=database, now=clock)


@pytest.fixture
async def owner(database: Database, sealing: Keyring) -> UUID:
    async with database.write() as connection:
        await names.ensure(connection, sealing, "x.example", NOW)
        made = await services.create(connection, DEFAULTS, NOW, name="n", email_from="n", domain="x.example")
    return made.id


async def test_branding_is_kept_as_it_was_made(database: Database) -> None:
    made = await create(database, alt_text_en=" Parks\r\nAgency ", text="")
    assert isinstance(made.id, UUID)
    assert (made.id.version, made.version, made.service_id) == (4, 1, SERVICE)
    assert (made.colour, made.alt_text_en, made.text) == ("#2b5a2b", "Parks Agency", None)
    assert made.logo == LOGO
    assert (made.created_at, made.updated_at, made.archived) == (NOW, None, False)


async def test_change_is_a_version_and_leaves_the_others_as_they_were(database: Database) -> None:
    first = await create(database)
    second = await update(database, first.id, name="Trails", logo=None, text="Trails")
    assert (second.version, second.name, second.logo, second.updated_at) == (2, "Trails", None, NOW + 10)
    async with database.read() as connection:
        assert isinstance(first.id, UUID)
        assert await brandings.find(connection, first.id, 1) == first
        with pytest.raises(VariantError, match="there is no branding"):
            await brandings.find(connection, first.id, 3)


async def test_service_sees_the_built_in_ones_the_shared_ones_and_its_own(database: Database) -> None:
    shared = await create(database, None, name="b")
    own, others = await create(database, name="a"), await create(database, OTHER, name="c")
    gone = await create(database, name="d")
    await archive(database, gone.id)
    async with database.read() as connection:
        listed = await brandings.list_all(connection, SERVICE)
        assert listed == [*BUILT_IN.values(), own, shared]
        assert await brandings.list_all(connection) == [*BUILT_IN.values(), own, shared, others]
        assert await brandings.usable(connection, SERVICE, "a") == str(own.id)
        assert await brandings.usable(connection, SERVICE, str(shared.id)) == str(shared.id)
        assert await brandings.usable(connection, None, "default") == "default"
        for service_id, asked in ((SERVICE, str(others.id)), (SERVICE, "c"), (None, "a"), (SERVICE, str(gone.id))):
            with pytest.raises(VariantError, match="the service has no branding"):
                await brandings.usable(connection, service_id, asked)


async def test_name_that_two_have_names_neither(database: Database) -> None:
    await create(database, None)
    await create(database)
    async with database.read() as connection:
        with pytest.raises(VariantError, match="several brandings have the name Parks"):
            await brandings.usable(connection, SERVICE, "Parks")


async def test_branding_in_use_is_not_archived(database: Database, owner: UUID, keyring: Keyring) -> None:
    made = await create(database, owner)
    async with database.write() as connection:
        service = await services.update(connection, DEFAULTS, owner, branding=str(made.id))
        key = await keys.create(
            connection, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.NORMAL, branding=str(made.id)
        )
    with pytest.raises(VariantError, match="2 services or keys have branding"):
        await archive(database, made.id)
    async with database.write() as connection:
        await services.update(connection, DEFAULTS, owner, branding="default")
        await keys.revoke(connection, keyring, DEFAULTS, key.key.id, NOW)
    assert (await archive(database, made.id)).archived
    with pytest.raises(VariantError, match="is archived"):
        await update(database, made.id, name="x")


async def test_reader_knows_a_change_after_two_seconds_and_versions_for_ever(
    database: Database, reader: Brandings, clock: FixedClock
) -> None:
    first = await create(database)
    assert await reader.find(SERVICE, str(first.id)) == first
    second = await update(database, first.id, name="Other")
    assert await reader.find(SERVICE, str(first.id)) == first
    clock.now += FRESH_SECONDS
    assert await reader.find(SERVICE, str(first.id)) == second
    assert await reader.find(SERVICE, str(first.id), 1) == first


async def test_reader_shows_nobody_what_belongs_to_another_service(database: Database, reader: Brandings) -> None:
    own, shared = await create(database), await create(database, None)
    assert await reader.find(OTHER, str(own.id)) is None
    assert await reader.find(OTHER, str(shared.id)) == shared
    assert await reader.find(OTHER, "fip_french") == BUILT_IN["fip_french"]
    for unknown in (str(uuid4()), "unheard-of", ""):
        assert await reader.find(OTHER, unknown) is None


async def test_logo_is_shown_by_its_own_name_also_when_it_was_replaced_or_archived(
    database: Database, reader: Brandings
) -> None:
    made, other = await create(database), Picture.parse(png(10, 10))
    await update(database, made.id, logo=other)
    await archive(database, made.id)
    assert await reader.picture(LOGO.name) == LOGO
    assert await reader.picture(other.name) == other
    assert await reader.picture("0" * 32 + ".png") is None


async def test_logo_is_read_once_although_many_ask(database: Database, reader: Brandings) -> None:
    await create(database)
    with counted(database) as statements:
        assert [await reader.picture(LOGO.name) for _ in range(3)] == [LOGO] * 3
    assert sum("FROM brandings" in statement for statement in statements) == 1


async def test_logo_that_is_asked_for_stays_although_others_are_looked_at(
    database: Database, reader: Brandings
) -> None:
    logos = [Picture.parse(png(300, 100 + number)) for number in range(MAX_PICTURES + 1)]
    for logo in logos:
        await create(database, logo=logo)
        assert await reader.picture(logo.name) == logo
        assert await reader.picture(logos[0].name) == logos[0]
    with counted(database) as statements:
        assert await reader.picture(logos[0].name) == logos[0]
    assert statements == []


async def test_name_that_no_picture_has_is_looked_up_once_in_a_while(
    database: Database, reader: Brandings, clock: FixedClock
) -> None:
    with counted(database) as statements:
        assert [await reader.picture(LOGO.name) for _ in range(3)] == [None] * 3
    assert len([each for each in statements if each.startswith("SELECT")]) == 1
    await create(database)
    clock.now += FRESH_SECONDS
    assert await reader.picture(LOGO.name) == LOGO


async def test_message_shows_its_logo_by_a_link(database: Database, reader: Brandings) -> None:
    rendered = reader.render(await create(database), "Passports", Language.EN)
    assert f'src="http://127.0.0.1:8080/branding/{LOGO.name}" alt="Parks" lang="en"' in rendered.header_html
    assert rendered.images == ()
