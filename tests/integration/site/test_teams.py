"""Services and their teams on the web site, as people make, join and leave them."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from auth import audit, services
from auth.people import memberships, organisations, users
from auth.people.permissions import Permission
from auth.people.sessions import Factor
from auth.people.users import User
from auth.principal import Service
from delivery.figures.tables import count_changes
from delivery.store.base import Search
from messages.message import Channel, Language
from relay.actions import services as changing
from relay.actions import templates
from relay.site.routes import ROUTES
from tests.harness.browser import Browser
from tests.harness.sampled import sampled
from tests.harness.site import RunningSite

pytestmark = pytest.mark.asyncio(loop_scope="module")
CODE = re.compile(r"[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}")
ROOMS = ("services/{service_id}/settings", "services/{service_id}/reply-to", "services/{service_id}/team")
ROOMS = (*ROOMS, "services/{service_id}/guests", "services/{service_id}/go-live", "services/{service_id}/audit")


async def person(site: RunningSite, name: str, *, operator: bool = False, language: Language = Language.EN) -> User:
    async with site.database.write() as c:
        email = f"{name.lower()}@dept.gc.ca"
        known = await users.by_email(c, site.site.secret, email)
        return known or await users.create(
            c, site.site.secret, site.clock(), email=email, name=name, language=language, operator=operator
        )


async def browsing(site: RunningSite, name: str, **options: Any) -> Browser:
    return await site.signed_in(await person(site, name, **options))  # type: ignore[arg-type]


async def letters(site: RunningSite, to: str) -> list[dict[str, str]]:
    """Subject and body of each letter to somebody, oldest first."""
    found = [each.message for each in await site.store.searching.find(Search(recipient=to.lower()), 100)]
    contents = await site.store.contents.load([each.content_id for each in found])
    return [json.loads(contents[each.content_id] or b"")["personalisation"] for each in reversed(found)]


async def create(browser: Browser, english: str, french: str) -> str:
    """Through the three steps; the path of the service."""
    await browser.open("/en/services")
    await browser.follow("Create a service")
    await browser.press("Continue", {"Name in English": english, "Name in French": french})
    await browser.press("Continue")
    page = await browser.press("Create the service")
    assert page.notice == "The service is created, and in trial", page.text
    found = re.match(r"/en/(services/[0-9a-f-]{36})", page.url)
    assert found
    return found[1]


async def invited(site: RunningSite, browser: Browser, path: str, address: str, permissions: list[str]) -> str:
    """The code in the letter."""
    await browser.open(f"/en/{path}/team/invite")
    group = {"Email address": address, "What may this person do?": permissions}
    page = await browser.press("Send the invitation", group)
    assert page.notice == f"{address} is invited, and has two days to accept", page.errors
    code = CODE.search((await letters(site, address))[-1]["body"])
    assert code
    return code[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def organisation(site: RunningSite) -> organisations.Organisation:
    async with site.database.write() as c:
        made = await organisations.create(c, site.clock(), name="Department", name_fr="Ministère")
        await organisations.add_domain(c, made, "gc.ca", site.clock())
    return made


async def found_service(site: RunningSite, path: str) -> Service:
    async with site.database.read() as c:
        return await services.find(c, site.site.settings.limits, UUID(path.rpartition("/")[2]))


async def test_a_service_is_made_in_three_steps_and_nothing_before_the_last(
    site: RunningSite, organisation: organisations.Organisation
) -> None:
    ann = await browsing(site, "Ann")
    await ann.open("/en/services/add")
    await ann.press("Continue", {"Name in English": "Élite permits", "Name in French": "Permis d'élite"})
    page = ann.page
    assert page
    assert page.value("Part before the @") == "elite-permits"
    page = await ann.press("Continue", {"Part before the @": "permits"})
    assert (page.heading, "permits@" in page.text) == ("Check the service before you create it", True)
    async with site.database.read() as c:
        assert not await services.exists(c, email_from="permits")

    page = await ann.press("Create the service")
    made = await found_service(site, "/".join(page.url.split("/")[2:4]))
    assert (made.name, made.name_fr, made.email_from) == ("Élite permits", "Permis d'élite", "permits")
    assert (made.live, made.language, made.organisation_id) == (False, Language.BOTH, organisation.id)
    async with site.database.read() as c:
        (member,) = await memberships.of_service(c, made.id)
        entries = await audit.find(c, 10, service_id=made.id)
    assert member.permissions == {*Permission}
    assert {each.action for each in entries} == {"service.member.add", "service.create"}
    assert {each.actor_kind for each in entries} == {"user"}


async def test_a_name_and_an_address_are_of_one_service(site: RunningSite) -> None:
    ann = await browsing(site, "Tim")
    await create(ann, "Fishing", "Pêche")
    await ann.open("/en/services/add")
    page = await ann.press("Continue", {"Name in English": "PÊCHE", "Name in French": "Autre"})
    assert page.errors == ["Another service has this name. Choose one that tells them apart"]
    assert page.value("Name in French") == "Autre"
    await ann.press("Continue", {"Name in English": "Fishing two", "Name in French": "Autre"})
    page = await ann.press("Continue", {"Part before the @": "fishing"})
    assert page.errors == ["Another service sends from this address. Choose another one"]
    page = await ann.press("Continue", {"Part before the @": ""})
    assert page.errors == ["Enter the part of the address before the @"]


async def test_who_is_invited_joins_by_pressing_a_button_and_not_by_opening_the_link(site: RunningSite) -> None:
    ann, ben = await browsing(site, "Ann"), await browsing(site, "Ben")
    path = await create(ann, "Hunting", "Chasse")
    code = await invited(site, ann, path, "Ben@dept.gc.ca", ["See activity", "Manage the service"])

    assert (await ben.open(f"/en/{path}/team")).status == 404
    page = await ben.open(f"/en/invitation/{code}")
    assert page.heading == "Join the team of Hunting"
    assert (await ben.open(f"/en/{path}/team")).status == 404  # a look is no yes

    await ben.open("/en/invitation")
    await ben.press("Continue", {"Code of the invitation": code.upper().replace("-", " ")})
    page = await ben.press("Join the team")
    assert page.notice == "You are in the team of Hunting"
    assert (await ben.open(f"/en/{path}/team")).status == 200
    assert (await ben.open(f"/en/{path}/guests")).status == 404  # not among his permissions
    assert (await ben.open(f"/en/invitation/{code}")).status == 404  # it is used


async def test_an_invitation_is_no_one_elses(site: RunningSite) -> None:
    ann, eve = await browsing(site, "Ann"), await browsing(site, "Eve")
    path = await create(ann, "Sailing", "Voile")
    code = await invited(site, ann, path, "lou@dept.gc.ca", ["See activity"])

    assert (await eve.open(f"/en/invitation/{code}")).status == 404
    await eve.open("/en/invitation")
    page = await eve.press("Continue", {"Code of the invitation": code})
    assert page.errors == ["There is no such invitation: it was cancelled, used, or has expired"]


async def test_an_invitation_can_be_cancelled_and_is_for_government_addresses(site: RunningSite) -> None:
    ann, lou = await browsing(site, "Ann"), await browsing(site, "Lou")
    path = await create(ann, "Rowing", "Aviron")
    code = await invited(site, ann, path, "lou@dept.gc.ca", ["See activity"])
    await ann.open(f"/en/{path}/team")
    page = await ann.press("Cancel \N{EN DASH} lou@dept.gc.ca")
    assert page.notice == "The invitation of lou@dept.gc.ca is cancelled"
    assert (await lou.open(f"/en/invitation/{code}")).status == 404

    await ann.open(f"/en/{path}/team/invite")
    values = {"Email address": "lou@notgc.ca", "What may this person do?": ["See activity"]}
    page = await ann.press("Send the invitation", values)
    assert page.errors == ["This address is not of an organisation that uses this service"]
    assert page.value("Email address") == "lou@notgc.ca"


async def test_permissions_change_at_once_and_the_last_manager_stays(site: RunningSite) -> None:
    ann, ben = await browsing(site, "Ann"), await browsing(site, "Ben")
    path = await create(ann, "Skiing", "Ski")
    code = await invited(site, ann, path, "ben@dept.gc.ca", ["Manage the service"])
    await ben.open(f"/en/invitation/{code}")
    await ben.press("Join the team")
    assert (await ben.open(f"/en/{path}/settings")).status == 200

    await ann.open(f"/en/{path}/team")
    await ann.follow("Change \N{EN DASH} Ben")
    await ann.press("Save", {"What may this person do?": ["See activity"]})
    assert (await ben.open(f"/en/{path}/settings")).status == 404  # ASVS 5.0, 8.3.2

    await ann.open(f"/en/{path}/team")
    await ann.follow("Change \N{EN DASH} Ann")
    page = await ann.press("Save", {"What may this person do?": ["See activity"]})
    assert page.errors == ["Nobody else manages the service: give somebody else that permission first"]
    await ann.open(f"/en/{path}/team")
    await ann.follow("Change \N{EN DASH} Ben")
    await ann.follow("Remove Ben from the team")
    page = await ann.press("Remove from the team")
    assert page.notice == "Ben is not in the team any more"
    assert (await ben.open("/en/services")).text.count("Skiing") == 0


@pytest.mark.parametrize(
    "route",
    sampled([each for each in ROUTES if "{service_id}" in each.path], lambda at: at % 3 == 2),
    ids=lambda each: f"{each.method} {each.path}",
)
async def test_asvs_8_2_2_8_4_1_no_page_of_a_service_is_there_for_another_team(site: RunningSite, route: Any) -> None:
    """ASVS 5.0, 8.2.2 and 8.4.1."""
    ann, eve = await browsing(site, "Ann"), await browsing(site, "Eve")
    async with site.database.read() as c:
        mine = await memberships.of_user(c, site.site.settings.limits, (await person(site, "Ann")).id)
    path = f"services/{mine[0][0].id}" if mine else await create(ann, "Diving", "Plongée")
    own = {"service_id": path.rpartition("/")[2], "user_id": (await person(site, "Ann")).id}
    values = dict.fromkeys(re.findall(r"{(\w+)}", route.path), "00000000-0000-4000-8000-000000000000") | {
        name: value for name, value in own.items() if f"{{{name}}}" in route.path
    }
    data = {"csrf": "x"} if route.method == "POST" else None
    there = await eve.ask(route.method, f"/en/{route.path.format(**values)}", data=data)
    assert there.status == 404


async def test_another_services_ids_open_nothing(site: RunningSite) -> None:
    ann, eve = await browsing(site, "Ann"), await browsing(site, "Eve")
    of_ann, of_eve = await create(ann, "Climbing", "Escalade"), await create(eve, "Caving", "Spéléologie")
    await ann.open(f"/en/{of_ann}/reply-to/new")
    page = await ann.press("Send the code", {"Email address": "desk@dept.gc.ca"})
    reply_to = page.url.rpartition("/")[2]
    await ann.open(f"/en/{of_ann}/guests")
    page = await ann.press("Add to the list", {"Email address or phone number": "guest@home.example"})
    (entry,) = re.findall(r'name="remove" value="([0-9a-f-]{36})"', page.html)

    assert (await eve.open(f"/en/{of_eve}/reply-to/{reply_to}")).status == 404
    assert (await eve.open(f"/en/{of_eve}/team/{(await person(site, 'Ann')).id}")).status == 404
    page = await eve.open(f"/en/{of_eve}/guests")
    token = re.search(r'name="csrf" value="([^"]+)"', page.html)
    assert token
    page = await eve.open(f"/en/{of_eve}/guests", method="POST", data={"csrf": token[1], "remove": entry})
    assert page.status == 404
    assert "guest@home.example" in (await ann.open(f"/en/{of_ann}/guests")).text


async def test_a_reply_to_address_is_proved_by_the_code_mailed_to_it(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    path = await create(ann, "Cycling", "Cyclisme")
    await ann.open(f"/en/{path}/reply-to/new")
    page = await ann.press("Send the code", {"Email address": "help@dept.gc.ca"})
    assert page.notice == "We sent a code to help@dept.gc.ca"
    assert (await found_service(site, path)).reply_to_address is None
    code = re.search(r"\b\d{6}\b", (await letters(site, "help@dept.gc.ca"))[-1]["body"])
    assert code
    wrong = f"{(int(code[0]) + 1) % 10**6:06}"
    page = await ann.press("Confirm the address", {"Code of 6 digits": wrong})
    assert page.errors == ["This is not the code that was sent last"]
    page = await ann.press("Send a new code")
    assert page.errors == ["A code was sent less than 30 seconds ago: wait for it"]
    page = await ann.press("Confirm the address", {"Code of 6 digits": code[0]})
    assert page.notice == "help@dept.gc.ca is confirmed"
    assert (await found_service(site, path)).reply_to_address == "help@dept.gc.ca"


async def test_settings_are_changed_one_by_one(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    path = await create(ann, "Curling", "Le curling")
    for page, values in {
        "name": {"Name in English": "Curling clubs", "Name in French": "Clubs de curling"},
        "address": {"Part before the @": "clubs"},
        "language": {"Language of messages": "In French"},
        "channels": {"Text messages": ["Begin each text message with the service's name"]},
        "contact": {"Email address of the contact": "duty@dept.gc.ca"},
    }.items():
        await ann.open(f"/en/{path}/settings/{page}")
        assert (await ann.press("Save", values)).notice == "The change is saved", page  # type: ignore[arg-type]
    await ann.open(f"/en/{path}/settings/hold")
    assert (await ann.press("Put the service on hold")).notice == "The service is on hold"

    found = await found_service(site, path)
    assert (found.name, found.name_fr, found.email_from) == ("Curling clubs", "Clubs de curling", "clubs")
    assert (found.language, found.sms_allowed, found.sms_prefix) == (Language.FR, False, True)
    assert (found.contact, found.held) == ("duty@dept.gc.ca", True)
    page = await ann.open(f"/fr/{path}/audit")
    assert page.status == 200
    assert "Ann" in page.text


async def test_what_an_operator_holds_only_an_operator_releases(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    path = await create(ann, "Boxing", "Boxe")
    async with site.writing(audit.Actor("operator", "root")) as t:
        await changing.hold(t, path.rpartition("/")[2])
    await ann.open(f"/en/{path}/settings/hold")
    page = await ann.press("Release the service")
    assert page.errors
    assert (await found_service(site, path)).held


async def test_a_service_goes_live_once_all_is_done_and_another_decides(
    site: RunningSite, organisation: organisations.Organisation
) -> None:
    ann, zoe = await browsing(site, "Ann"), await browsing(site, "Zoe")
    path = await create(ann, "Archery", "Tir à l'arc")
    service = await found_service(site, path)
    page = await ann.open(f"/en/{path}/go-live")
    assert page.text.count("To do") == 5
    assert "You can ask once everything is done." in page.text

    await ann.open(f"/en/{path}/go-live/use-case")
    page = await ann.press("Save", {"What are the messages for?": "Reminders", "Emails in a year": "many"})
    assert len(page.errors) == 5
    volumes = {"Emails on your busiest day": "1,000", "Emails in a year": "100 000"}
    volumes |= {"Text messages on your busiest day": "0", "Text messages in a year": "0"}
    page = await ann.press("Save", {"What are the messages for?": "Reminders", "Who gets them?": "Archers", **volumes})
    assert page.notice == "Your answers are saved"
    await ann.open(f"/en/{path}/settings/contact")
    await ann.press("Save", {"Email address of the contact": "duty@dept.gc.ca"})
    code = await invited(site, ann, path, "zoe@dept.gc.ca", ["Manage the service"])
    assert "In progress" in (await ann.open(f"/en/{path}/go-live")).text
    await zoe.open(f"/en/invitation/{code}")
    await zoe.press("Join the team")
    async with site.writing(audit.Actor("user", "x")) as t:
        await templates.create(t, str(service.id), channel=Channel.EMAIL, name="n", subject="s", body="b")
        await t.connection.execute(count_changes.insert().values(**counted(service.id)))

    await ann.open(f"/en/{path}/go-live")
    page = await ann.press("Ask to go live")
    assert page.errors == ["Accept the terms of use to go on"]
    approver = await person(site, "Max")
    async with site.database.write() as c:
        await organisations.add_approver(c, organisation, approver.id, site.clock())
    terms = page.labels[-1]
    page = await ann.press("Ask to go live", {"Terms of use": [terms]})
    assert page.notice == "Your request is sent. We write to the team once it is decided"
    assert "/approvals/" in (await letters(site, "max@dept.gc.ca"))[-1]["body"]

    assert (await ann.open("/en/approvals")).status == 404
    weak = await site.signed_in(await person(site, "Max"), factors=(Factor.PASSWORD, Factor.EMAIL))  # type: ignore[arg-type]
    assert "step-up" in (await weak.ask("GET", "/en/approvals")).headers["Location"]
    max_ = await browsing(site, "Max")
    page = await max_.open("/en/approvals")
    await max_.follow("Archery")
    page = await max_.press("Decide", {"Your decision": "It stays in trial"})
    assert page.errors == ["Say why, so that the team knows what to change"]
    page = await max_.press("Decide", {"Your decision": "The service goes live", "What the team should know": "Well"})
    assert page.notice == "Archery is live"
    assert (await found_service(site, path)).live
    for name in ("ann", "zoe"):
        assert (await letters(site, f"{name}@dept.gc.ca"))[-1]["subject"] == "Archery is live"


async def test_each_name_of_a_service_is_told_what_is_wrong_with_itself(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    await ann.open("/en/services/add")
    page = await ann.press("Continue", {"Name in English": "Fencing", "Name in French": "Escrime\u202e"})
    assert page.errors == ["A name has 1 to 100 printable characters"]
    assert page.link("A name has 1 to 100 printable characters") == "#name_fr"
    page = await ann.press("Continue", {"Name in English": "A" * 60, "Name in French": "T" * 60})
    assert page.errors == ["The names in both languages have together at most 97 characters"]


async def test_what_is_stored_is_no_markup_on_any_page(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    evil = "<img src=x onerror=alert(1)>"
    path = await create(ann, evil, f"{evil}fr")
    for page in (*ROOMS, "services"):
        found = await ann.open(f"/en/{page.format(service_id=path.rpartition('/')[2])}")
        assert found.status == 200, page
        assert "<img src=x" not in found.html


async def test_the_audit_has_pages_and_groups(site: RunningSite) -> None:
    ann = await browsing(site, "Ann")
    path = await create(ann, "Judo", "Le judo")
    async with site.writing(await audit_actor(site)) as t:
        for number in range(60):
            await changing.update(t, path.rpartition("/")[2], per_day=number + 1)
    page = await ann.open(f"/en/{path}/audit")
    assert page.text.count("changed settings") == 50
    page = await ann.follow("Older")
    assert page.text.count("changed settings") == 10
    assert "created the service" in page.text
    page = await ann.open(f"/en/{path}/audit?what=team")
    assert "added to the team Ann" in page.text
    assert "changed settings" not in page.text


async def audit_actor(site: RunningSite) -> audit.Actor:
    return audit.Actor("user", str((await person(site, "Ann")).id))


def counted(service_id: UUID) -> dict[str, object]:
    """A message that was delivered."""
    ids = {name: uuid4() for name in ("id", "key_id", "template_id")}
    row = {"service_id": service_id, "start": 0, "channel": "email", "door": "smtp", "key_type": "team", **ids}
    return {**row, "status": "delivered", "messages": 1, "units": 0}
