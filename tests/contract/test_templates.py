"""Templates as they are kept and read, and messages built from them, on SQLite and on PostgreSQL."""

import asyncio
import email
import email.policy
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.database import Database
from delivery.exit.rendering import Renderer, RenderingError
from delivery.library import templates
from delivery.library.brandings import Brandings
from delivery.library.template_texts import (
    MAX_BODY_CHARACTERS,
    MAX_NAME_CHARACTERS,
    TemplateError,
    draft,
    problems,
)
from delivery.library.templates import Templates
from delivery.library.versions import FRESH_SECONDS
from messages.address import Address
from messages.email.compose import Recipe
from messages.message import Channel, ContentKind, Door, KeyType, Lane, Language, Message
from messages.status import Status
from messages.template import Template
from tests.fakes.auth import NOW, FixedClock, counted

SERVICE = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
TEXTS: dict[str, Any] = {
    "channel": Channel.EMAIL,
    "name": "Letter",
    "subject": "Dear ((name))",
    "body": "Hello ((name))",
}


async def create(database: Database, **texts: Any) -> Template:
    async with database.write() as connection:
        return await templates.create(connection, texts.pop("service_id", SERVICE), NOW, **TEXTS | texts)


async def update(database: Database, template_id: UUID, at: float = NOW + 10, **texts: Any) -> Template:
    async with database.write() as connection:
        return await templates.update(connection, template_id, at, **texts)


async def archive(database: Database, template_id: UUID) -> Template:
    async with database.write() as connection:
        return await templates.archive(connection, template_id)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def reader(database: Database, clock: FixedClock) -> Templates:
    return Templates(database, clock)


async def test_template_is_kept_as_it_was_made(database: Database) -> None:
    made = await create(database)
    assert made.id.version == 4
    assert made == Template(
        made.id, 1, SERVICE, Channel.EMAIL, "Letter", "Dear ((name))", "Hello ((name))", False, False, NOW, None
    )
    async with database.read() as connection:
        assert await templates.find(connection, made.id) == await templates.find(connection, made.id, 1) == made


async def test_change_makes_a_version_and_leaves_the_others(database: Database) -> None:
    first = await create(database)
    second = await update(database, first.id, body="Good day")
    assert (second.version, second.subject, second.body) == (2, first.subject, "Good day")
    assert (second.created_at, second.updated_at) == (NOW, NOW + 10)
    async with database.read() as connection:
        assert await templates.find(connection, first.id, 1) == first
        assert await templates.find(connection, first.id) == second


async def test_changes_at_the_same_moment_are_versions_one_after_the_other(database: Database) -> None:
    made = await create(database)
    changed = await asyncio.gather(*(update(database, made.id, body=f"body {i}") for i in range(4)))
    assert sorted(each.version for each in changed) == [2, 3, 4, 5]


async def test_list_has_the_latest_by_name_without_hidden_archived_and_other_services(database: Database) -> None:
    b, a = await create(database, name="b"), await create(database, name="A")
    sms = await create(database, name="c", channel=Channel.SMS, subject=None)
    await create(database, name="d", service_id=uuid4())
    gone = await create(database, name="e")
    await archive(database, gone.id)
    b = await update(database, b.id, name="B")
    async with database.write() as connection:
        await templates.create_hidden(connection, uuid4(), SERVICE, NOW)
    async with database.read() as connection:
        assert await templates.list_all(connection, SERVICE) == [a, b, sms]
        assert await templates.list_all(connection, SERVICE, Channel.EMAIL) == [a, b]
        assert await templates.list_all(connection, uuid4()) == []


async def test_archived_template_is_found_and_not_changed(database: Database) -> None:
    made = await create(database)
    assert (await archive(database, made.id)).archived
    with pytest.raises(TemplateError, match="cannot be changed"):
        await update(database, made.id, name="Other")
    with pytest.raises(TemplateError, match="cannot be changed"):
        await archive(database, made.id)


