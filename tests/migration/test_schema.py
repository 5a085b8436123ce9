"""The schema's history against the tables that the code believes in."""

import asyncio
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select, text

from auth import keys, limits, reply_tos, services
from auth.domains import names
from auth.domains.selectors import State
from auth.fiscal_year import FiscalYear
from auth.limits import YEAR_SECONDS
from auth.principal import Option
from config.database import Database, Id
from config.keyring import Keyring
from delivery import schema
from delivery.all_tables import metadata
from delivery.figures.reading import CountReader
from delivery.figures.tables import counters
from delivery.library.templates import templates
from delivery.store import suppressing
from delivery.store.suppressions import Reason
from messages.message import ContentKind, Door, KeyType, Lane
from messages.status import Status
from tests.fakes.auth import DEFAULTS, NOW
from tests.fakes.messages import make_message
from tests.harness.counted import kept, recounted
from tests.harness.migrated import migrated
from tests.harness.sampled import both_databases
from tests.harness.store import Store, group_of


@both_databases
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")  # SQLite's, of substr()
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index:UserWarning")
async def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(difference) == []


async def test_an_upgraded_database_is_current_and_upgrading_again_changes_nothing(database: Database) -> None:
    assert await schema.is_current(database)
    await schema.upgrade(database)
    assert await schema.is_current(database)


def test_the_newest_revision_is_the_number_in_its_files_name() -> None:
    assert schema.head() == ScriptDirectory.from_config(schema.history()).get_current_head()


async def test_an_empty_database_is_not_current(database_url: str) -> None:
    handle = Database(database_url)
    assert not await schema.is_current(handle)
    await handle.close()


async def test_many_may_upgrade_at_once(database_url: str) -> None:
    handles = [Database(database_url) for _ in range(4)]
    await asyncio.gather(*(schema.upgrade(handle) for handle in handles))

    assert await schema.is_current(handles[0])
    for handle in handles:
        await handle.close()


