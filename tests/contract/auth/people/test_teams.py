"""Teams, invitations and organisations as both databases keep them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import reply_tos, services
from auth.domains import names
from auth.errors import (
    CODE_OVER,
    CODE_WRONG,
    INVITATION_UNKNOWN,
    INVITED_ALREADY,
    LAST_MANAGER,
    MEMBER_TAKEN,
    ORGANISATION_DOMAIN_TAKEN,
    ORGANISATION_TAKEN,
    AuthError,
)
from auth.people import go_live, invitations, memberships, organisations, reply_to_codes
from auth.people.go_live import GoLiveRequest, UseCase
from auth.people.invitations import OPEN_SECONDS, Invitation
from auth.people.permissions import Permission
from auth.principal import Service
from config.database import Database
from config.keyring import Keyring
from messages.address import Address
from tests.fakes.auth import DEFAULTS, DOMAIN, NOW, counted

ALL = frozenset(Permission)
ANN, BEN = UUID(int=1), UUID(int=2)
LILY = Address.parse("Lily.Roy@Dept.gc.ca")


@pytest.fixture
async def service(database: Database, sealing: Keyring) -> Service:
    async with database.write() as c:
        await names.ensure(c, sealing, DOMAIN, NOW)
        return await services.create(c, DEFAULTS, NOW, name="Passports", email_from="passports", domain=DOMAIN)


@pytest.fixture
def do(database: Database) -> Callable[..., Awaitable[Any]]:
    """One change, in a transaction of its own."""

    async def do(change: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
        async with database.write() as connection:
            return await change(connection, *given, **named)

    return do


def said(error: pytest.ExceptionInfo[AuthError]) -> str:
    return error.value.text.source


# -- Memberships ---------------------------------------------------------------------------------------------------


async def test_asvs_8_3_2_a_change_of_permissions_holds_at_once(do: Any, database: Database, service: Service) -> None:
    """ASVS 5.0, 8.3.2: what was taken away is asked for at the next request, and is not there."""
    await do(memberships.add, service.id, ANN, ALL, NOW)
    await do(memberships.add, service.id, BEN, {Permission.SEND_MESSAGES}, NOW + 1)
    await do(memberships.change, service.id, BEN, {Permission.VIEW_ACTIVITY})

    async with database.read() as connection:
        found = await memberships.find(connection, service.id, BEN)
        team = await memberships.of_service(connection, service.id)
        mine = await memberships.of_user(connection, DEFAULTS, BEN)
    assert found
    assert found.permissions == {Permission.VIEW_ACTIVITY}
    assert [each.user_id for each in team] == [ANN, BEN]
    assert mine == [(service, found)]


async def test_nobody_is_in_a_team_twice(do: Any, service: Service) -> None:
    await do(memberships.add, service.id, ANN, ALL, NOW)
    with pytest.raises(AuthError) as caught:
        await do(memberships.add, service.id, ANN, {Permission.VIEW_ACTIVITY}, NOW)
    assert said(caught) == MEMBER_TAKEN


@pytest.mark.parametrize("others", [set(), {Permission.SEND_MESSAGES, Permission.MANAGE_API_KEYS}])
async def test_the_last_who_manages_the_service_stays(do: Any, service: Service, others: set[Permission]) -> None:
    await do(memberships.add, service.id, ANN, ALL, NOW)
    if others:
        await do(memberships.add, service.id, BEN, others, NOW)
    for leaving in (
        do(memberships.remove, service.id, ANN),
        do(memberships.change, service.id, ANN, ALL - {Permission.MANAGE_SERVICE}),
    ):
        with pytest.raises(AuthError) as caught:
            await leaving
        assert said(caught) == LAST_MANAGER


async def test_who_manages_beside_another_may_leave(do: Any, database: Database, service: Service) -> None:
    await do(memberships.add, service.id, ANN, ALL, NOW)
    await do(memberships.add, service.id, BEN, {Permission.MANAGE_SERVICE}, NOW)
    await do(memberships.remove, service.id, ANN)
    async with database.read() as connection:
        assert await memberships.find(connection, service.id, ANN) is None


# -- Invitations ---------------------------------------------------------------------------------------------------


async def invite(do: Any, keyring: Keyring, service: Service, address: Address = LILY) -> tuple[Invitation, str]:
    held = {Permission.VIEW_ACTIVITY}
    named = {"service_id": service.id, "address": address, "permissions": held, "invited_by": ANN}
    made: tuple[Invitation, str] = await do(invitations.add, keyring, NOW, **named)
    return made


async def test_an_invitation_is_found_by_its_code_however_it_is_typed(
    do: Any, database: Database, keyring: Keyring, service: Service
) -> None:
    made, code = await invite(do, keyring, service)
    lower = Address.parse("lily.roy@dept.gc.ca")
    async with database.read() as connection:
        for typed in (code, code.replace("-", "").upper(), f" {code} "):
            assert await invitations.by_code(connection, keyring, typed, lower, NOW + 1) == made
        assert await invitations.of_address(connection, keyring, lower, NOW + 1) == [made]


async def test_an_invitation_is_for_its_address_alone(
    do: Any, database: Database, keyring: Keyring, service: Service
) -> None:
    _, code = await invite(do, keyring, service)
    async with database.read() as connection:
        with pytest.raises(AuthError) as caught:
            await invitations.by_code(connection, keyring, code, Address.parse("ben@dept.gc.ca"), NOW)
    assert said(caught) == INVITATION_UNKNOWN


async def test_an_invitation_ends_after_two_days(
    do: Any, database: Database, keyring: Keyring, service: Service
) -> None:
    made, code = await invite(do, keyring, service)
    async with database.read() as connection:
        with pytest.raises(AuthError):
            await invitations.by_code(connection, keyring, code, LILY, NOW + OPEN_SECONDS)
        assert await invitations.of_service(connection, keyring, service.id, NOW + OPEN_SECONDS) == []
    with pytest.raises(AuthError):
        await do(invitations.end, made, NOW + OPEN_SECONDS)


async def test_an_invitation_is_accepted_once(do: Any, keyring: Keyring, service: Service) -> None:
    made, _ = await invite(do, keyring, service)
    results = await asyncio.gather(
        do(invitations.end, made, NOW), do(invitations.end, made, NOW), return_exceptions=True
    )
    assert sorted(map(type, results), key=str) == [type(None), AuthError]


async def test_an_address_has_one_open_invitation_of_a_service(do: Any, keyring: Keyring, service: Service) -> None:
    made, _ = await invite(do, keyring, service)
    with pytest.raises(AuthError) as caught:
        await invite(do, keyring, service, Address.parse("lily.roy@DEPT.gc.ca"))
    assert said(caught) == INVITED_ALREADY
    await do(invitations.end, made, NOW)
    await invite(do, keyring, service)


# -- Organisations -------------------------------------------------------------------------------------------------


async def test_an_address_is_of_the_most_exact_domain(do: Any, database: Database) -> None:
    crown = await do(organisations.create, NOW, name="Government", name_fr="Gouvernement")
    health = await do(organisations.create, NOW, name="Health", name_fr="Santé")
    await do(organisations.add_domain, crown, "gc.ca", NOW)
    await do(organisations.add_domain, health, "Health.GC.ca.", NOW)

    async def owner(address: str) -> str | None:
        async with database.read() as connection:
            found = await organisations.of_address(connection, address)
        return found and found.name

    assert await owner("a@gc.ca") == "Government"
    assert await owner("a@Dept.gc.ca") == "Government"
    assert await owner("a@lab.health.gc.ca") == "Health"
    assert await owner("a@notgc.ca") is None
    assert await owner("a@ca") is None
    assert await owner("gc.ca@evil.example") is None


async def test_a_domain_and_a_name_are_of_one_organisation(do: Any) -> None:
    first = await do(organisations.create, NOW, name="Health", name_fr="Santé")
    await do(organisations.add_domain, first, "health.gc.ca", NOW)
    with pytest.raises(AuthError) as caught:
        await do(organisations.create, NOW, name="SANTÉ")
    assert said(caught) == ORGANISATION_TAKEN
    other = await do(organisations.create, NOW, name="Other")
    with pytest.raises(AuthError) as caught:
        await do(organisations.add_domain, other, "HEALTH.gc.ca", NOW)
    assert said(caught) == ORGANISATION_DOMAIN_TAKEN


async def test_an_organisation_tells_its_domains_and_approvers(do: Any, database: Database) -> None:
    made = await do(organisations.create, NOW, name="Health", name_fr="Santé")
    await do(organisations.add_domain, made, "health.gc.ca", NOW)
    await do(organisations.add_approver, made, ANN, NOW)
    async with database.read() as connection:
        found = await organisations.named(connection, "sANTÉ")
        assert await organisations.approved_by(connection, ANN) == {made.id}
        assert await organisations.approved_by(connection, BEN) == frozenset()
    assert (found.domains, found.approvers) == (("health.gc.ca",), (ANN,))


# -- Going live -----------------------------------------------------------------------------------------------------


async def test_who_decides_finds_what_waits_for_them_behind_what_waits_for_others(
    do: Any, database: Database, keyring: Keyring, service: Service
) -> None:
    health = await do(organisations.create, NOW, name="Health")
    use_case: UseCase = dict.fromkeys(UseCase.__annotations__, 1) | {"purposes": "p", "recipients": "r"}  # type: ignore[assignment]

    async def wait(c: AsyncConnection, number: int, owner: UUID | None = None) -> GoLiveRequest:
        made = {"name": f"S{number}", "email_from": f"s{number}", "domain": DOMAIN, "organisation_id": owner}
        asked = await go_live.write(c, (await services.create(c, DEFAULTS, NOW, **made)).id, use_case)
        return await go_live.ask(c, asked, ANN, NOW + number)

    async def wait_all(c: AsyncConnection) -> list[GoLiveRequest]:
        return [*[await wait(c, number) for number in range(100)], await wait(c, 100, health.id)]

    (oldest, *_, last) = await do(wait_all)
    async with database.write() as connection:
        with counted(database) as statements:
            found = await go_live.waiting(connection, DEFAULTS)
        mine = await go_live.waiting(connection, DEFAULTS, [health.id])
    assert (len(found), len(statements)) == (100, 1)
    assert (found[0][0], found[0][1].name) == (oldest, "S0")
    assert [(request, of.name) for request, of in mine] == [(last, "S100")]


# -- Codes to reply-to addresses ------------------------------------------------------------------------------------


async def test_a_code_proves_an_address_once(do: Any, keyring: Keyring, service: Service) -> None:
    made = await do(reply_tos.add, service.id, "desk@dept.gc.ca", NOW, verified=False)
    code = await do(reply_to_codes.make, keyring, made, NOW)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    refused = await do(reply_to_codes.check, keyring, made, wrong, NOW)
    assert refused.text.source == CODE_WRONG
    assert await do(reply_to_codes.check, keyring, made, code, NOW) is None
    assert (await do(reply_to_codes.check, keyring, made, code, NOW)).text.source == CODE_OVER


async def test_a_code_is_over_after_five_tries_after_its_time_and_with_the_next(
    do: Any, keyring: Keyring, service: Service
) -> None:
    made = await do(reply_tos.add, service.id, "desk@dept.gc.ca", NOW, verified=False)
    code = await do(reply_to_codes.make, keyring, made, NOW)
    for _ in range(reply_to_codes.MAX_TRIES):
        await do(reply_to_codes.check, keyring, made, "x", NOW)
    assert (await do(reply_to_codes.check, keyring, made, code, NOW)).text.source == CODE_OVER

    late = await do(reply_to_codes.make, keyring, made, NOW)
    over = NOW + reply_to_codes.OPEN_SECONDS + 1
    assert (await do(reply_to_codes.check, keyring, made, late, over)).text.source == CODE_OVER

    before = await do(reply_to_codes.make, keyring, made, NOW)
    after = await do(reply_to_codes.make, keyring, made, NOW)
    if before != after:
        assert (await do(reply_to_codes.check, keyring, made, before, NOW)).text.source == CODE_WRONG
    assert await do(reply_to_codes.check, keyring, made, after, NOW) is None


async def test_a_reply_to_address_goes_with_its_code(do: Any, keyring: Keyring, service: Service) -> None:
    made = await do(reply_tos.add, service.id, "desk@dept.gc.ca", NOW, verified=False)
    await do(reply_to_codes.make, keyring, made, NOW)
    await do(reply_tos.remove, made)
    assert (await do(reply_to_codes.check, keyring, made, "000000", NOW)).text.source == CODE_OVER
