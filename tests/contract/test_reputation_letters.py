"""The owner and the operators hear once of a hold, in both languages, of whatever kind it is."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from auth import notices, services
from auth.domains import names
from auth.notices import Kind, Notice
from auth.people import users
from auth.principal import Service
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from config.words import Words
from delivery.queue.base import HoldReason
from messages.message import Language
from relay.notices.contact import Contacts, Letter
from relay.notices.reputation import ToOwnersAndOperators, letter, operators_letter
from relay.notices.telling import Telling
from tests.fakes.auth import DEFAULTS
from tests.harness.noon import NOW

JUDGED = {"bad": 1_234, "sent": 10_000}
SLOWED = {"key": "Case *system*", "key_id": "k", "sent": 20_001, "busiest": 2_000, "per_hour": 20_000}
SAID: list[dict[str, Any]] = [
    *(
        {"change": change, "measure": each} | JUDGED
        for change in ("warned", "held")
        for each in ("bounces", "complaints")
    ),
    {"change": "lifted"},
    *({"change": "lifted", "still": [each.value]} for each in HoldReason),
    {"change": "paused"},
    {"change": "slowed"} | SLOWED,
]


class Mailbox(Contacts):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, str], dict[Language, Letter]] = {}

    async def write(self, to: str, name: str, letters: Any) -> Any:
        self.written[to, name] = dict(letters)
        return uuid4()


async def make_service(database: Database, sealing: Keyring) -> Service:
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        options = {"email_from": "permits", "domain": "x.example", "contact": "owner@x.example"}
        return await services.create(c, DEFAULTS, NOW, name="Permits", **options)


async def test_a_hold_is_told_to_the_contact_and_to_each_operator_once(
    database: Database, keyring: Keyring, sealing: Keyring
) -> None:
    service, mailbox = await make_service(database, sealing), Mailbox()
    async with database.write() as c:
        for name, options in (("ann", {}), ("bob", {"operator": False}), ("cleo", {"verified": False})):
            made = {"operator": True, "verified": True} | options
            await users.create(c, keyring, NOW, email=f"{name}@x.example", name=name, language=Language.EN, **made)
        said = {"change": "held", "measure": "bounces"} | JUDGED
        await c.run_sync(notices.note, [Notice(Kind.REPUTATION, "a", service.id, said, NOW)])
    way = ToOwnersAndOperators(database, keyring, mailbox, Limits(), Words.load())
    for _ in range(2):
        await Telling(database, {Kind.REPUTATION: way}, lambda: NOW).tell()

    assert {to for to, _ in mailbox.written} == {"owner@x.example", "ann@x.example"}
    assert len(mailbox.written) == 2
    assert not any("@" in name for _, name in mailbox.written)
    ours = next(letters for (to, _), letters in mailbox.written.items() if to.startswith("ann"))
    assert "an operator of notify-relay" in ours[Language.EN].body
    assert "1,234 came back for good (12.34%)" in ours[Language.EN].body
    assert ours[Language.FR].subject == "Permits est suspendu\u00a0: trop de courriels sont retournés"


async def test_each_letter_is_whole_in_both_languages(database: Database, sealing: Keyring) -> None:
    service, words = await make_service(database, sealing), Words.load()
    for said in SAID:
        notice = Notice(Kind.REPUTATION, "a", service.id, said, NOW)
        found = [letter(notice, service, each, words.translator(each)) for each in (Language.EN, Language.FR)]
        assert found[0] != found[1]
        for each in found:
            assert "{" not in each.subject + each.body
            assert "Case *" not in each.body
            assert str(service.id) in each.body


async def test_of_a_hold_that_ends_while_another_goes_on_nobody_reads_that_all_is_sent(
    database: Database, sealing: Keyring
) -> None:
    service, words = await make_service(database, sealing), Words.load()
    said = {"change": "lifted", "still": ["complaints", "operator"]}
    notice = Notice(Kind.REPUTATION, "a", service.id, said, NOW)
    for language, over in ((Language.EN, "is being sent"), (Language.FR, "en cours d'envoi")):
        found = letter(notice, service, language, words.translator(language))
        assert over not in found.body
        assert found.body.count("\n\n") == 3  # a paragraph for each reason


async def test_of_the_relays_own_service_the_letter_names_no_mark_and_what_to_do(
    database: Database, sealing: Keyring
) -> None:
    service, words = replace(await make_service(database, sealing), id=OWN_ID), Words.load()
    notice = Notice(Kind.REPUTATION, "a", OWN_ID, {"change": "warned", "measure": "bounces"} | JUDGED, NOW)
    found = operators_letter(notice, service, Language.EN, words.translator(Language.EN))
    assert "Have it name one that takes mail" in found.body
    assert "lanes" not in found.body