async def test_downgrade_leaves_nothing_behind(database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(down_to, "base")
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == ["alembic_version"]


async def test_a_key_outlives_the_terms_that_an_older_schema_has_no_place_for(
    database: Database, keyring: Keyring, sealing: Keyring
) -> None:
    terms = keys.Terms(lane=Lane.BULK, lifetime_seconds=60, allowed_from=["@x.example"], fixed=[Option.LANE])
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        service = await services.create(c, DEFAULTS, NOW, name="n", email_from="n", domain="x.example")
        made = await keys.create(c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.NORMAL, **terms)
    async with database.write() as c:
        await c.run_sync(down_to, "0002")
    await schema.upgrade(database)

    async with database.read() as c:
        found = await keys.find(c, keyring, DEFAULTS, made.key.id)
    assert found == replace(made.key, lifetime_seconds=None, allowed_from=frozenset(), fixed=frozenset())


async def test_a_year_that_began_under_an_older_version_is_counted_from_its_start(database: Database) -> None:
    now, mine, other = time.time(), uuid4(), uuid4()
    year = FiscalYear.at(now, "UTC")
    today, first_day = int(now // 86_400), year.key // 86_400
    days = [(mine, today, "email", "normal", "delivered", 5), (mine, first_day, "email", "team", "sending", 2)]
    days += [(mine, first_day - 1, "email", "normal", "delivered", 100), (mine, today, "email", "test", "sending", 7)]
    days += [(other, today, "email", "normal", "delivered", 1)]
    names_ = ("service_id", "day", "channel", "key_type", "status", "messages")
    async with database.write() as c:
        await c.run_sync(down_to, "0011")
        await c.execute(insert(counters), [dict(zip(names_, day, strict=True)) for day in days])
    await schema.upgrade(database)

    async with database.read() as c:
        found = (await c.execute(select(limits.limits))).all()
    assert {(row.holder, row.span_seconds, row.window_start, row.used) for row in found} == {
        (mine, YEAR_SECONDS, year.key, 7),
        (other, YEAR_SECONDS, year.key, 1),
    }


async def test_branding_that_an_older_schema_does_not_know_gives_way_to_one_that_it_does(
    database: Database, keyring: Keyring, sealing: Keyring
) -> None:
    kept = {}
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        for name in ("default", "none", "fip_french", str(uuid4())):
            service = await services.create(
                c, DEFAULTS, NOW, name="n", email_from=f"n{len(kept)}", domain="x.example", branding=name
            )
            made = await keys.create(c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.NORMAL, branding=name)
            kept[name] = service.id, made.key.id
        await c.run_sync(down_to, "0006")
    await schema.upgrade(database)

    async with database.read() as c:
        found = [
            (
                (await services.find(c, DEFAULTS, service_id)).branding,
                (await keys.find(c, keyring, DEFAULTS, key_id)).branding,
            )
            for service_id, key_id in kept.values()
        ]
    assert found == [("default", "default"), ("none", "none"), ("default", None), ("default", None)]


async def test_keys_that_signed_before_have_to_be_published_and_others_were_not_seen(
    database: Database, sealing: Keyring
) -> None:
    async with database.write() as c:
        domain = await names.ensure(c, sealing, "x.example", NOW)
        await names.rotate(c, sealing, domain, NOW + 1, needs_dns=True)
        await c.run_sync(down_to, "0004")
    await schema.upgrade(database)

    async with database.read() as c:
        found = await names.get(c, "x.example")
    assert [(key.life.state, key.signs) for key in found.keys] == [(State.PENDING, False), (State.PUBLISHED, True)]
    assert (found.verified_at, found.due_at) == (None, 0)


async def test_a_services_own_reply_to_becomes_the_first_of_its_addresses(database: Database, sealing: Keyring) -> None:
    made = {}
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        for address in ("desk@x.example", None):
            service = await services.create(
                c, DEFAULTS, NOW, name="n", email_from=f"n{len(made)}", domain="x.example", reply_to_address=address
            )
            made[address] = service.id
        await c.run_sync(down_to, "0011")
    await schema.upgrade(database)

    async with database.read() as c:
        (found,) = await reply_tos.list_all(c, made["desk@x.example"])
        assert await reply_tos.list_all(c, made[None]) == []
    assert (found.address, found.verified_at, found.id.version) == ("desk@x.example", NOW, 4)


async def test_an_older_version_meets_no_key_of_type_admin_that_is_in_force(
    database: Database, keyring: Keyring, sealing: Keyring
) -> None:
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        service = await services.create(c, DEFAULTS, NOW, name="n", email_from="n", domain="x.example")
        made = await keys.create(c, keyring, DEFAULTS, service, NOW, name="n", type=KeyType.ADMIN)
        await c.run_sync(down_to, "0011")
    await schema.upgrade(database)
    async with database.read() as c:
        found = await keys.find(c, keyring, DEFAULTS, made.key.id)
    assert (found.type, found.is_revoked(NOW)) == (KeyType.TEST, True)


async def test_what_was_counted_of_everything_together_is_counted_of_each(database: Database) -> None:
    service_id, keys_, templates_ = uuid4(), [uuid4() for _ in range(2)], [uuid4() for _ in range(2)]
    noon = int(NOW // 86_400) * 86_400 + 43_200
    kinds = {"channel": "email", "door": "http", "key_type": "normal"}
    rows = [
        kinds | {"service_id": service_id, "start": start, "span": span, "key_id": key_id, "template_id": template_id}
        for start, span in ((noon, "hour"), (noon + 3600, "hour"), (noon - 86_400 * 9, "day"))
        for key_id in keys_
        for template_id in templates_
    ]
    async with database.write() as c:
        await c.run_sync(down_to, "0025")
        old = await c.run_sync(lambda c: Table("counts", MetaData(), autoload_with=c))
        for name in ("service_id", "key_id", "template_id"):
            old.c[name].type = Id()
        await c.execute(insert(old), [row | {"status": "created", "messages": 2, "units": 3} for row in rows])
    await schema.upgrade(database)

    async with database.read() as c:
        found = await kept(c)
    assert found == {
        ("counts", (service_id, "normal", "email", "http"), "created"): (24, 36),
        **{("template_counts", (service_id, "normal", each), "created"): (12, 18) for each in templates_},
        **{("key_counts", (service_id, "normal", each), "created"): (12, 18) for each in keys_},
    }
    assert [each.accepted for each in (await CountReader(database).keys(service_id, noon - 43_200)).values()] == [8, 8]
    async with database.write() as c:
        await c.run_sync(down_to, "0025")
        assert await c.scalar(select(func.sum(old.c.messages))) == 24


def down_to(connection: Connection, revision: str) -> None:
    config: Config = schema.history()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_what_was_sent_before_is_counted_by_the_door_that_it_must_have_come_in_by(
    database: Database, keyring: Keyring
) -> None:
    store, own, filled, hidden = Store(database, keyring), services.OWN_ID, uuid4(), uuid4()
    kinds = [
        make_message(template_id=hidden),
        make_message(template_id=filled, content_kind=ContentKind.RENDERED, door=Door.HTTP),
        make_message(template_id=filled, service_id=own, content_kind=ContentKind.RENDERED, door=Door.RELAY),
        make_message(template_id=hidden, content_kind=ContentKind.ANSWER, door=Door.RELAY),
        make_message(template_id=hidden, created_at=NOW - 0.5),
    ]
    async with database.write() as c:
        of = {"version": 1, "channel": "email", "name": "n", "created_at": NOW}
        for template_id, is_hidden in ((filled, False), (hidden, True)):
            values = of | {"id": template_id, "service_id": uuid4(), "hidden": is_hidden}
            await c.execute(insert(templates).values(**values))
    for each in kinds:
        await store.putting.put(group_of((each,), b"x"))
    await store.settle(kinds[0].id, Status.DELIVERED, NOW)
    async with database.read() as c:
        before = await kept(c), await recounted(c)
    async with database.write() as c:
        await c.run_sync(down_to, "0017")
    await schema.upgrade(database)

    async with database.read() as c:
        assert (await kept(c), await recounted(c)) == before
        assert (await c.execute(select(counters))).all() == []


async def test_opt_outs_outlive_a_schema_that_has_no_place_for_the_rest_of_the_list(
    database: Database, keyring: Keyring
) -> None:
    service, number, address = uuid4(), "+16135550142", "gone@example.org"
    codec = suppressing.Codec(keyring)
    async with database.write() as c:
        for recipient, reason in ((number, Reason.OPT_OUT), (number, Reason.BY_HAND), (address, Reason.COMPLAINT)):
            await c.run_sync(codec.add, service, recipient, reason, NOW)
        await c.run_sync(down_to, "0029")
        kept = (await c.execute(text("SELECT since FROM opt_outs"))).all()
        assert not await c.run_sync(lambda c: {"suppressions", "provider_lists"} & {*inspect(c).get_table_names()})
    await schema.upgrade(database)

    assert [row.since for row in kept] == [NOW]
    async with database.read() as c:
        (found,) = await c.run_sync(codec.find, None, number)
        assert await c.run_sync(codec.find, None, address) == []
    assert (found.service_id, found.recipient, found.reason, found.until) == (service, number, Reason.OPT_OUT, None)


async def test_the_version_before_goes_on_noting_opt_outs_while_machine_after_machine_is_upgraded(
    postgres_url: str, keyring: Keyring
) -> None:
    database, codec, number = await migrated(postgres_url), suppressing.Codec(keyring), "+16135550142"
    async with database.write() as c:
        await c.run_sync(codec.add, uuid4(), number, Reason.OPT_OUT, NOW)
        await c.run_sync(codec.add, uuid4(), number, Reason.BY_HAND, NOW)
        (row,) = (await c.execute(text("SELECT * FROM opt_outs"))).mappings()  # by the hand of somebody: none of theirs
        await c.execute(text("DELETE FROM opt_outs"))
        values = {**row, "service_id": uuid4()}
        await c.execute(text(f"INSERT INTO opt_outs ({', '.join(row)}) VALUES (:{', :'.join(row)})"), values)

        noted = {each.reason: each.service_id for each in await c.run_sync(codec.find, None, number)}
    await database.close()
    assert noted.keys() == {Reason.OPT_OUT, Reason.BY_HAND}
    assert noted[Reason.OPT_OUT] == values["service_id"]
