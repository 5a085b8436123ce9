"""Templates on the web site, as somebody without scripts writes, previews, compares, copies and archives them."""

import html
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from auth import audit, services
from auth.audit import Actor
from auth.people.permissions import Permission
from config.settings import Limits
from delivery.library import template_lists, templates
from messages.message import Channel, Language
from tests.harness.browser import Browser, Page
from tests.harness.site import DOMAIN, Person, RunningSite

BODY = "Hello ((name)),\n\nyour file is ready.((late?? You are late.))"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


@dataclass
class Team:
    site: RunningSite
    service: UUID

    @property
    def path(self) -> str:
        return f"/en/services/{self.service}/templates"

    async def member(self, *permissions: Permission, person: Person | None = None) -> Browser:
        person = person or Person(name="Zoé <b>")
        self.site.people.members[person.id, self.service] = frozenset(permissions)
        return await self.site.signed_in(person)

    async def make(self, name: str = "Letter", channel: Channel = Channel.EMAIL, body: str = BODY) -> str:
        subject = "Dear ((name))" if channel is Channel.EMAIL else None
        async with self.site.database.write() as connection:
            made = await templates.create(
                connection, self.service, self.site.clock(), channel=channel, name=name, subject=subject, body=body
            )
        return str(made.id)

    async def names(self, *, archived: bool = False) -> list[str]:
        async with self.site.database.read() as connection:
            found = await template_lists.page(connection, self.service, archived=archived)
        return [each.name for each in found.templates]


@pytest_asyncio.fixture(loop_scope="module")
async def team(site: RunningSite) -> AsyncIterator[Team]:
    yield await team_of(site)


async def team_of(site: RunningSite, name: str = "Passports", **options: Any) -> Team:
    async with site.database.write() as connection:
        named = {"name": name, "email_from": f"p{uuid4().hex[:9]}", "domain": DOMAIN}
        made = await services.create(connection, Limits(), site.clock(), **named, **options)
    return Team(site, made.id)


def shown(page: Page) -> str:
    return html.unescape(page.html)


async def test_an_email_is_written_and_its_versions_tell_who_and_what(team: Team) -> None:
    person = Person(name="Zoé <b>")
    browser = await team.member(Permission.MANAGE_TEMPLATES, person=person)
    await browser.open(team.path)
    await browser.follow("New email template")
    made = await browser.press("Save", {"Name": "Reminder", "Subject": "Hi ((name))", "Message": BODY})
    assert (made.heading, made.notice) == ("Reminder", "The template is saved.")
    assert "Zoé <b>" in made.text

    await browser.follow("Edit")
    assert browser.page is not None
    assert browser.page.value("Message") == BODY
    saved = await browser.press("Save", {"Message": BODY.replace("Hello", "Good day")})
    assert saved.notice == "Version 2 is saved."
    await browser.follow("Versions")
    second = await browser.follow("Version 2")
    assert second.heading == "Version 2 of Reminder"
    for words in ("Removed: Hello ((name)),", "Added: Good day ((name)),"):
        assert words in second.text
    again = await browser.open(f"{made.url}/edit?version=1")
    assert again.value("Message") == BODY
    async with team.site.database.read() as connection:
        found = await audit.find(connection, 5, service_id=team.service)
    assert [each.action for each in found] == ["template.update", "template.create"]
    assert {(each.actor_kind, each.actor) for each in found} == {("user", str(person.id))}


async def test_nothing_typed_is_lost_and_each_fault_stands_beside_its_field(team: Team) -> None:
    browser = await team.member(Permission.MANAGE_TEMPLATES)
    await browser.open(f"{team.path}/new-email")
    wrong = await browser.press("Save", {"Name": "", "Subject": "", "Message": "See ((it??(here)) now"})
    assert wrong.errors[:2] == ["Enter a name", "Enter a subject"]
    assert wrong.errors[2].startswith("Check the message: the brackets within the optional text ((it??...))")
    assert wrong.title.startswith("Error: New email template")
    assert wrong.value("Message") == "See ((it??(here)) now"
    french = await browser.follow("Français")
    assert french.errors[0] == "Entrez un nom"
    assert french.value("Message") == "See ((it??(here)) now"
    assert await team.names() == []


