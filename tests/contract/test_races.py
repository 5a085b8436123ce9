"""Two changes at once of what has a rule: the second waits for the first, sees it, and keeps the rule.

The first is held open until the second got as far as it gets. A second one that looks before the first is done finds
what there was before, and breaks the rule: so each of these fails where a lock is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from auth import senders, service_domains, services
from auth.audit import Actor
from auth.domains import names
from auth.errors import (
    DOMAIN_TAKEN,
    DOMAINS_FULL,
    FACTORS_FULL,
    LAST_MANAGER,
    LAST_STRONG_FACTOR,
    ORGANISATION_TAKEN,
    PASSKEY_REFUSED,
    SENDER_TAKEN,
    SENDERS_FULL,
    SERVICE_DOMAIN_TAKEN,
)
from auth.people import authenticators, memberships, passkeys, sessions, totp, users
from auth.people.passkeys import Passkey
from auth.people.permissions import Permission
from auth.people.sessions import Factor, Session
from auth.people.users import User
from auth.principal import Service
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from delivery.library.origination import Kind
from messages.message import Language
from messages.text import TextError
from relay.actions import authenticators as signing_in
from relay.actions import domains, members, organisations, origination, people
from relay.actions import senders as sending
from relay.actions import service_domains as giving
from relay.actions.errors import ACCOUNT_MANAGES
from relay.actions.transaction import Transaction
from tests.fakes.auth import DEFAULTS, NOW
from tests.fakes.auth import DOMAIN as DEFAULT
from tests.harness.sampled import both_databases

pytestmark = both_databases  # their locks differ

Action = Callable[[Transaction], Awaitable[Any]]
AHEAD = 0.15  # seconds in which the second gets as far as it gets


class House:
    def __init__(self, database: Database, keyring: Keyring, sealing: Keyring) -> None:
        self.database, self.keyring, self.sealing = database, keyring, sealing

    async def do(self, action: Action) -> Any:
        async with self.database.write() as c:
            return await action(self._transaction(c))

    async def at_once(self, first: Action, second: Action) -> str | None:
        """Both; what the second was told, when it was refused."""
        async with self.database.write() as c:
            await first(self._transaction(c))
            other = asyncio.create_task(self.do(second))
            await asyncio.sleep(AHEAD)
        try:
            await asyncio.wait_for(other, 60)
        except TextError as error:
            return error.text.source
        return None

    def _transaction(self, connection: Any) -> Transaction:
        return Transaction(connection, Settings(), self.keyring, self.sealing, Actor("operator", "ada"), NOW)

    async def person(self, name: str, *, operator: bool = False) -> User:
        given = {"email": f"{name}@dept.gc.ca", "name": name, "language": Language.EN, "operator": operator}
        return await self.do(lambda t: users.create(t.connection, t.secret, NOW, verified=True, **given))

    async def session(self, person: User) -> Session:
        factors = {Factor.PASSWORD: NOW, Factor.TOTP: NOW}
        return await self.do(
            lambda t: sessions.begin(t.connection, sessions.new_token(), NOW, user_id=person.id, factors=factors)
        )

    async def count(self, read: Callable[..., Awaitable[Any]], *given: Any) -> int:
        async with self.database.read() as connection:
            return len(await read(connection, *given))


@pytest.fixture
def house(database: Database, keyring: Keyring, sealing: Keyring) -> House:
    return House(database, keyring, sealing)


@pytest.fixture
async def service(house: House) -> Service:
    async def make(t: Transaction) -> Service:
        await names.ensure(t.connection, t.sealing, DEFAULT, NOW)
        given = {"name": "Passports", "email_from": "passports", "domain": DEFAULT}
        return await services.create(t.connection, DEFAULTS, NOW, **given)

    return await house.do(make)


# -- Senders and domains -------------------------------------------------------------------------------------------


async def test_one_sender_is_registered_once(house: House, service: Service) -> None:
    add = lambda t: sending.add(t, service, "@dept.gc.ca")  # noqa: E731

    assert await house.at_once(add, add) == SENDER_TAKEN
    assert await house.count(senders.load, service.id) == 1


async def test_senders_keep_their_limit(house: House, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.senders.MAX_SENDERS", 1)
    one, other = (lambda t: sending.add(t, service, "@a.gc.ca"), lambda t: sending.add(t, service, "@b.gc.ca"))

    assert await house.at_once(one, other) == SENDERS_FULL
    assert await house.count(senders.load, service.id) == 1


async def given(house: House, *domains_: str) -> None:
    for each in domains_:
        await house.do(lambda t, each=each: domains.add(t, each))  # type: ignore[misc]


async def test_one_domain_is_given_to_a_service_once(house: House, service: Service) -> None:
    await given(house, "a.gc.ca")
    add = lambda t: giving.add(t, service, "a.gc.ca")  # noqa: E731

    assert await house.at_once(add, add) == SERVICE_DOMAIN_TAKEN
    assert await house.count(service_domains.load, service.id) == 1


async def test_domains_of_a_service_keep_their_limit(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.service_domains.MAX_DOMAINS", 1)
    await given(house, "a.gc.ca", "b.gc.ca")
    one, other = (lambda t: giving.add(t, service, "a.gc.ca"), lambda t: giving.add(t, service, "b.gc.ca"))

    assert await house.at_once(one, other) == DOMAINS_FULL
    assert await house.count(service_domains.load, service.id) == 1


async def test_one_domain_is_added_once(house: House) -> None:
    add = lambda t: domains.add(t, "a.gc.ca")  # noqa: E731

    assert await house.at_once(add, add) == DOMAIN_TAKEN


async def test_one_number_is_registered_once(house: House, service: Service) -> None:
    add = lambda t: origination.add(t, Kind.SHORT_CODE, "123456", str(service.id))  # noqa: E731

    assert await house.at_once(add, add)


async def test_one_name_is_of_one_organisation(house: House) -> None:
    add = lambda t: organisations.create(t, name="Parks")  # noqa: E731

    assert await house.at_once(add, add) == ORGANISATION_TAKEN


# -- Passkeys and factors ------------------------------------------------------------------------------------------


def passkey(person: User, credential_id: bytes) -> Passkey:
    return Passkey(uuid4(), person.id, "Laptop", credential_id, b"key", 0, NOW, None)


class Device:
    """Stands for the ceremony: what the browser said is checked elsewhere."""

    def __init__(self, credential_id: bytes) -> None:
        self.credential_id = credential_id

    async def register(self, connection: Any, user_id: UUID, name: str, answer: str, now: float) -> Passkey:
        made = Passkey(uuid4(), user_id, name, self.credential_id, b"key", 0, now, None)
        await passkeys.add(connection, made)
        return made


def registering(session: Session, credential_id: bytes) -> Action:
    return lambda t: signing_in.add_passkey(t, session, Device(credential_id), "Laptop", "")  # type: ignore[arg-type]


async def test_passkeys_keep_their_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.people.passkeys.MAX_PASSKEYS", 1)
    ann = await house.person("ann")
    session = await house.session(ann)

    assert await house.at_once(registering(session, b"1"), registering(session, b"2")) == FACTORS_FULL
    assert await house.count(passkeys.of_user, ann.id) == 1


async def test_one_passkey_is_of_one_person(house: House) -> None:
    ann, ben = await house.person("ann"), await house.person("ben")
    first, second = await house.session(ann), await house.session(ben)

    assert await house.at_once(registering(first, b"1"), registering(second, b"1")) == PASSKEY_REFUSED
    assert await house.count(passkeys.of_user, ben.id) == 0


async def test_of_two_factors_that_are_removed_at_once_one_stays(house: House) -> None:
    ann = await house.person("ann", operator=True)
    session = await house.session(ann)
    made = [passkey(ann, name) for name in (b"1", b"2")]
    for each in made:
        await house.do(lambda t, each=each: passkeys.add(t.connection, each))  # type: ignore[misc]
    one, other = (lambda t, each=each: signing_in.remove(t, session, each.id) for each in made)

    assert await house.at_once(one, other) == LAST_STRONG_FACTOR  # type: ignore[arg-type]
    assert await house.count(authenticators.of_user, house.keyring, ann.id) == 1


async def test_an_app_and_a_passkey_that_go_at_once_leave_one(house: House) -> None:
    ann = await house.person("ann", operator=True)
    session = await house.session(ann)
    key = passkey(ann, b"1")
    await house.do(lambda t: passkeys.add(t.connection, key))

    async def app(t: Transaction) -> UUID:
        begun = await totp.begin(t.connection, t.secret, ann.id, "Phone", NOW)
        await t.connection.execute(totp.totps.update().values(proved_at=NOW))
        return begun.id

    app_id = await house.do(app)
    one, other = (lambda t, each=each: signing_in.remove(t, session, each) for each in (key.id, app_id))

    assert await house.at_once(one, other) == LAST_STRONG_FACTOR  # type: ignore[arg-type]
    assert await house.count(authenticators.of_user, house.keyring, ann.id) == 1


# -- Who manages a service -----------------------------------------------------------------------------------------


async def managed(house: House, service: Service) -> tuple[User, User]:
    """By two."""
    ann, ben = await house.person("ann"), await house.person("ben")
    for each in (ann, ben):
        await house.do(lambda t, each=each: members.add(t, str(service.id), each.id))  # type: ignore[misc]
    return ann, ben


def leaves(service: Service, who: User) -> Action:
    return lambda t: members.remove(t, str(service.id), who.id)


def steps_down(service: Service, who: User) -> Action:
    return lambda t: members.change(t, str(service.id), who.id, {Permission.VIEW_ACTIVITY})


def closes(_: Service, who: User) -> Action:
    return lambda t: people.close(t, who)


WAYS = (leaves, steps_down, closes)


@pytest.mark.parametrize(("one", "other"), [(each, WAYS[at - 1]) for at, each in enumerate(WAYS)] + [(closes, closes)])
async def test_of_two_who_manage_a_service_and_leave_at_once_one_stays(
    house: House, service: Service, one: Callable[..., Action], other: Callable[..., Action]
) -> None:
    ann, ben = await managed(house, service)

    told = await house.at_once(one(service, ann), other(service, ben))

    assert told == (ACCOUNT_MANAGES if other is closes else LAST_MANAGER)
    async with house.database.read() as connection:
        team = await memberships.of_service(connection, service.id)
    assert ben.id in {each.user_id for each in team if each.manages}
