"""The public pages: what they tell, and what becomes of what people write."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from auth.audit import Actor
from auth.people import enquiries
from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Found, Search
from messages.email.compose import Recipe
from messages.message import Language
from relay.actions import services
from relay.actions.transaction import Transaction
from tests.harness.browser import Page
from tests.harness.site import RunningSite

ENGLISH = {
    "What is your message about?": "Report an accessibility barrier",
    "Your message": "The <table> cannot be *read* aloud.\n\nThanks",
    "Your name": "Zoë [Roy](https://evil.example)",
    "Your email address": "zoe@example.org",
}
BAD_ADDRESS = "Enter an email address in the correct format, like name@example.ca"
FRENCH = {
    "Quel est le sujet de votre message?": "Poser une question",
    "Votre message": "Bonjour",
    "Votre nom": "Zoë",
    "Votre adresse courriel": "zoe@example.org",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def own(site: RunningSite, database: Database) -> None:
    """The relay's own service, which letters leave from."""
    async with database.write() as connection:
        sealing = Keyring.parse(Keyring.generate())
        clerk = Actor("operator", "clerk")
        t = Transaction(connection, site.site.settings, site.site.secret, sealing, clerk, site.clock())
        await services.ensure_own(t)


@pytest.fixture(autouse=True)
def later(site: RunningSite) -> None:
    site.clock.ahead_seconds += 700  # nobody has written lately


async def letters(site: RunningSite, to: str) -> list[Recipe]:
    """What is to be sent to an address, newest first."""
    found: list[Found] = list(await site.store.searching.find(Search(recipient=to), 10))
    contents = await site.store.contents.load([each.message.content_id for each in found])
    return [Recipe.from_json(contents[each.message.content_id]) for each in found]


async def written(site: RunningSite) -> list[enquiries.Enquiry]:
    async with site.database.read() as connection:
        return await enquiries.newest(connection, site.site.secret)


async def write(site: RunningSite, language: str, values: Mapping[str, Any]) -> Page:
    browser = await site.browser()
    await browser.open(f"/{language}/contact")
    return await browser.press({"en": "Send your message", "fr": "Envoyer votre message"}[language], values)


async def test_what_is_written_is_kept_mailed_to_the_operator_and_acknowledged(site: RunningSite) -> None:
    page = await write(site, "en", ENGLISH)
    (kept, *_), (told, *_), (receipt, *_) = (
        await written(site),
        await letters(site, "operator@example.ca"),
        await letters(site, "zoe@example.org"),
    )

    assert (page.url, page.heading) == ("/en/contact/sent?copy=sent", "We got your message")
    assert "We also sent you a receipt" in page.text
    assert (kept.reason, kept.language, kept.name) == ("accessibility", Language.EN, ENGLISH["Your name"])
    assert kept.words == ENGLISH["Your message"]
    assert told.personalisation["subject"].startswith(
        "Report an accessibility barrier: a message from the contact page ("
    )
    assert "zoe@example.org. Answer in English." in told.personalisation["body"]
    assert receipt.personalisation["subject"] == "We got your message"


async def test_the_receipt_is_in_the_writers_language_only(site: RunningSite) -> None:
    page = await write(site, "fr", FRENCH)
    receipt, *_ = await letters(site, "zoe@example.org")

    assert (page.url, page.heading) == ("/fr/contact/sent?copy=sent", "Nous avons reçu votre message")
    assert receipt.personalisation["subject"] == "Nous avons reçu votre message"
    assert "We got" not in receipt.personalisation["body"]