async def test_a_text_is_too_long_before_it_is_kept(team: Team) -> None:
    browser = await team.member(Permission.MANAGE_TEMPLATES)
    await browser.open(f"{team.path}/new-text")
    wrong = await browser.press("Save", {"Name": "Code", "Message": "x" * 613})
    assert "at most 612 characters" in wrong.errors[0]
    assert "Subject" not in wrong.labels
    assert (await browser.press("Save", {"Message": "Your code is ((code))"})).heading == "Code"


async def test_whoever_saves_second_hears_that_somebody_was_first(team: Team) -> None:
    made = await team.make()
    first, second = [await team.member(Permission.MANAGE_TEMPLATES) for _ in range(2)]
    for browser in (first, second):
        await browser.open(f"{team.path}/{made}/edit")
    await first.press("Save", {"Message": "First ((name))"})
    told = await second.press("Save", {"Message": "Second ((name))"})
    assert told.errors[0].startswith("Somebody saved version 2 of this template")
    assert told.value("Message") == "Second ((name))"
    assert (await second.press("Save")).notice == "Version 3 is saved."


async def test_a_preview_is_a_document_of_its_own_that_runs_nothing(team: Team) -> None:
    made = await team.make()
    browser = await team.member(Permission.MANAGE_TEMPLATES)
    page = await browser.open(f"{team.path}/{made}")
    (frame,) = page.root.tagged("iframe")
    found = await browser.open(frame.attributes["src"])
    assert found.headers["Content-Security-Policy"] == POLICY
    assert frame.attributes["sandbox"] == POLICY.rpartition("sandbox ")[2]
    assert "Hello Alex Tremblay," in found.html
    assert "You are late." in found.html
    assert "Subject: <strong>Dear Alex Tremblay" in found.html


async def test_a_preview_shows_what_was_typed_in_the_branding_and_part_that_is_chosen(team: Team) -> None:
    made = await team.make()
    browser = await team.member(Permission.MANAGE_TEMPLATES)

    async def look(**values: object) -> Page:
        await browser.open(f"{team.path}/{made}")
        return await browser.press("Preview", values)  # type: ignore[arg-type]

    typed = await look(name="<script>x</script> & Co", late="Not shown")
    assert "<script" not in typed.html
    assert "&lt;script&gt;x&lt;/script&gt; &amp; Co" in typed.html
    assert "You are late." not in typed.html
    assert "Envoyé par" in shown(await look(Branding="In French"))
    both = shown(await look(Branding="In both languages"))
    assert ("Sent by" in both, "Envoyé par" in both) == (True, True)
    plain = await look(**{"What is shown": "Its text part, for readers without HTML"})
    assert "<pre>Hello Alex Tremblay," in plain.html
    assert "filter:invert" in (await look(Colours=["Dark, as some mail readers make it"])).html


async def test_what_is_still_being_written_is_previewed_and_not_kept(team: Team) -> None:
    browser = await team.member(Permission.MANAGE_TEMPLATES)
    await browser.open(f"{team.path}/new-email")
    typed = {"Name": "", "Subject": "A subject", "Message": "Words for ((first name))"}
    assert "Words for Alex" in (await browser.press("Preview", typed)).html
    await browser.open(f"{team.path}/new-email")
    assert "Enter a subject" in (await browser.press("Preview", typed | {"Subject": ""})).html
    await browser.open(f"{team.path}/new-text")
    text = await browser.press("Preview", {"Message": "L\u2019heure " + "x" * 70})
    assert "2 parts" in text.html
    assert "at character 13" in text.html  # behind "Passports: L"
    assert "Without them it would be 1 part" in text.html
    assert await team.names() == []


async def test_a_template_tells_which_half_it_lacks(site: RunningSite) -> None:
    team = await team_of(site, language=Language.BOTH)
    made = await team.make(body="Hello, your file is ready. Please bring this letter.")
    page = await (await team.member(Permission.MANAGE_TEMPLATES)).open(f"{team.path}/{made}")
    assert "this template seems to have no French half" in page.text
    made = await team.make(body="[[en]]\nHello\n[[/en]]\n[[fr]]\nBonjour\n[[/fr]]")
    assert "half" not in (await (await team.member(Permission.MANAGE_TEMPLATES)).open(f"{team.path}/{made}")).text


