"""What is done again and again, or twice at once, costs nobody else: mailboxes, machines of others, and limits."""

import asyncio
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import Engine, event, func, select

from auth import audit, guests, keys, pace
from auth.audit import Actor
from auth.people import drafts, invitations, memberships, organisations
from auth.people.permissions import Permission
from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Search
from messages.address import Address
from messages.email.compose import Recipe
from messages.message import Channel
from relay.actions import callbacks, members, people, services, templates
from relay.actions.transaction import Transaction
from relay.site.sweeping import Sweeping
from tests.fakes.receiver import Receiver, Reply
from tests.harness.browser import Browser
from tests.harness.site import Person, RunningSite

ON_POSTGRESQL = True
OPERATOR = Actor("operator", "clerk")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def own(site: RunningSite, database: Database) -> None:
    """The relay's own service, which letters leave from, and the default domain's key."""
    async with database.write() as connection:
        sealing = Keyring.parse(Keyring.generate())
        t = Transaction(connection, site.site.settings, site.site.secret, sealing, OPERATOR, site.clock())
        await services.ensure_own(t)


async def member(site: RunningSite, *permissions: Permission, person: Person | None = None) -> tuple[UUID, Browser]:
    service_id, person = await site.service(uuid4().hex, f"s{uuid4().hex}"), person or Person()
    site.people.members[person.id, service_id] = frozenset(permissions or Permission)
    return service_id, await site.signed_in(person)


async def post(browser: Browser, page: str, **fields: str) -> int:
    """To the form of a page, with what else it needs."""
    shown = await browser.open(page)
    return (await browser.ask("POST", page, data={"csrf": shown.token, **fields})).status


async def bodies(site: RunningSite, to: str) -> list[Recipe]:
    found = list(await site.store.searching.find(Search(recipient=to), 100))
    contents = await site.store.contents.load([each.message.content_id for each in found])
    return [Recipe.from_json(contents[each.message.content_id]) for each in found]


async def write(
    site: RunningSite, to: str, name: str = "BUY-THIS", words: str = "BUY-THAT https://evil.example"
) -> int:
    fields = {"reason": "ask", "message": words, "name": name, "email": to}
    return await post(await site.browser(), "/en/contact", **fields)


async def test_not_a_word_of_a_strangers_goes_to_an_address_that_nobody_proved(site: RunningSite) -> None:
    assert await write(site, "victim@example.org") == 303

    (receipt,) = await bodies(site, "victim@example.org")
    told = f"{receipt.personalisation['subject']} {receipt.personalisation['body']}"
    assert not re.search("BUY|evil", told)
    number = re.search(r"[0-9A-F]{4}-[0-9A-F]{4}", told)
    assert number
    assert number[0] in (await bodies(site, "operator@example.ca"))[0].personalisation["subject"]


async def test_no_mailbox_is_filled_with_receipts_from_many_networks(site: RunningSite) -> None:
    for _ in range(5):
        assert await write(site, "crowded@example.org") == 303
        site.clock.ahead_seconds += 700  # as from another network: nobody's pace but the mailbox's own

    assert len(await bodies(site, "crowded@example.org")) == 3


@pytest.mark.parametrize("again", ["in another service", "in the same"])
async def test_no_mailbox_is_filled_with_invitations(site: RunningSite, again: str) -> None:
    person = Person()
    service_id, mine = await member(site, person=person)
    page = await mine.open(f"/en/services/{service_id}/team/invite")
    statuses = []
    for n in range(31):
        if again == "in another service" and n == 15:
            service_id, _ = await member(site, person=person)
        data = {"csrf": page.token, "address": f"a{n}@nowhere.example", "permissions": "view_activity"}
        answer = await mine.ask("POST", f"/en/services/{service_id}/team/invite", data=data)
        statuses.append(answer.status)

    assert statuses == [303] * 30 + [429]
    assert "This can be done 30 times within 60 minutes." in answer.text


REACHING = {
    "invitation": ("team/invite", {"address": "a@nowhere.example", "permissions": "view_activity"}),
    "reply-to": ("reply-to/new", {"address": "a@nowhere.example"}),
    "callback-test": ("callbacks/delivery-status", {"do": "test"}),
}


@pytest.mark.parametrize("what", REACHING)
async def test_what_another_process_counted_counts_here(site: RunningSite, what: str) -> None:
    service_id, mine = await member(site)
    path, form = REACHING[what]
    page = await mine.open(f"/en/services/{service_id}/{path}")
    for limit in range(1, 31):
        async with site.database.write() as c:
            now = site.clock()
            await pace.take(c, site.site.secret, what, [str(service_id)], limit, 600 if "call" in what else 3600, now)

    answer = await mine.ask("POST", f"/en/services/{service_id}/{path}", data={"csrf": page.token, **form})

    assert answer.status == 429


