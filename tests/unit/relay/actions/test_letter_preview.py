"""A letter before it is sent: what its reader would get, in one document that asks nothing of anybody."""

import email
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from delivery.library.brandings import Brandings
from delivery.library.letterheads import Letterheads
from messages import reply
from messages.address import Address
from messages.email.compose import Recipe, compose
from messages.message import Language
from messages.reply import Refused
from messages.variant import BUILT_IN
from relay.actions.letter_preview import look
from tests.fakes.principals import make_principal
from tests.fakes.templates import template

ARTWORK = Path(__file__).parents[3] / "data/branding/artwork"
SERVICE = replace(make_principal().service, branding="fip_english", reply_to_address="desk@city.example")
LETTER = template("Hello ((name)), see [our page](https://example.ca/((id)))", "Hi ((name))")
VALUES = {"name": "Zoë <b>", "id": "7"}


@pytest.fixture(params=[None, "https://relay.example.ca/branding/"], ids=["inline", "link"])
def brandings(request: pytest.FixtureRequest) -> Brandings:
    return Brandings(Letterheads(ARTWORK, request.param))


@pytest.mark.parametrize("language", Language)
async def test_it_is_what_the_exit_would_build(brandings: Brandings, language: Language) -> None:
    found = await look(LETTER, VALUES, SERVICE, language, brandings)

    sender = Address(SERVICE.email_from, SERVICE.domain)
    recipe = Recipe(SERVICE.name, sender, None, SERVICE.branding, language, 0.0, VALUES)
    branding = brandings.render(BUILT_IN["fip_english"], SERVICE.name, language)
    message = email.message_from_bytes(compose(recipe, LETTER, branding, Address("a", "b.ca"), UUID(int=5)))
    text, html = (
        next(part for part in message.walk() if part.get_content_type() == kind).get_payload(decode=True)
        for kind in ("text/plain", "text/html")
    )
    assert isinstance(text, bytes)
    assert isinstance(html, bytes)
    assert found.text == text.decode()
    assert re.sub(r'src="data:[^"]+"', "", found.html) == re.sub(r'src="(cid:|https://relay)[^"]+"', "", html.decode())
    assert (found.subject, found.sender, found.reply_to) == ("Hi Zoë <b>", sender, "desk@city.example")


async def test_it_brings_its_pictures_along_and_asks_nobody(brandings: Brandings) -> None:
    html = (await look(LETTER, VALUES, SERVICE, Language.EN, brandings)).html
    sources = re.findall(r'src="([^"]{15})', html)
    assert len(sources) == 2
    assert {each[:11] for each in sources} == {"data:image/"}
    assert "cid:" not in html
    assert "relay.example.ca" not in html


@pytest.mark.parametrize(
    ("branding", "values", "refusal"),
    [
        ("fip_english", {"name": "x"}, reply.PERSONALISATION_MISSING),
        ("fip_english", {"name": "x" * 300_000, "id": "1"}, reply.TEXT_TOO_LONG),
        ("somebody-elses", VALUES, reply.BAD_OPTION),
    ],
)
async def test_what_a_door_refuses_is_refused(
    brandings: Brandings, branding: str, values: dict[str, str], refusal: reply.Reply
) -> None:
    with pytest.raises(Refused) as refused:
        await look(LETTER, values, replace(SERVICE, branding=branding), Language.EN, brandings)
    assert refused.value.reply is refusal
