"""Keys on the web site: made, shown once for both doors, changed, renewed, revoked; and setting up what uses them."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from starlette.routing import compile_path

from auth import audit, keys, services, watches
from auth.people.permissions import Permission
from auth.people.sessions import Factor
from auth.principal import Key, Service
from auth.watches import Step, Watches
from messages.message import KeyType
from messages.reply import CREDENTIALS_INVALID, KEY_REVOKED, Refused
from relay.site.keys import making
from relay.site.keys.once import SHOWN_SECONDS
from relay.site.keys.products import products
from relay.site.keys.routes import ROUTES
from tests.harness.browser import Browser, Page
from tests.harness.sampled import sampled
from tests.harness.site import DOMAIN, Person, RunningSite

NAME, MAY, LAST_DAY = "Name", "What may the key do?", "Last day (optional)"
NETWORKS, SENDERS = "Networks (optional)", "Allowed senders (optional)"
TEAM, LIVE, TEST = "Team and guest list", "Live", "Test"
SECRET = re.compile(r"[0-9a-f]{32}")


async def service_of(site: RunningSite, *, live: bool = True, name: str = "") -> Service:
    unique = uuid4().hex[:12]
    async with site.database.write() as connection:
        return await services.create(
            connection,
            site.site.settings.limits,
            site.clock(),
            name=name or f"Passports {unique}",
            email_from=unique,
            domain=DOMAIN,
            live=live,
        )


async def member(
    site: RunningSite,
    service: Service,
    permissions: Collection[Permission] = (Permission.MANAGE_API_KEYS,),
    person: Person | None = None,
    **options: Any,
) -> Browser:
    person = person or Person()
    site.people.members[(person.id, service.id)] = frozenset(permissions)
    return await site.signed_in(person, **options)


async def key_of(site: RunningSite, service: Service, name: str = "Scanner", **terms: Any) -> keys.Issued:
    async with site.database.write() as connection:
        return await keys.create(
            connection,
            site.site.secret,
            site.site.settings.limits,
            service,
            site.clock(),
            name=name,
            type=terms.pop("type", KeyType.TEAM),
            **terms,
        )


async def found(site: RunningSite, key: Key) -> Key:
    async with site.database.read() as connection:
        return await keys.find(connection, site.site.secret, site.site.settings.limits, key.id)


async def actions_of(site: RunningSite, service: Service) -> list[str]:
    async with site.database.read() as connection:
        rows = await connection.scalars(select(audit.audit.c.action).where(audit.audit.c.service_id == service.id))
        return sorted(rows)


def at(service: Service, rest: str = "") -> str:
    return f"/en/services/{service.id}/keys{rest}"


async def made(browser: Browser, service: Service, **values: Any) -> Page:
    await browser.open(at(service))
    await browser.follow("Make a key")
    return await browser.press("Make the key", {NAME: "Scanner", MAY: TEAM, **values})


async def test_a_key_is_made_and_its_secrets_are_shown_for_both_doors(site: RunningSite) -> None:
    service = await service_of(site)
    browser = await member(site, service)
    page = await made(browser, service)
    assert page.heading == "Your key is ready"
    async with site.database.read() as connection:
        (key,) = await keys.list_all(connection, site.site.secret, site.site.settings.limits, service.id)
    (password,) = set(SECRET.findall(page.text))
    assert (await site.site.verifier.verify(key.smtp_username, password)).key.id == key.id
    hyphens = f"{password[:8]}-{password[8:12]}-{password[12:16]}-{password[16:20]}-{password[20:]}"
    assert f"gcntfy-scanner-{service.id}-{hyphens}" in page.text
    assert key.smtp_username in page.text
    assert not any(password in each or hyphens in each for each in [page.url, *page.hops])
    assert await actions_of(site, service) == ["key.create"]


async def test_the_secrets_stand_nowhere_in_the_clear_and_go_when_the_visitor_goes_on(site: RunningSite) -> None:
    service = await service_of(site)
    browser = await member(site, service)
    page = await made(browser, service)
    (password,) = set(SECRET.findall(page.text))
    assert password in (await browser.open(page.url)).text  # a reload loses nothing,
    french = await browser.follow("Français")  # nor does the other language
    assert password in french.text
    async with site.database.read() as connection:
        for row in (await connection.execute(text("SELECT content FROM drafts"))).all():
            assert password.encode() not in bytes(row.content)
            assert password[20:].encode() not in bytes(row.content)
    await browser.open(page.url)
    after = await browser.press("Copied: back to the keys")
    assert after.url == at(service)
    gone = await browser.open(page.url)
    assert gone.heading == "The secrets of a key are shown once"
    assert not SECRET.search(gone.text)
    async with site.database.read() as connection:
        kept = (await connection.execute(text("SELECT form FROM drafts"))).scalars().all()
    assert f"secret of {page.url.split('/')[-2]}" not in kept


async def test_nobody_sees_the_secrets_but_the_session_that_made_the_key_and_for_five_minutes(
    site: RunningSite,
) -> None:
    service, person = await service_of(site), Person()
    browser = await member(site, service, person=person)
    page = await made(browser, service)
    for other in (await member(site, service, person=person), await member(site, service)):
        assert not SECRET.search((await other.open(page.url)).text)
    site.clock.ahead_seconds += SHOWN_SECONDS + 1
    try:
        assert not SECRET.search((await browser.open(page.url)).text)
    finally:
        site.clock.ahead_seconds = 0


async def test_in_trial_a_live_key_is_not_to_be_had_and_the_page_says_why(site: RunningSite) -> None:
    service = await service_of(site, live=False)
    browser = await member(site, service)
    page = await browser.open(at(service, "/new"))
    (live, *others) = [each for each in page.root.tagged("input") if each.attributes.get("name") == "type"]
    assert "disabled" in live.attributes
    assert not any("disabled" in each.attributes for each in others)
    assert "Not yet: your service is in trial." in page.root.at(live.attributes["aria-describedby"]).text
    token = next(each for each in page.root.tagged("input") if each.attributes.get("name") == "csrf")
    data = {"csrf": token.attributes["value"], "name": "Scanner", "type": "normal"}
    answered = await browser.open(at(service, "/new"), method="POST", data=data)
    assert answered.errors == ["Choose what the key may do"]
    assert await actions_of(site, service) == []
    live_service = await service_of(site)
    page = await made(await member(site, live_service), live_service, **{MAY: LIVE})
    assert page.heading == "Your key is ready"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({NAME: " "}, "Enter a name for the key"),
        ({NETWORKS: "192.0.2.0/24\n192.0.2.0/99"}, "192.0.2.0/99 is not an address or network such as 192.0.2.0/24"),
        ({SENDERS: "nobody"}, "nobody is neither a mail address nor a domain written as @example.ca"),
        ({LAST_DAY: "2027-02-31"}, "Enter the last day as year, month and day, like 2027-03-31"),
        ({LAST_DAY: "2020-01-01"}, "The last day must be today or later"),
        ({NAME: "taken"}, "Another key of this service has this name: choose one that tells them apart"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    site: RunningSite, values: dict[str, str], error: str
) -> None:
    service = await service_of(site)
    await key_of(site, service, "Taken")
    browser = await member(site, service)
    page = await made(browser, service, **{NETWORKS: "198.51.100.7", **values})
    assert page.errors == [error]
    assert page.title.startswith("Error: Make a key")
    for label, typed in {NETWORKS: "198.51.100.7", **values}.items():
        assert page.value(label) == typed


async def test_terms_are_shown_as_they_are_and_changed(site: RunningSite) -> None:
    service = await service_of(site)
    browser = await member(site, service)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    await made(
        browser, service, **{LAST_DAY: tomorrow, NETWORKS: "192.0.2.7, 198.51.100.0/24", SENDERS: "@City.Example"}
    )
    await browser.press("Copied: back to the keys")
    page = await browser.follow("Scanner")
    assert page.value(LAST_DAY) == tomorrow
    assert page.value(NETWORKS) == "192.0.2.7/32\n198.51.100.0/24"
    assert page.value(SENDERS) == "@city.example"
    page = await browser.press("Save", {NAME: "Scanner 2", LAST_DAY: "", NETWORKS: ""})
    assert page.notice == "The key Scanner 2 was changed."
    async with site.database.read() as connection:
        (key,) = await keys.list_all(connection, site.site.secret, site.site.settings.limits, service.id)
    assert (key.name, key.networks, key.expires_at, key.allowed_from) == ("Scanner 2", (), None, {"@city.example"})
    assert await actions_of(site, service) == ["key.create", "key.update"]
    await browser.follow("Scanner 2")
    await browser.press("Save")
    assert await actions_of(site, service) == ["key.create", "key.update"]


async def test_a_new_secret_is_shown_once_and_the_old_one_works_on_for_a_while(site: RunningSite) -> None:
    service = await service_of(site)
    issued, browser = await key_of(site, service), await member(site, service)
    await browser.open(at(service, f"/{issued.key.id}"))
    page = await browser.follow("Make a new secret")
    page = await browser.press("Make a new secret", {"When does the old secret end?": "After 1 hour"})
    (password,) = set(SECRET.findall(page.text))
    old = await found(site, issued.key)
    assert old.expires_at == pytest.approx(site.clock() + 3600, abs=5)
    assert (await site.site.verifier.verify(old.smtp_username, issued.smtp_password)).key.id == old.id
    async with site.database.read() as connection:
        _, new = await keys.list_all(connection, site.site.secret, site.site.settings.limits, service.id)
    assert (await site.site.verifier.verify(new.smtp_username, password)).key.id == new.id
    # Saving the old key's other terms leaves its end where the overlap put it.
    await browser.open(at(service, f"/{old.id}"))
    await browser.press("Save", {NAME: "Old scanner"})
    assert (await found(site, old)).expires_at == old.expires_at


async def test_revoking_is_asked_for_and_done_by_the_button_only(site: RunningSite) -> None:
    service = await service_of(site)
    issued, browser = await key_of(site, service), await member(site, service)
    await browser.open(at(service, f"/{issued.key.id}"))
    page = await browser.follow("Revoke the key")
    assert page.heading == "Revoke Scanner?"
    assert (await found(site, issued.key)).revoked_at is None
    page = await browser.press("Revoke the key")
    assert page.notice == "The key Scanner is revoked."
    with pytest.raises(Refused) as caught:
        await site.site.verifier.verify(issued.key.smtp_username, issued.smtp_password)
    assert caught.value.reply is KEY_REVOKED
    page = await browser.open(at(service, f"/{issued.key.id}"))
    assert [each for each in page.forms() if each.attributes.get("method") == "post"] == []
    for rest in ("/rotate", "/revoke", "/smtp", "/smtp/zabbix", "/seen"):
        assert (await browser.open(at(service, f"/{issued.key.id}{rest}"))).status == 404


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_another_services_keys_are_not_there(site: RunningSite, route: Any) -> None:
    mine, theirs = await service_of(site), await service_of(site)
    key, browser = (await key_of(site, theirs)).key, await member(site, mine)
    if "{key_id}" in route.path:
        path = route.path.format(service_id=mine.id, key_id=key.id, product="zabbix")
    else:
        path = route.path.format(service_id=theirs.id)
    assert compile_path("/" + route.path)
    await browser.open(at(mine, "/new"))
    csrf = next(each for each in browser.page.root.tagged("input") if each.attributes.get("name") == "csrf")
    data = {"csrf": csrf.attributes["value"], "overlap": "0", "name": "x", "type": "test"}
    answered = await browser.open(f"/en/{path}", method=route.method, data=data if route.method == "POST" else None)
    assert answered.status == 404
    assert key.name not in answered.html
    after = await found(site, key)
    assert (after.revoked_at, after.expires_at, after.name) == (None, None, key.name)


async def test_keys_need_their_permission_and_a_strong_factor(site: RunningSite) -> None:
    service = await service_of(site)
    others = frozenset(Permission) - {Permission.MANAGE_API_KEYS}
    assert (await (await member(site, service, others)).open(at(service))).status == 404
    weak = await member(site, service, factors=(Factor.PASSWORD, Factor.EMAIL))
    answered = await weak.ask("GET", at(service))
    assert answered.headers["Location"].startswith("/en/step-up?")
    nobody = await site.browser()
    assert (await nobody.ask("GET", at(service))).headers["Location"].startswith("/en/sign-in?")


async def test_a_service_has_so_many_keys_that_work_and_revoked_ones_do_not_count(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MAX_IN_FORCE", 2)
    service = await service_of(site)
    issued, browser = await key_of(site, service, "First"), await member(site, service)
    await key_of(site, service, "Second")
    page = await made(browser, service)
    assert page.errors == ["This service has 2 keys that work: revoke one that is not needed any more first"]
    await browser.open(at(service, f"/{issued.key.id}/revoke"))
    await browser.press("Revoke the key")
    assert (await made(browser, service)).heading == "Your key is ready"


async def test_a_long_list_has_an_end_and_goes_on(site: RunningSite) -> None:
    service = await service_of(site)
    for number in range(51):
        await key_of(site, service, f"Key {number}")
    browser = await member(site, service)
    page = await browser.open(at(service))
    names = [words for words, url in page.links if re.fullmatch(r"Key \d+", words)]
    page = await browser.follow("Older")
    names += [words for words, url in page.links if re.fullmatch(r"Key \d+", words)]
    assert sorted(names) == sorted(f"Key {number}" for number in range(51))


async def test_who_opens_the_page_looks_on_and_sees_what_the_door_saw_in_their_language(site: RunningSite) -> None:
    service = await service_of(site)
    issued, browser = await key_of(site, service), await member(site, service)
    page = await browser.open(at(service, f"/{issued.key.id}/smtp"))
    assert "Waiting for your device" in page.text
    assert "Nothing has come with this user name yet." in page.text
    door = Watches(site.database, site.clock, default_domain=DOMAIN)
    await door.share()
    watch = door.of(issued.key.smtp_username)
    assert watch is not None
    session, refused = uuid4(), uuid4()
    said: tuple[tuple[Step, dict[str, Any]], ...] = (
        (Step.CONNECTED, {"network": "192.0.2.0/24", "listener": "starttls"}),
        (Step.TLS, {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384"}),
        (Step.LOGGED_IN, {}),
        (Step.SENDER, {"domain": "city.example"}),
        (Step.RECIPIENT, {"domain": "example.org"}),
        (Step.ACCEPTED, {"group_id": "0199-group", "recipients": 2}),
    )
    for number, (step, values) in enumerate(said):
        door.note(watch, session, number, step, values, 60.0 - number)
    door.note(watch, refused, 1, Step.CONNECTED, {"network": "192.0.2.0/24", "listener": "tls"}, 10)
    door.note(watch, refused, 2, Step.TLS, {"version": "", "cipher": ""}, 10)
    door.note(watch, refused, 3, Step.REFUSED, {"reply": "credentials-invalid", "values": {}}, 10)
    door.note(watch, refused, 4, Step.REFUSED, {"reply": "key-limit", "values": {"limit": 3}}, 9)
    await door.share()
    piece = (await browser.ask("GET", at(service, f"/{issued.key.id}/seen"))).html
    page = await browser.open(at(service, f"/{issued.key.id}/smtp/zabbix"))
    for shown in (piece, page.html):
        assert re.search(r"Connected from 192\.0\.2\.0/24, on the port for STARTTLS", shown)
        assert "Encrypted with TLSv1.3, TLS_AES_256_GCM_SHA384" in shown
        assert "Sender at city.example accepted" in shown
        assert "Message accepted, recipients: 2" in shown
        assert "0199-group" in shown
        assert f"{CREDENTIALS_INVALID.code} {CREDENTIALS_INVALID.enhanced}" in shown
        assert "The user name is right, and the password is not." in shown
        assert "limit of … messages" in shown or "limit of 3 messages" in shown
        assert shown.index("The user name is right") < shown.index("0199-group")  # the newest first
    french = await browser.follow("Français")
    assert "utilisateur est bon" in french.text
    assert "The user name" not in french.text


async def test_opening_the_page_again_and_again_writes_nothing_more(site: RunningSite) -> None:
    service = await service_of(site)
    issued, browser = await key_of(site, service), await member(site, service)
    ends = []
    for _ in range(2):
        await browser.open(at(service, f"/{issued.key.id}/smtp"))
        async with site.database.read() as connection:
            ends.append(
                await connection.scalar(
                    select(watches.watches.c.ends_at).where(watches.watches.c.key_id == issued.key.id)
                )
            )
    assert ends[0] == ends[1]


@pytest.mark.parametrize("language", sampled(["en", "fr"], lambda at: at == 1))
async def test_every_product_has_a_page_with_what_to_enter(site: RunningSite, language: str) -> None:
    service = await service_of(site)
    issued, browser = await key_of(site, service), await member(site, service)
    listed = await browser.open(f"/{language}/services/{service.id}/keys/{issued.key.id}/smtp")
    addresses = {url for _, url in listed.links}
    for slug, product in products().items():
        path = f"/{language}/services/{service.id}/keys/{issued.key.id}/smtp/{slug}"
        assert path in addresses
        for listener in product.listeners:
            page = await browser.open(f"{path}?listener={listener}")
            assert page.status == 200
            assert (issued.key.smtp_username in page.text) == (listener != "devices")
            assert "relay.example.ca" not in page.text
    assert (await browser.open(f"/{language}/services/{service.id}/keys/{issued.key.id}/smtp/nothing")).status == 404


async def test_a_stored_name_is_text_and_no_markup(site: RunningSite) -> None:
    service = await service_of(site)
    issued = await key_of(site, service, "<script>alert(1)</script> & {x}")
    browser = await member(site, service)
    for rest in (
        "",
        f"/{issued.key.id}",
        f"/{issued.key.id}/revoke",
        f"/{issued.key.id}/rotate",
        f"/{issued.key.id}/smtp",
    ):
        page = await browser.open(at(service, rest))
        assert page.status == 200
        assert "<script>alert" not in page.html
        assert "<script>alert(1)</script> & {x}" in page.text