async def test_the_one_of_smtp_mail_is_not_changed(database: Database) -> None:
    hidden = uuid4()
    async with database.write() as connection:
        await templates.create_hidden(connection, hidden, SERVICE, NOW)
    with pytest.raises(TemplateError, match="cannot be changed"):
        await update(database, hidden, body="x")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"name": " \r\n"}, "name has 1 to 255"),
        ({"name": "n" * (MAX_NAME_CHARACTERS + 1)}, "name has 1 to 255"),
        ({"body": "\n \0"}, "body has 1 to 50000"),
        ({"body": "b" * (MAX_BODY_CHARACTERS + 1)}, "body has 1 to 50000"),
        ({"subject": None}, "subject has 1 to 998"),
        ({"subject": " "}, "subject has 1 to 998"),
        ({"subject": "s" * 999}, "subject has 1 to 998"),
        ({"body": "((show??See (it)) now"}, r"optional text \(\(show\?\?...\)\) do not match"),
        ({"subject": "((show??See (it)) now"}, "optional text"),
        ({"channel": Channel.SMS}, "an SMS has no subject"),
    ],
)
async def test_unusable_texts_are_refused(sqlite_url: str, texts: dict[str, Any], reason: str) -> None:
    database = Database(sqlite_url)
    with pytest.raises(TemplateError, match=reason):
        await create(database, **texts)
    await database.close()


async def test_texts_are_kept_clean(database: Database) -> None:
    made = await create(
        database, name=" My\r\nletter ", subject="Dear\r\n((name))\0", body="a\r\nb\rc\0\x07" + "\u00e9"
    )
    assert (made.name, made.subject, made.body) == ("My letter", "Dear ((name))", "a\nb\nc\u00e9")


async def test_unknown_template_is_said(database: Database) -> None:
    made = await create(database)
    async with database.read() as connection:
        for wanted, version in ((uuid4(), None), (made.id, 2)):
            with pytest.raises(TemplateError, match="there is no template"):
                await templates.find(connection, wanted, version)


async def test_reader_knows_a_change_after_two_seconds(
    database: Database, reader: Templates, clock: FixedClock
) -> None:
    first = await create(database)
    assert await reader.find(SERVICE, first.id) == first
    second = await update(database, first.id, name="Other")
    assert await reader.find(SERVICE, first.id) == first
    assert await reader.find(SERVICE, first.id, 2) == second
    clock.now += FRESH_SECONDS
    assert await reader.find(SERVICE, first.id) == second
    assert await reader.find(SERVICE, first.id, 1) == first
    await archive(database, first.id)
    clock.now += FRESH_SECONDS
    found = await reader.find(SERVICE, first.id)
    assert found is not None
    assert found.archived
    assert await reader.list_all(SERVICE) == []


async def test_reader_gives_a_service_its_own_only(database: Database, reader: Templates) -> None:
    made = await create(database)
    for _ in range(2):  # from the database, then remembered
        assert await reader.find(SERVICE, made.id) == await reader.find(SERVICE, made.id, 1) == made
        assert await reader.find(uuid4(), made.id) is None
        assert await reader.find(uuid4(), made.id, 1) is None
    assert await reader.find(SERVICE, uuid4()) is None
    assert await reader.find(SERVICE, made.id, 9) is None


async def test_reader_needs_no_database_for_a_version_it_knows(database: Database, reader: Templates) -> None:
    made = await create(database)
    await reader.find(SERVICE, made.id, 1)
    with counted(database) as statements:
        assert await reader.find(SERVICE, made.id, 1) == made
    assert statements == []


async def test_reader_asks_the_database_once_for_all_who_ask_at_once(database: Database, reader: Templates) -> None:
    made = await create(database)
    with counted(database) as statements:
        assert await asyncio.gather(*(reader.find(SERVICE, made.id) for _ in range(40))) == [made] * 40
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


