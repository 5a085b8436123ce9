"""What people change: each action writes one row of the audit, in its own transaction, and no secret into it."""

import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from auth import audit, bans, keys, throttle
from auth import reply_tos as stored
from auth.audit import Actor, Entry
from auth.domains import dkim_keys
from auth.principal import Service
from config import encrypted
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from delivery.queue.sql import SqlQueue
from delivery.store import tables
from messages.message import Channel, KeyType
from messages.picture import Picture
from messages.text import TextError
from messages.variant import BrandType
from relay.actions import bans as lifting
from relay.actions import (
    brandings,
    callbacks,
    domains,
    guests,
    queue,
    reply_tos,
    senders,
    service_domains,
    services,
    templates,
)
from relay.actions import keys as credentials
from relay.actions.transaction import Transaction
from tests.fakes.auth import NOW
from tests.fakes.pictures import png

ANN = Actor("operator", "ann")
DOMAIN = "mail.city.example"
SETTINGS = Settings(callbacks={"allow_private": True})  # type: ignore[arg-type]
TOKEN = "a-token-of-some-length"


@dataclasses.dataclass
class Desk:
    """Where actions are done one after the other, each in a transaction of its own."""

    database: Database
    secret: Keyring
    sealing: Keyring

    @asynccontextmanager
    async def open(self, now: float = NOW) -> AsyncIterator[Transaction]:
        async with self.database.write() as connection:
            yield Transaction(connection, SETTINGS, self.secret, self.sealing, ANN, now)

    async def do(self, action: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
        async with self.open() as t:
            return await action(t, *given, **named)

    async def entries(self, **wanted: Any) -> list[Entry]:
        async with self.database.read() as connection:
            return await audit.find(connection, 1000, **wanted)


@pytest.fixture
def desk(database: Database, keyring: Keyring, sealing: Keyring) -> Desk:
    return Desk(database, keyring, sealing)


@pytest.fixture
async def service(desk: Desk) -> str:
    made: Service = await desk.do(services.create, name="Passports", email_from="passports")
    return str(made.id)


async def test_a_service_comes_with_the_key_that_nobody_holds(desk: Desk, service: str) -> None:
    async with desk.database.read() as connection:
        (row,) = await connection.execute(keys.keys.select())
    assert (str(row.service_id), row.type, row.hidden) == (service, "normal", True)


async def test_creation_tells_all_of_it(desk: Desk, service: str) -> None:
    (entry,) = await desk.entries()

    assert (entry.at, entry.actor_kind, entry.actor, entry.action) == (NOW, "operator", "ann", "service.create")
    assert (entry.object_kind, entry.object_id, str(entry.service_id)) == ("service", service, service)
    assert entry.before is None
    assert entry.after
    assert (entry.after["name"], entry.after["live"], entry.after["from_policy"]) == ("Passports", False, "rewrite")


@pytest.mark.parametrize(
    ("action", "changes", "name", "before", "after"),
    [
        (services.hold, {}, "service.hold", {"held": False}, {"held": True}),
        (services.release, {}, "service.release", {}, {}),
        (services.update, {"name": "Permits"}, "service.update", {"name": "Passports"}, {"name": "Permits"}),
    ],
)
async def test_change_tells_what_differs(
    desk: Desk,
    service: str,
    action: Callable[..., Awaitable[Any]],
    changes: dict[str, Any],
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    async with desk.open(NOW + 1) as t:
        await action(t, service, **changes)
    entry, _ = await desk.entries()

    assert (entry.action, entry.object_id, entry.before, entry.after) == (name, service, before, after)


def of(action: Callable[[Transaction, Service, str], Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """The same for a service that is named."""

    async def named(t: Transaction, service: str, text: str) -> str:
        return await action(t, await t.service(service), text)

    return named


async def everything(desk: Desk, service: str) -> list[str]:
    """Each action once; returns the secrets that were seen, and what is encrypted where it is."""
    do = desk.do
    secrets = ["guest@home.example", "+16135550100", "chef@city.example", TOKEN]
    await do(services.update, service, per_day=7)
    await do(services.hold, service)
    await do(services.release, service)
    await do(services.go_live, service)
    issued: keys.Issued = await do(
        credentials.create, service, name="k", type=KeyType.NORMAL, allowed_from=["chef@city.example"]
    )
    await do(credentials.update, str(issued.key.id), allowed_from=["chef@city.example", "@town.example"])
    rotated: keys.Issued = await do(credentials.rotate, str(issued.key.id))
    await do(credentials.revoke, str(issued.key.id))
    for each in (issued, rotated):
        secrets += [each.secret, each.smtp_password, each.api_key]
    for guest in ("guest@home.example", "+16135550100"):
        await do(of(guests.add), service, guest)
        await do(of(guests.remove), service, guest)
    await do(of(senders.add), service, "@city.example")
    await do(of(senders.remove), service, "@city.example")
    first = await do(reply_tos.add, service, "desk@city.example")
    await do(reply_tos.make_default, service, str(first.id))
    await do(services.update, service, reply_to_address=None)
    await do(reply_tos.remove, service, "Desk@CITY.example")
    await do(domains.add, DOMAIN)
    await do(domains.rotate, DOMAIN)
    await do(of(service_domains.add), service, DOMAIN)
    await do(of(service_domains.remove), service, DOMAIN)
    put = await do(callbacks.put, service, url="https://city.example/hook/Zq7-path-secret", bearer_token=TOKEN)
    failed = {"failing_since": NOW, "failed_as": "http-503", "suspended_at": NOW + 90_000, "probe_at": NOW + 90_060}
    async with desk.database.write() as connection:
        await connection.execute(tables.callback_urls.update().values(failed))
    await do(callbacks.resume, service)
    await do(callbacks.remove, service)
    secrets += [put.signing_secret, "Zq7-path-secret"]
    texts = {"name": "t", "subject": "s"}
    made = await do(templates.create, service, channel=Channel.EMAIL, body="Words of the body", **texts)
    await do(templates.update, made.id, name=None, subject="other", body="Other words of the body")
    await do(templates.archive, made.id)
    secrets.append("ords of the body")
    logo = Picture.parse(png(300, 100))
    brand = await do(brandings.create, None, name="Parks", brand_type=BrandType.CUSTOM_LOGO, logo=logo)
    await do(brandings.update, "Parks", alt_text_en="Parks Agency")
    await do(brandings.archive, str(brand.id))
    failed = {"address": bans.place("192.0.2.1"), "username_hash": b"hash", "failures": 1}
    times = dict.fromkeys(("failed_at", "succeeded_at", "changed_at"), NOW)
    async with desk.database.write() as connection:
        await connection.execute(throttle.logins.insert().values(**failed, **times))
    await do(lifting.lift, "192.0.2.1")
    for change in (queue.hold, queue.release):
        await do(change, service)
        await do(change, None)
    async with desk.database.read() as connection:
        private = (await connection.execute(dkim_keys.dkim_keys.select())).mappings().all()
    by = encrypted.cipher(dkim_keys.dkim_keys.c.private_key, desk.sealing)
    for row in private:
        pem = by.decrypt(row["private_key"], row["id"].bytes).decode()
        secrets += pem.splitlines()[1:-1]
    return secrets


ACTIONS = (
    "service.create service.update service.hold service.release service.go-live key.create key.update key.rotate "
    "key.revoke service.guest.add service.guest.remove service.guest.add service.guest.remove service.sender.add "
    "service.sender.remove domain.add domain.rotate service.domain.add service.domain.remove service.callback.set "
    "service.callback.resume service.callback.remove template.create template.update template.archive branding.create "
    "branding.update service.reply-to.add service.reply-to.default service.update service.reply-to.remove "
    "branding.archive ban.lift queue.hold queue.hold queue.release queue.release "
    "service.create template.create"  # the relay's own, which tells the senders at the domain
)


async def test_each_action_writes_one_row_and_no_secret(desk: Desk, service: str) -> None:
    secrets = await everything(desk, service)
    entries = await desk.entries()
    async with desk.database.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM audit"))).all()
    kept = "\n".join(map(repr, rows)) + json.dumps([[each.before, each.after] for each in entries])

    assert sorted(each.action for each in entries) == sorted(ACTIONS.split())
    assert [secret for secret in secrets if secret in kept] == []
    assert len(secrets) > 20
    assert "Parks Agency" in kept


async def test_what_is_encrypted_elsewhere_is_counted(desk: Desk, service: str) -> None:
    issued = await desk.do(credentials.create, service, name="k", type=KeyType.NORMAL, allowed_from=["a@city.example"])
    key_id = str(issued.key.id)
    async with desk.open(NOW + 1) as t:
        await credentials.update(t, key_id, allowed_from=["b@city.example"], per_minute=5)
    changed, made = await desk.entries(object_id=key_id)

    assert made.after
    assert made.after["allowed_from"] == 1
    assert (changed.before, changed.after) == (
        {"allowed_from": 1, "per_minute": SETTINGS.limits.per_minute},
        {"allowed_from": 1, "per_minute": 5},
    )


async def test_a_guest_is_known_by_the_same_id_when_it_comes_and_when_it_goes(desk: Desk, service: str) -> None:
    await desk.do(of(guests.add), service, "guest@home.example")
    await desk.do(of(guests.remove), service, "Guest@HOME.example")
    found = [each for each in await desk.entries() if each.object_kind == "guest"]
    assert len({each.object_id for each in found}) == 1
    assert {each.action for each in found} == {"service.guest.add", "service.guest.remove"}


async def test_a_guest_named_as_mail_has_it_is_the_number_that_mail_reaches(desk: Desk, service: str) -> None:
    text = f"+16135550100@{SETTINGS.email.sms_domain}"
    assert await desk.do(of(guests.add), service, text) == "+16135550100"
    assert await desk.do(of(guests.remove), service, f" {text.upper()}") == "+16135550100"


async def test_a_service_has_its_default_among_its_reply_to_addresses(desk: Desk, service: str) -> None:
    await desk.do(services.update, service, reply_to_address="desk@city.example")
    other = await desk.do(reply_tos.add, service, "Chef@city.example")
    with pytest.raises(TextError, match="already"):
        await desk.do(reply_tos.add, service, "chef@CITY.example")
    with pytest.raises(TextError, match="the default"):
        await desk.do(reply_tos.remove, service, "desk@city.example")
    await desk.do(reply_tos.make_default, service, "chef@city.example")
    async with desk.open() as t:
        owner = await t.service(service)
        found = await stored.list_all(t.connection, owner.id)
        named = await stored.load(t.connection, owner.id)
    assert owner.reply_to_address == other.address == "Chef@city.example"
    assert {each.address for each in found} == {"desk@city.example", "Chef@city.example"}
    assert named == {each.id: each.address for each in found}
    assert {each.id.version for each in found} == {4}
    await desk.do(reply_tos.remove, service, "desk@city.example")


async def test_a_hold_of_the_queue_tells_whose_and_whether_it_was_new(desk: Desk, service: str) -> None:
    for named in (service, None):
        for n, change in enumerate((queue.hold, queue.hold, queue.release, queue.release)):
            async with desk.open(NOW + 1 + n) as t:
                await change(t, named)
        entries = [each for each in await desk.entries(object_id=named or "all") if each.object_kind == "queue"]

        assert {each.service_id for each in entries} == {UUID(named) if named else None}
        assert [(each.action, each.before, each.after) for each in reversed(entries)] == [
            ("queue.hold", {"held": False}, {"held": True}),
            ("queue.hold", {}, {}),
            ("queue.release", {"held": True}, {"held": False}),
            ("queue.release", {}, {}),
        ]


async def test_a_hold_of_the_queue_that_is_undone_holds_nothing(desk: Desk) -> None:
    async def hold_and_a_mishap(t: Transaction) -> None:
        await queue.hold(t, None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await desk.do(hold_and_a_mishap)

    assert await desk.entries() == []
    assert (await SqlQueue(desk.database).stats(NOW)).held == frozenset()


async def test_what_is_undone_leaves_no_row(desk: Desk, service: str) -> None:
    async def two_and_a_mishap(t: Transaction) -> None:
        await services.hold(t, service)
        await credentials.create(t, service, name="k", type=KeyType.NORMAL)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await desk.do(two_and_a_mishap)

    assert [each.action for each in await desk.entries()] == ["service.create"]


async def test_what_is_refused_leaves_no_row(desk: Desk, service: str) -> None:
    refused: list[tuple[Callable[..., Awaitable[Any]], tuple[Any, ...], dict[str, Any]]] = [
        (services.create, (), {"name": "n", "email_from": "passports"}),
        (services.update, (service,), {}),
        (services.update, (service,), {"reply_to_address": "nobody"}),
        (services.hold, ("nobody",), {}),
        (credentials.create, (service,), {"name": "k", "type": KeyType.TEST, "max_message_bytes": 2**30}),
        (credentials.create, (service,), {"name": "k", "type": KeyType.TEST, "expires_at": NOW}),
        (credentials.create, (service,), {"name": "k", "type": KeyType.TEST, "branding": "nobody's"}),
        (credentials.revoke, ("nobody",), {}),
        (of(guests.remove), (service, "guest@home.example"), {}),
        (of(senders.remove), (service, "@city.example"), {}),
        (of(service_domains.add), (service, DOMAIN), {}),
        (reply_tos.add, (service, "nobody"), {}),
        (reply_tos.remove, (service, "nobody@city.example"), {}),
        (reply_tos.make_default, (service, "nobody"), {}),
        (callbacks.remove, (service,), {}),
        (callbacks.resume, (service,), {}),
        (templates.create, (service,), {"channel": Channel.SMS, "name": "t", "subject": "s", "body": "b"}),
        (brandings.archive, ("Parks",), {}),
        (domains.add, ("no domain",), {}),
        (lifting.lift, ("192.0.2.9",), {}),
        (queue.hold, ("nobody",), {}),
        (queue.release, ("nobody",), {}),
    ]
    for action, given, named in refused:
        with pytest.raises(TextError) as told:
            await desk.do(action, *given, **named)
        assert "--" not in str(told.value)
        assert "notify-relay" not in str(told.value)

    assert [each.action for each in await desk.entries()] == ["service.create"]


async def test_the_audit_only_grows(desk: Desk, service: str) -> None:
    c = audit.audit.c
    statements: list[Any] = [update(audit.audit).values(actor="bob"), delete(audit.audit).where(c.actor == "ann")]
    if not desk.database.is_sqlite:
        statements.append(text("TRUNCATE audit"))
    for statement in statements:
        with pytest.raises(DBAPIError, match="the audit only grows"):
            await desk.do(lambda t, statement=statement: t.connection.execute(statement))

    assert [each.actor for each in await desk.entries()] == ["ann"]


async def test_entries_are_found_by_service_object_and_time(desk: Desk, service: str) -> None:
    other: Service = await desk.do(services.create, name="Permits", email_from="permits")
    async with desk.open(NOW + 10) as t:
        await services.hold(t, service)
    of_other = await desk.entries(service_id=other.id)

    assert [each.object_id for each in of_other] == [str(other.id)]
    assert [each.action for each in await desk.entries(object_id=service)] == ["service.hold", "service.create"]
    assert [each.action for each in await desk.entries(since=NOW + 10)] == ["service.hold"]
    async with desk.database.read() as connection:
        assert [each.action for each in await audit.find(connection, 1)] == ["service.hold"]


def test_actions_print_nothing() -> None:
    for path in (Path(__file__).parents[2] / "relay/actions").glob("*.py"):
        assert "print(" not in path.read_text(), path.name