@pytest.mark.parametrize("path", ["contact", "register", "forgot-password"])
async def test_what_another_process_counted_of_an_address_counts_here(site: RunningSite, path: str) -> None:
    nobody, what = await site.browser(), path.removesuffix("-password")
    domain = f"{path}.example.ca"
    async with site.database.write() as c:
        await organisations.add_domain(
            c, await organisations.create(c, site.clock(), name=domain), domain, site.clock()
        )
    page = await nobody.open(f"/en/{path}")
    for limit in range(1, 11):
        async with site.database.write() as c:
            await pace.take(c, site.site.secret, what, ["127.0.0.1"], limit, 600, site.clock())
    fields = {"reason": "ask", "message": "m", "name": "Ann", "email": f"ann@{domain}", "terms": "yes"}
    data = {"csrf": page.token, "password": "four words beside another", **fields}
    assert (await nobody.ask("POST", f"/en/{path}", data=data)).status == 429


async def test_no_machine_is_called_without_end_by_test_events(site: RunningSite) -> None:
    service_id, mine = await member(site)
    path = f"/en/services/{service_id}/callbacks/delivery-status"
    async with Receiver([Reply(204)] * 30) as receiver:
        async with site.writing(OPERATOR) as t:
            await callbacks.put(t, str(service_id), url=receiver.url, bearer_token="a-token-of-theirs")
        csrf = (await mine.open(path)).token
        sent = [await mine.ask("POST", path, data={"csrf": csrf, "do": "test"}) for _ in range(21)]

        assert [each.status for each in sent] == [303] * 20 + [429]
        assert len(receiver.told) == 20


async def test_codes_to_an_address_have_one_pace_however_they_are_asked_for(site: RunningSite) -> None:
    service_id, mine = await member(site)
    page = await mine.open(f"/en/services/{service_id}/reply-to/new")
    csrf = page.token
    data = {"csrf": csrf, "address": "a@example.org"}
    made = await mine.ask("POST", f"/en/services/{service_id}/reply-to/new", data=data)
    path, again = made.headers["Location"], {"csrf": csrf, "do": "again"}

    statuses = [(await mine.ask("POST", path, data=again)).status for _ in range(20)]

    assert statuses == [303] * 19 + [429]


async def test_drafts_of_nobody_end_with_their_session(site: RunningSite) -> None:
    nobody, (service_id, mine) = await site.browser(), await member(site)
    before = await counted(site, drafts.drafts)
    await post(nobody, "/en/contact", message="", name="Somebody", email="", reason="")
    await post(mine, f"/en/services/{service_id}/team/invite", address="")
    assert await counted(site, drafts.drafts) == before + 2

    site.clock.ahead_seconds += 1801
    await Sweeping(site.site.database, site.clock).sweep()
    site.clock.ahead_seconds -= 1801

    assert await counted(site, drafts.drafts) <= before + 1
    assert (await mine.open(f"/en/services/{service_id}/team/invite")).errors  # a person's outlive the session


async def test_an_operator_of_the_team_holds_it_as_an_operator(site: RunningSite) -> None:
    operator = Person(operator=True, name="Odile Roy")
    service_id, theirs = await member(site, person=operator)
    colleague = Person()
    site.people.members[colleague.id, service_id] = frozenset(Permission)
    mine, path = await site.signed_in(colleague), f"/en/services/{service_id}/settings/hold"

    await post(theirs, path, held="yes")
    await post(mine, path, held="no")

    async with site.site.reading(OPERATOR) as t:
        assert (await t.service(str(service_id))).held
        (done,) = await audit.find(t.connection, 5, service_id=service_id)
    assert (done.actor_kind, done.actor) == ("operator", str(operator.id))
    assert "An operator (Odile Roy)" in (await mine.open(f"/en/services/{service_id}/audit")).text


async def team_of_two(site: RunningSite) -> tuple[UUID, Person, Person]:
    """Whose first member invited somebody."""
    service_id, first, second = await site.service(uuid4().hex, f"s{uuid4().hex}"), Person(), Person()
    for each in (first, second):
        await site.signed_in(each)
        async with site.writing(OPERATOR) as t:
            await members.add(t, str(service_id), each.id)
    async with site.writing(OPERATOR) as t:
        await invitations.add(
            t.connection,
            t.secret,
            t.now,
            service_id=service_id,
            address=Address.parse("friend@dept.gc.ca"),
            permissions=frozenset(Permission),
            invited_by=first.id,
        )
    return service_id, first, second