async def test_without_the_relays_own_service_it_is_kept_and_no_copy_is_promised(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.notices.contact.OWN_ID", UUID(int=1))
    page = await write(site, "en", ENGLISH | {"Your message": "Kept all the same"})

    assert (page.url, "receipt" in page.text) == ("/en/contact/sent", False)
    assert (await written(site))[0].words == "Kept all the same"


async def test_what_is_typed_is_text_in_the_letters_and_no_markdown(site: RunningSite) -> None:
    await write(site, "en", ENGLISH)
    told, *_ = await letters(site, "operator@example.ca")

    assert r"Zoë \[Roy\]\(https://evil.example\)" in told.personalisation["body"]


@pytest.mark.parametrize(
    ("label", "value", "error"),
    [
        ("Your name", "", "Enter your name"),
        ("Your name", "x" * 101, "Your name can have 100 characters"),
        ("Your email address", "", "Enter your email address"),
        ("Your email address", "zoe", BAD_ADDRESS),
        (
            "Your email address",
            "a@b.example\r\nBcc: c@d.example",
            BAD_ADDRESS,
        ),
        ("Your message", " \n ", "Enter your message"),
        ("Your message", "x" * 2001, "Your message can have 2000 characters"),
        ("What is your message about?", [], "Choose what your message is about"),
    ],
)
async def test_a_message_that_cannot_be_taken_is_shown_with_what_to_change(
    site: RunningSite, label: str, value: Any, error: str
) -> None:
    before = await written(site)
    page = await write(site, "en", ENGLISH | {label: value})

    assert page.errors == [error]
    assert page.root.at(page.link(error).removeprefix("#")).tag in ("input", "textarea")
    assert await written(site) == before


async def test_errors_are_told_in_the_order_of_the_fields(site: RunningSite) -> None:
    page = await write(site, "en", {})
    fields = [
        each.attributes["id"]
        for each in page.root.all()
        if each.tag in ("input", "textarea") and "id" in each.attributes
    ]
    told = [page.link(error).removeprefix("#") for error in page.errors]

    assert told == ["reason", "message", "name", "email"]
    assert sorted(told, key=fields.index) == told


async def test_a_link_chooses_what_a_message_is_about(site: RunningSite) -> None:
    page = await (await site.browser()).open("/en/contact?about=privacy")
    chosen = [each for each in page.root.tagged("input") if "checked" in each.attributes]

    assert [each.attributes["value"] for each in chosen] == ["privacy"]


async def test_who_writes_too_often_waits(site: RunningSite) -> None:
    pages = [await write(site, "en", ENGLISH) for _ in range(6)]

    assert [each.status for each in pages] == [200, 200, 200, 200, 200, 429]
    assert pages[-1].heading == "Too many tries"
    assert "This can be done 5 times within 10 minutes." in pages[-1].text


async def test_what_somebody_wrote_too_often_is_not_lost(site: RunningSite) -> None:
    site.clock.ahead_seconds += 601
    browser = await site.browser()
    for _ in range(6):
        await browser.open("/en/contact")
        page = await browser.press("Send your message", ENGLISH)
    assert page.status == 429
    assert (await browser.open("/en/contact")).value("Your message") == ENGLISH["Your message"]


async def test_asvs_5_4_2_activity_is_a_page_and_a_file_of_each_language(site: RunningSite) -> None:
    browser = await site.browser()
    english, french = await browser.open("/en/activity"), await browser.open("/fr/activity")
    files = {language: (await browser.open(f"/{language}/activity/csv")).octets for language in ("en", "fr")}
    rows = list(csv.reader(io.StringIO(files["fr"].decode("utf-8-sig")), delimiter=";"))
    month = datetime.now(UTC)

    assert len(english.root.tagged("tr")) == len(french.root.tagged("tr")) == 13
    assert english.root.tagged("tbody")[0].tagged("th")[0].text == month.strftime("%B %Y")
    assert files["en"].startswith("\ufeffMonth,Emails,Text messages\r\n".encode())
    assert rows[0] == ["Mois", "Courriels", "Textos"]
    assert rows[1][0] == month.strftime("%Y-%m")
    served = await browser.ask("GET", "/fr/activity/csv?filename=a.html")
    assert served.headers["Content-Disposition"] == 'attachment; filename="activity-fr.csv"'


async def test_security_txt_says_whom_to_tell(site: RunningSite) -> None:
    page = await (await site.browser()).open("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in page.html.splitlines())

    assert fields["Contact"] == "mailto:operator@example.ca"
    assert fields["Preferred-Languages"] == "en, fr"
    assert fields["Canonical"] == f"{site.url}.well-known/security.txt"
    assert datetime.fromisoformat(fields["Expires"]).timestamp() > site.clock() + 300 * 86_400


async def test_who_reads_neither_language_chooses(site: RunningSite) -> None:
    page = await (await site.browser(language="de")).open("/")

    assert (page.status, page.url) == (200, "/")
    assert [(url, each) for each, url in page.links] == [("/en", "English"), ("/fr", "Français")]
