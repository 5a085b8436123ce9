"""Templates as people look for them, who wrote which version, copies, and those that come back from the archive."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from auth import audit
from auth.audit import Actor
from auth.principal import Service
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from delivery.library import template_lists as lists
from delivery.library.template_texts import TemplateError
from messages.message import Channel
from messages.template import Template
from relay.actions import services, templates
from relay.actions.errors import UnknownError
from relay.actions.transaction import Transaction
from tests.fakes.auth import NOW

ANN, KEY = Actor("user", str(uuid4())), Actor("key", str(uuid4()))
EMAIL: dict[str, Any] = {
    "channel": Channel.EMAIL,
    "name": "Letter",
    "subject": "Dear ((name))",
    "body": "Hello ((name))",
}


class Desk:
    """Where actions are done one after the other, by Ann unless it is said."""

    def __init__(self, database: Database, keyring: Keyring, sealing: Keyring) -> None:
        self.database = database
        self._keyrings = keyring, sealing

    async def do(self, action: Any, *given: Any, by: Actor = ANN, at: float = NOW, **named: Any) -> Any:
        async with self.database.write() as connection:
            return await action(Transaction(connection, Settings(), *self._keyrings, by, at), *given, **named)

    async def service(self, name: str = "Passports") -> UUID:
        made: Service = await self.do(services.create, name=name, email_from=name.lower())
        return made.id

    async def make(self, service: UUID, **texts: Any) -> Template:
        made: Template = await self.do(templates.create, str(service), **EMAIL | texts)
        return made

    async def names(self, service: UUID, **asked: Any) -> list[str]:
        async with self.database.read() as connection:
            return [each.name for each in (await lists.page(connection, service, **asked)).templates]


@pytest.fixture
def desk(database: Database, keyring: Keyring, sealing: Keyring) -> Desk:
    return Desk(database, keyring, sealing)


async def test_each_version_tells_who_wrote_it(desk: Desk) -> None:
    made = await desk.make(await desk.service())
    await desk.do(templates.update, made.id, by=KEY, at=NOW + 60, body="Good day ((name))")

    async with desk.database.read() as connection:
        second, first = await lists.versions(connection, made.id)
        assert await lists.version(connection, made.id, 1) == first
        assert await lists.version(connection, made.id, 3) is None
        assert await lists.versions(connection, made.id, before=2) == [first]
    assert (second.author, second.written_at, second.template.body) == (KEY, NOW + 60, "Good day ((name))")
    assert (first.author, first.written_at, first.template) == (ANN, NOW, made)


async def test_templates_are_found_by_their_words_without_case_and_accents(desk: Desk) -> None:
    service = await desk.service()
    await desk.make(service, name="Été: rappel")
    await desk.make(service, name="etude", subject="Le Rappel")
    await desk.make(service, name="Zebra")
    await desk.make(service, name="Text", channel=Channel.SMS, subject=None)
    await desk.make(await desk.service("Permits"), name="Rappel of others")

    assert await desk.names(service) == ["Été: rappel", "etude", "Text", "Zebra"]
    assert await desk.names(service, words="RAPPEL ete") == ["Été: rappel"]
    assert await desk.names(service, words="rappel") == ["Été: rappel", "etude"]
    assert await desk.names(service, channel=Channel.SMS) == ["Text"]
    assert await desk.names(service, words="nothing") == []


async def test_a_list_has_an_end_and_goes_on_behind_it(desk: Desk) -> None:
    service = await desk.service()
    for name in "edcba":
        await desk.make(service, name=name)
    seen, after = [], None
    async with desk.database.read() as connection:
        for _ in range(3):
            page = await lists.page(connection, service, after=after, size=2)
            seen.append([each.name for each in page.templates])
            after = page.after
    assert (seen, after) == ([["a", "b"], ["c", "d"], ["e"]], None)


async def test_an_archived_template_is_in_a_list_of_its_own_until_it_is_restored(desk: Desk) -> None:
    service = await desk.service()
    made = await desk.make(service)
    with pytest.raises(TemplateError, match="is not archived"):
        await desk.do(templates.restore, made.id)
    await desk.do(templates.archive, made.id, at=NOW + 1)
    assert (await desk.names(service), await desk.names(service, archived=True)) == ([], ["Letter"])

    assert await desk.do(templates.restore, made.id, at=NOW + 2) == made
    assert (await desk.names(service), await desk.names(service, archived=True)) == (["Letter"], [])
    async with desk.database.read() as connection:
        last, *_ = await audit.find(connection, 1, object_id=str(made.id))
    assert (last.action, last.before, last.after) == ("template.restore", {"archived": True}, {"archived": False})


async def test_a_copy_says_what_it_was_copied_from(desk: Desk) -> None:
    service, other = await desk.service(), await desk.service("Permits")
    made = await desk.make(service)
    copied: Template = await desk.do(templates.copy, service, made.id, name="Copy of Letter", to=other)

    assert (copied.service_id, copied.name, copied.subject, copied.body, copied.version) == (
        *(other, "Copy of Letter", made.subject, made.body, 1),
    )
    async with desk.database.read() as connection:
        (entry,) = await audit.find(connection, 2, object_id=str(copied.id))
        (version,) = await lists.versions(connection, copied.id)
    assert (entry.action, entry.service_id, version.author) == ("template.copy", other, ANN)
    assert entry.after
    assert (entry.after["copied_from"], entry.after["copied_version"]) == (str(made.id), 1)
    assert "body" not in entry.after


async def test_nothing_is_copied_out_of_another_service(desk: Desk) -> None:
    service, other = await desk.service(), await desk.service("Permits")
    made = await desk.make(other)
    with pytest.raises(UnknownError):
        await desk.do(templates.copy, service, made.id, name="Mine")
    assert await desk.names(service) == []