ENDED: dict[str, Callable[[Transaction, UUID, Person], object]] = {
    "is removed": lambda t, service, who: members.remove(t, str(service), who.id),
    "loses the right": lambda t, service, who: members.change(t, str(service), who.id, {Permission.VIEW_ACTIVITY}),
    "is held": lambda t, _, who: people.hold(t, str(who.id)),
}


@pytest.mark.parametrize("what", ENDED)
async def test_an_invitation_ends_when_who_sent_it(site: RunningSite, what: str) -> None:
    service_id, first, _ = await team_of_two(site)

    async with site.writing(OPERATOR) as t:
        await ENDED[what](t, service_id, first)  # type: ignore[misc]

    async with site.site.reading(OPERATOR) as t:
        assert await invitations.of_service(t.connection, t.secret, service_id, t.now) == []
        done = [each.action for each in await audit.find(t.connection, 9, service_id=service_id)]
    assert "service.invitation.cancel" in done


async def test_an_invitation_stays_when_another_goes(site: RunningSite) -> None:
    service_id, _, second = await team_of_two(site)

    async with site.writing(OPERATOR) as t:
        await members.remove(t, str(service_id), second.id)
        assert len(await invitations.of_service(t.connection, t.secret, service_id, t.now)) == 1


async def counted(site: RunningSite, table: object, *where: object) -> int:
    async with site.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


async def at_once(browser: Browser, page: str, *forms: dict[str, str]) -> None:
    csrf = (await browser.open(page)).token
    await asyncio.gather(*(browser.ask("POST", page, data={"csrf": csrf, **each}) for each in forms))


async def test_forms_at_once_make_no_key_more_than_the_limit(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.site.keys.making.MAX_IN_FORCE", 2)
    service_id, mine = await member(site)

    await at_once(mine, f"/en/services/{service_id}/keys/new", *({"name": f"k{n}", "type": "team"} for n in range(8)))

    assert await counted(site, keys.keys, keys.keys.c.service_id == service_id) == 2


async def test_forms_at_once_put_no_guest_more_than_the_limit(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.guests.MAX_GUESTS", 2)
    service_id, mine = await member(site)

    await at_once(mine, f"/en/services/{service_id}/guests", *({"guest": f"g{n}@example.org"} for n in range(8)))

    assert await counted(site, guests.guests, guests.guests.c.service_id == service_id) == 2


async def test_forms_at_once_make_no_service_more_than_the_limit(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.site.services.adding.MAX_TRIALS", 2)
    person = Person()
    mine = await site.signed_in(person)
    paths = [
        f"/en/services/add/check?name=n{n}{uuid4().hex}&name_fr=f{n}{uuid4().hex}&email_from=e{n}{uuid4().hex[:9]}"
        for n in range(6)
    ]
    csrf = (await mine.open(paths[0])).token

    await asyncio.gather(*(mine.ask("POST", path, data={"csrf": csrf}) for path in paths))

    assert await counted(site, memberships.memberships, memberships.memberships.c.user_id == person.id) == 2


async def test_a_key_is_not_rotated_without_end(site: RunningSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.site.keys.changing.MAX_IN_FORCE", 1)
    service_id, mine = await member(site)
    where = keys.keys.c.service_id == service_id
    await post(mine, f"/en/services/{service_id}/keys/new", name="k", type="team")
    for _ in range(3):
        async with site.database.read() as connection:
            newest = await connection.scalar(
                select(keys.keys.c.id).where(where).order_by(keys.keys.c.created_at.desc())
            )
        await post(mine, f"/en/services/{service_id}/keys/{newest}/rotate", overlap="86400")
        site.clock.ahead_seconds += 1

    assert await counted(site, keys.keys, where) == 2


@pytest.mark.parametrize("path", ["audit", "templates/{template_id}/versions"])
async def test_a_page_that_names_many_people_asks_for_all_at_once(site: RunningSite, path: str) -> None:
    counts = []
    for authors in (1, 4):
        service_id, mine = await member(site)
        async with site.writing(OPERATOR) as t:
            made = await templates.create(t, str(service_id), channel=Channel.SMS, name="n", subject=None, body="0")
        for n in range(authors):
            person = Person()
            await site.signed_in(person)
            async with site.writing(Actor("user", str(person.id))) as t:
                await templates.update(t, made.id, body=f"{n + 1}")
        page = f"/en/services/{service_id}/{path.format(template_id=made.id)}"
        counts.append(await asked_of_users(mine, page))

    assert counts[0] == counts[1]


async def asked_of_users(browser: Browser, page: str) -> int:
    seen = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append("FROM users" in statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert (await browser.open(page)).status == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(seen)