async def test_reader_answers_the_others_when_one_leaves(database: Database, reader: Templates) -> None:
    made = await create(database)
    first, second = (asyncio.create_task(reader.find(SERVICE, made.id)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == made


async def test_reader_forgets_what_was_not_asked_for_longest(database: Database, clock: FixedClock) -> None:
    reader = Templates(database, clock, max_entries=2)
    made = [await create(database) for _ in range(3)]
    for each in (made[0], made[1], made[0], made[2]):
        await reader.find(SERVICE, each.id, 1)
    await archive(database, made[0].id)
    await archive(database, made[1].id)
    remembered, read_anew = [await reader.find(SERVICE, each.id, 1) for each in made[:2]]
    assert remembered is not None
    assert read_anew is not None
    assert (remembered.archived, read_anew.archived) == (False, True)


# -- Rendering -----------------------------------------------------------------------------------------------------

RECIPE = Recipe(
    service_name="Passports",
    sender=Address("passports", "notification.example.ca"),
    reply_to=None,
    branding="default",
    language=Language.FR,
    created_at=NOW,
    personalisation={"name": "Anne"},
)


def message(template_id: UUID, version: int = 1) -> Message:
    return Message(
        id=UUID("01900000-0000-7000-8000-000000000001"),
        group_id=UUID("01900000-0000-7000-8000-000000000002"),
        service_id=SERVICE,
        key_id=uuid4(),
        key_type=KeyType.NORMAL,
        channel=Channel.EMAIL,
        door=Door.HTTP,
        lane=Lane.NORMAL,
        template_id=template_id,
        template_version=version,
        reference=None,
        reverse_path="",
        recipient=Address("anne", "example.org"),
        subject="Dear Anne",
        original_message_id=None,
        signing_domain="notification.example.ca",
        content_id=uuid4(),
        content_bytes=1,
        content_kind=ContentKind.RENDERED,
        status=Status.CREATED,
        created_at=NOW,
        expires_at=NOW + 3600,
    )


async def test_message_is_built_of_the_version_it_was_accepted_with(database: Database, reader: Templates) -> None:
    made = await create(database)
    await update(database, made.id, body="Good day")
    await archive(database, made.id)
    renderer = Renderer(reader, Brandings())
    content = await renderer.render(message(made.id), RECIPE.to_json())
    assert content == await renderer.render(message(made.id), RECIPE.to_json())
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert (mail["To"], mail["Subject"]) == ("anne@example.org", "Dear Anne")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "Hello Anne" in part.get_content()
        assert "Envoy\u00e9 par Passports" in unescape(part.get_content())


async def test_message_that_cannot_be_built_says_why_in_one_word(database: Database, reader: Templates) -> None:
    made = await create(database)
    renderer = Renderer(reader, Brandings())
    stored = RECIPE.to_json()
    long = RECIPE.to_json().replace(b"Anne", b"a" * 300_000)
    for of, recipe, reason in (
        (message(uuid4()), stored, "template_gone"),
        (message(made.id, 2), stored, "template_gone"),
        (message(made.id), b"MIME-Version: 1.0\r\n", "recipe_damaged"),
        (message(made.id), stored.replace(b'"default"', b'"unheard-of"'), "branding_gone"),
        (message(made.id), long, "too_long"),
    ):
        with pytest.raises(RenderingError, match=f"^{reason}$"):
            await renderer.render(of, recipe)


async def test_a_service_keeps_so_many_versions_and_takes_nothing_from_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "MAX_VERSIONS", 2)
    first = await create(database)
    await update(database, first.id, body="Good day")
    with pytest.raises(TemplateError, match="at most 2 versions"):
        await update(database, first.id, body="Good night")
    with pytest.raises(TemplateError, match="at most 2 versions"):
        await create(database)
    assert (await create(database, service_id=uuid4())).version == 1


async def test_a_service_has_so_many_templates_in_use_and_keeps_those_it_has(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await create(database), await create(database)
    monkeypatch.setattr(templates, "MAX_TEMPLATES", 1)
    assert (await update(database, first.id, body="Good day")).version == 2
    with pytest.raises(TemplateError, match="has 1 templates in use: archive one"):
        await create(database)
    async with database.write() as connection:
        await templates.archive(connection, first.id)
        await templates.archive(connection, second.id)
        await templates.restore(connection, first.id)
        with pytest.raises(TemplateError, match="archive one"):
            await templates.restore(connection, second.id)
    assert (await create(database, service_id=uuid4())).version == 1


def test_a_text_that_nobody_keeps_is_read_as_one_that_is_kept() -> None:
    made = draft(Channel.SMS, "Passports", SERVICE, name="", subject=None, body="Hello\r\n((name))")
    assert (made.channel, made.service_id, made.body, made.placeholders) == (
        *(Channel.SMS, SERVICE, "Hello\n((name))", ("name",)),
    )


def test_all_that_is_wrong_is_told_at_once_and_where() -> None:
    found = list(problems(Channel.EMAIL, "", name=" ", subject="((a??b", body="\n"))
    assert [each.text_of for each in found] == ["name", "subject", "body"]