async def test_templates_are_searched_copied_archived_and_restored(team: Team) -> None:
    for name in ("Été", "Code"):
        await team.make(name, Channel.SMS if name == "Code" else Channel.EMAIL)
    browser = await team.member(Permission.MANAGE_TEMPLATES)
    await browser.open(team.path)
    found = await browser.press("Search", {"Words of the name or subject": "ETE"})
    assert [words for words, _ in found.links if words in ("Été", "Code")] == ["Été"]
    await browser.follow("Été")
    await browser.follow("Copy this template")
    copied = await browser.press("Copy")
    assert (copied.heading, copied.notice) == ("Copy of Été", "The copy is saved.")
    asked = await browser.follow("Archive this template")
    assert await team.names() == ["Code", "Copy of Été", "Été"]
    assert asked.heading == "Archive Copy of Été?"
    assert (await browser.press("Archive")).notice == "Copy of Été is archived."
    assert (await team.names(), await team.names(archived=True)) == (["Code", "Été"], ["Copy of Été"])
    await browser.follow("Archived templates")
    await browser.follow("Copy of Été")
    await browser.follow("Restore this template")
    assert (await browser.press("Restore")).notice == "The template is in use again."
    assert await team.names() == ["Code", "Copy of Été", "Été"]


UNKNOWN = UUID(int=7)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [("operator", "ann", "ann, by command"), ("key", str(UNKNOWN), "not known"), ("user", str(UNKNOWN), "not known")],
)
async def test_an_author_is_told_in_words(team: Team, kind: str, name: str, words: str) -> None:
    async with team.site.database.write() as connection:
        made = await templates.create(
            connection,
            team.service,
            1.0,
            channel=Channel.EMAIL,
            name="n",
            subject="s",
            body="b",
            author=Actor(kind, name),
        )
    assert words in (await (await team.member(Permission.MANAGE_TEMPLATES)).open(f"{team.path}/{made.id}")).text


async def test_nobody_reaches_another_services_template(site: RunningSite, team: Team) -> None:
    other = await team_of(site)
    foreign, browser = await other.make(), await team.member(*Permission)
    for rest in ("", "/frame", "/edit", "/versions", "/versions/1", "/copy", "/archive", "/restore"):
        assert (await browser.open(f"{team.path}/{foreign}{rest}")).status == 404, rest
        assert (await browser.open(f"{other.path}/{foreign}{rest}")).status == 404, rest


async def test_a_copy_goes_where_its_maker_may_manage_templates_and_nowhere_else(site: RunningSite, team: Team) -> None:
    made, person = await team.make(), Person()
    other, closed = await team_of(site, name="Permits"), await team_of(site, name="Taxes")
    site.people.members[person.id, other.service] = frozenset({Permission.MANAGE_TEMPLATES})
    site.people.members[person.id, closed.service] = frozenset({Permission.SEND_MESSAGES})
    browser = await team.member(Permission.MANAGE_TEMPLATES, person=person)
    page = await browser.open(f"{team.path}/{made}/copy")
    _, control = page.field("Into which service")
    assert [each.text for each in control.tagged("option")] == ["Passports", "Permits"]
    copied = await browser.press("Copy", {"Into which service": "Permits", "Name of the copy": "Letter of ours"})
    assert copied.url.startswith(other.path)
    assert (await team.names(), await other.names()) == (["Letter"], ["Letter of ours"])

    await browser.open(f"{team.path}/{made}/copy")
    assert browser.page is not None
    token = next(each for each in browser.page.root.tagged("input") if each.attributes.get("name") == "csrf")
    data = {"csrf": token.attributes["value"], "name": "x", "to": str(closed.service)}
    told = await browser.open(f"{team.path}/{made}/copy", method="POST", data=data)
    assert told.errors == ["Choose a service of this list"]
    assert await closed.names() == []
